package fingerprint

import (
	"net/url"
	"strings"
)

const (
	maxMethod = 20
	maxHost   = 100
	maxPart   = 24 // letters; a word in a path is hardly longer
)

// HTTP is the shape of a request to another server: its method (empty means GET), the host and the
// path, on one line of at most 300 bytes, with ? for each part of the path that could be a value. No
// userinfo, query or fragment. A part is what stands between slashes and dots; /book/12.json is
// /book/?.json. It could be a value if
//
//   - it has a digit, unless it is a version as in /v2/;
//   - it is longer than 24 bytes;
//   - it looks like a token: 8 or more letters that are all hexadecimal, or 6 consonants in a row; of 12
//     letters and more also 5 consonants in a row, few vowels, many rare letters, or capitals that are
//     not those of CamelCase.
//
// All between two slashes is one value if another character is in it than a letter, a digit, a dash, an
// underscore or a dot, such as @, = or %, and whatever it is behind a word that a token follows, as in
// /reset/…, /webhooks/… or /confirm-email/….
//
// A name that is a plain word, as in /user/anna, is not known for a value, and neither is what looks
// like one: of twelve random letters in lower case one in four. The host is shown as it is, so a host
// whose name is a secret is not for this. A nil URL has no host and no path.
func HTTP(method string, u *url.URL) string {
	b := make([]byte, 0, 128)
	b = append(b, known(method, maxMethod, "GET", letter)...)
	if u == nil {
		return string(b)
	}
	b = append(b, ' ')
	b = append(b, known(u.Host, maxHost, "", hostByte)...)
	path := u.EscapedPath()
	if u.Opaque != "" {
		path = "/" + u.Opaque
	}
	var before string // the segment
	for path != "" && path != "/" {
		segment := strings.TrimPrefix(path, "/")
		if segment, path = cutBefore(segment, '/'); len(b) > maxOut-2*maxPart-2 {
			return string(append(b, "/"+more...))
		}
		if b = append(b, '/'); segment == "" {
			continue
		}
		if tokenFollows(before) {
			b = append(b, '?')
		} else {
			b = appendSegment(b, segment)
		}
		before = segment
	}
	return string(append(b, path...))
}

// known is s if it is short and of nothing but the bytes that are accepted, ? if it is not, and
// something else if it is empty.
func known(s string, limit int, empty string, accepted func(byte) bool) string {
	if s == "" {
		return empty
	}
	for i := range len(s) {
		if i == limit || !accepted(s[i]) {
			return "?"
		}
	}
	return s
}

// hostByte says whether a byte may be in a host with a port.
func hostByte(c byte) bool {
	return letter(c) || digit(c) || strings.IndexByte(".-:[]", c) >= 0
}

// cutBefore cuts s into what is before the first c and the rest, which begins with it.
func cutBefore(s string, c byte) (before, rest string) {
	if i := strings.IndexByte(s, c); i >= 0 {
		return s[:i], s[i:]
	}
	return s, ""
}

// appendSegment appends the parts of a segment. One of many dots is as a whole a value.
func appendSegment(b []byte, segment string) []byte {
	start := len(b)
	for i := range len(segment) {
		if c := segment[i]; !letter(c) && !digit(c) && c != '-' && c != '.' {
			return append(b, '?')
		}
	}
	for rest := segment; ; {
		part, after := cutBefore(rest, '.')
		if value(part) {
			part = "?"
		}
		if b = append(b, part...); after == "" {
			return b
		}
		if b, rest = append(b, '.'), after[1:]; len(b)-start > maxPart {
			return append(b[:start], '?')
		}
	}
}

// value says whether a part of a path could be one.
func value(part string) bool {
	if len(part) > maxPart {
		return true
	}
	if len(part) > 1 && len(part) <= 3 && part[0]|0x20 == 'v' && digit(part[1]) && digit(part[len(part)-1]) {
		return false
	}
	hexadecimal, letters, vowels, rare, capitals, row, most := true, 0, 0, 0, 0, 0, 0
	for i := range len(part) {
		c := part[i] | 0x20
		if digit(c) {
			return true
		}
		hexadecimal = hexadecimal && 'a' <= c && c <= 'f'
		if row++; c < 'a' || c > 'z' {
			row = 0
			continue
		}
		if letters++; strings.IndexByte("aeiouy", c) >= 0 {
			row = 0
			vowels++
		} else if most = max(most, row); strings.IndexByte("jqxz", c) >= 0 {
			rare++
		}
		if part[i] != c {
			capitals++
		}
	}
	if hexadecimal && letters >= 8 || most >= 6 {
		return true
	}
	return letters >= 12 && (most >= 5 || 4*vowels < letters || rare >= 3 || capitals < letters && 3*capitals > letters)
}

// followed are words behind which a path has a token.
var followed = [...]string{"reset", "invite", "invitation", "token", "verify", "confirm", "magic", "webhook", "hook", "key", "secret", "share", "unsubscribe"}

// tokenFollows says whether one of the words of a segment, or its plural, is such a word.
func tokenFollows(segment string) bool {
	for word := range strings.FieldsFuncSeq(segment, func(r rune) bool { return r == '-' || r == '_' || r == '.' }) {
		if n := len(word) - 1; n > 0 && word[n]|0x20 == 's' {
			word = word[:n]
		}
		for _, f := range followed {
			if strings.EqualFold(word, f) {
				return true
			}
		}
	}
	return false
}
