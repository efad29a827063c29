package redact

import (
	"encoding/base64"
	"strings"
)

// shape redacts what is secret by how it looks, whatever its name.
func (sc *scanner) shape(w span) {
	s := sc.s
	switch text := s[w.start:w.end]; {
	case strings.EqualFold(text, "bearer"), strings.EqualFold(text, "basic"):
		sc.credentials(w)
	case strings.HasSuffix(text, "-----BEGIN"):
		sc.pem = true
	case sc.pem && (text == "KEY-----" || text == "BLOCK-----"):
		sc.pem = false
		if !strings.Contains(s[max(0, w.start-16):w.start], "PRIVATE") || w.end < sc.reach {
			return
		}
		end := strings.Index(s[w.end:], "-----END")
		if end < 0 {
			end = len(s) - w.end
		}
		sc.redact(w.end, w.end+end)
	}
}

// webToken redacts a JSON Web Token: it begins with {" in base64url, and its parts are joined by dots.
func (sc *scanner) webToken(w span) bool {
	text := sc.s[w.start:w.end]
	i := strings.Index(text, "eyJ")
	if i < 0 || len(text)-i <= 12 || !strings.Contains(text[i:], ".") {
		return false
	}
	sc.redact(w.start+i, w.end)
	return true
}

// credentials redacts what follows Bearer, or Basic if it looks the part: both are words, too.
func (sc *scanner) credentials(w span) {
	s := sc.s
	i := w.end
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	end := i
	for end < len(s) && !blank(s[end]) && !quote(s[end]) && strings.IndexByte(",;<>\\", s[end]) < 0 {
		end++
	}
	if i > w.end && (w.end-w.start == len("bearer") || basic(s[i:end])) {
		sc.redact(i, end)
	}
}

// basic says whether a word may be the base64 of user:password.
func basic(text string) bool {
	text = strings.TrimRight(text, ".)]}")
	if strings.ContainsAny(text, "0123456789=+/") || strings.ToLower(text[min(1, len(text)):]) != text[min(1, len(text)):] {
		return len(text) >= 4
	}
	plain, _ := base64.StdEncoding.DecodeString(text[:len(text)&^3])
	return strings.Contains(string(plain), ":")
}

// userinfo redacts what stands before the @ in scheme://user:password@host, and the password in
// user:password@host, and notes where the host of a URL is, since its port is no value.
func (sc *scanner) userinfo(w span) {
	s, i := sc.s, w.end
	if i >= len(s) || s[i] != ':' {
		return
	}
	end, last := sc.runAround(i)
	if !strings.HasPrefix(s[i:], "://") {
		if last > i+1 && last+1 < len(s) && (alnum(s[last+1]) || s[last+1] == '(' || s[last+1] == '[') &&
			!strings.EqualFold(s[w.start:w.end], "mailto") {
			sc.redact(i+1, last)
		}
		return
	}
	from := i + len("://")
	authority := end
	if n := strings.IndexAny(s[from:end], "/?#"); n >= 0 {
		authority = from + n
	}
	sc.host = authority
	port := strings.LastIndexByte(s[from:authority], ':')
	switch at := strings.LastIndexByte(s[from:authority], '@'); {
	case at >= 0:
		sc.redact(from, from+at)
	case port < 0, s[authority-1] == ']', strings.Trim(s[from+port+1:authority], "0123456789") == "":
	case last >= from: // a password with a slash in it, not encoded
		sc.redact(from, last)
	default:
		sc.host = 0 // no port, so perhaps no host
	}
}

// runAround is the run of text around i without blanks, quotes and braces: where it ends, and where its
// last @ is.
func (sc *scanner) runAround(i int) (end, at int) {
	if !sc.run.has(i) {
		sc.run, sc.runAt = span{i, i}, -1
		for ; sc.run.end < len(sc.s); sc.run.end++ {
			c := sc.s[sc.run.end]
			if blank(c) || quote(c) || strings.IndexByte("<>{}", c) >= 0 {
				break
			}
			if c == '@' {
				sc.runAt = sc.run.end
			}
		}
	}
	return sc.run.end, sc.runAt
}
