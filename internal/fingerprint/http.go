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
//   - it looks like a token: 8 or more letters that are all hexadecimal, or 6 consonants in a row.
//
// All between two slashes is one value if another character is in it than a letter, a digit, a dash, an
// underscore or a dot, such as @, = or %.
//
// A name that is a plain word, as in /user/anna, is not known for a value. A nil URL has no host and
// no path.
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
	for path != "" && path != "/" {
		segment := strings.TrimPrefix(path, "/")
		if segment, path = cutBefore(segment, '/'); len(b) > maxOut-2*maxPart-2 {
			return string(append(b, "/"+more...))
		}
		b = appendSegment(append(b, '/'), segment)
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
	hexadecimal, consonants := true, 0
	for i := range len(part) {
		switch c := part[i] | 0x20; {
		case digit(c):
			return true
		case c < 'a' || c > 'z' || strings.IndexByte("aeiouy", c) >= 0:
			consonants = 0
		default:
			if consonants++; consonants == 6 {
				return true
			}
		}
		hexadecimal = hexadecimal && 'a' <= part[i]|0x20 && part[i]|0x20 <= 'f'
	}
	return hexadecimal && len(part) >= 8
}
