package redact

import (
	"encoding/base64"
	"strings"
)

// shape redacts what is secret by how it looks, whatever its name.
func (sc *scanner) shape(w word) (next int, ok bool) {
	s := sc.s
	text := s[w.start:w.end]
	switch {
	case strings.EqualFold(text, "bearer"), strings.EqualFold(text, "basic"):
		return sc.credentials(w)
	case strings.HasSuffix(text, "-----BEGIN"):
		sc.pem = true
	case sc.pem && (text == "KEY-----" || text == "BLOCK-----"):
		sc.pem = false
		if !strings.Contains(s[max(0, w.start-16):w.start], "PRIVATE") {
			return 0, false
		}
		end := strings.Index(s[w.end:], "-----END")
		if end < 0 {
			end = len(s) - w.end
		}
		sc.redact(w.end, w.end+end)
		return w.end + end, true
	}
	// A JSON Web Token begins with {" in base64url, and its parts are joined by dots.
	if i := strings.Index(text, "eyJ"); i >= 0 && len(text)-i > 12 && strings.Contains(text[i:], ".") {
		sc.redact(w.start+i, w.end)
		return w.end, true
	}
	return 0, false
}

// credentials redacts what follows Bearer, or Basic if it looks the part: both are words, too.
func (sc *scanner) credentials(w word) (next int, ok bool) {
	s := sc.s
	i := w.end
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	end := i
	for end < len(s) && !blank(s[end]) && !quote(s[end]) && strings.IndexByte(",;<>\\", s[end]) < 0 {
		end++
	}
	if i == w.end || end == i || len(s[w.start:w.end]) == len("basic") && !basic(s[i:end]) {
		return 0, false
	}
	sc.redact(i, end)
	return end, true
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
// user:password@host, and goes over the host of a URL, whose port is no value.
func (sc *scanner) userinfo(w word) int {
	s, i := sc.s, w.end
	if i >= len(s) || s[i] != ':' {
		return w.end
	}
	end, last := sc.run(i)
	if !strings.HasPrefix(s[i:], "://") {
		if last > i+1 && last+1 < len(s) && (alnum(s[last+1]) || s[last+1] == '(' || s[last+1] == '[') &&
			!strings.EqualFold(s[w.start:w.end], "mailto") {
			sc.redact(i+1, last)
			return last
		}
		return w.end
	}
	from := i + len("://")
	authority := end
	if n := strings.IndexAny(s[from:end], "/?#"); n >= 0 {
		authority = from + n
	}
	if at := strings.LastIndexByte(s[from:authority], '@'); at >= 0 {
		sc.redact(from, from+at)
		return authority
	}
	port := strings.LastIndexByte(s[from:authority], ':')
	if port < 0 || s[authority-1] == ']' || strings.Trim(s[from+port+1:authority], "0123456789") == "" {
		return authority
	}
	if last >= from { // a password with a slash in it, not encoded
		sc.redact(from, last)
		return last
	}
	return from
}

// run is where the run of text around i without blanks, quotes and braces ends, and where its last @ is.
// It is found once for each run.
func (sc *scanner) run(i int) (end, at int) {
	if i < sc.runStart || i >= sc.runEnd {
		sc.runStart, sc.runEnd, sc.runAt = i, i, -1
		for ; sc.runEnd < len(sc.s); sc.runEnd++ {
			c := sc.s[sc.runEnd]
			if blank(c) || quote(c) || strings.IndexByte("<>{}", c) >= 0 {
				break
			}
			if c == '@' {
				sc.runAt = sc.runEnd
			}
		}
	}
	return sc.runEnd, sc.runAt
}
