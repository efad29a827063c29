package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// URI is a request target without the secrets in it: the path and query of a request line, or a whole
// URL. It finds the values of secret names in the query, in the fragment and in a path's parameters
// (;token=x), parted by & or ;, encoded or not, the user and password of a URL, and in what remains all
// that [List.Text] finds, in several layers of percent-encoding: ?next=https%3A%2F%2Fx%2F%3Ftoken%3Dabc.
//
// All else stays as it is, byte for byte, but that control characters and invalid UTF-8 are
// percent-encoded, so that the URI stays on one line.
func (l List) URI(uri string) string { return settle(printable(uri), l.uri) }

func (l List) uri(uri string) string {
	var b strings.Builder
	if scheme := strings.Index(uri, "://"); scheme > 0 && strings.Trim(uri[:scheme], schemeBytes) == "" {
		// The scheme and the authority are Text's: it knows where a user and a password may be.
		end := len(uri)
		if n := strings.IndexAny(uri[scheme+3:], "/?#"); n >= 0 {
			end = scheme + 3 + n
		}
		whole := uri
		if at := strings.LastIndexByte(uri, '@'); at >= end && oddPort(uri[scheme+3:end]) {
			end = at + 1
			if n := strings.IndexAny(uri[end:], "/?#"); n >= 0 {
				end += n
			} else {
				end = len(uri)
			}
		}
		b.WriteString(l.text(whole[:end], maxDepth))
		uri = uri[end:]
	}
	path := len(uri)
	if n := strings.IndexAny(uri, "?#"); n >= 0 {
		path = n
	}
	l.pieces(&b, uri[:path], "/;")
	l.pieces(&b, uri[path:], "#&;")
	return b.String()
}

// schemeBytes may be in a URI's scheme, RFC 3986 section 3.1, but for the dot, which none has.
const schemeBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-"

// oddPort says whether an authority without an @ has a port that is none: then the slash that ended it
// was part of a password.
func oddPort(authority string) bool {
	port := strings.LastIndexByte(authority, ':')
	return port >= 0 && !strings.Contains(authority, "@") && !strings.HasSuffix(authority, "]") && strings.Trim(authority[port+1:], "0123456789") != ""
}

// pieces redacts the pairs between separators. A semicolon only parts from a secret what is a pair.
func (l List) pieces(b *strings.Builder, s, separators string) {
	for s != "" {
		if s[0] == '?' || strings.IndexByte(separators, s[0]) >= 0 {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		end := pieceEnd(s, separators)
		name, value, pair := strings.Cut(s[:end], "=")
		switch {
		case !pair:
			b.WriteString(l.text(name, maxDepth))
		case l.Name(name):
			for end < len(s) && s[end] == ';' && !strings.Contains(s[end+1:end+1+pieceEnd(s[end+1:], separators)], "=") {
				end += 1 + pieceEnd(s[end+1:], separators)
			}
			b.WriteString(l.text(name, maxDepth))
			b.WriteByte('=')
			if strings.TrimSpace(value) != "" || end > len(name)+1+len(value) {
				b.WriteString(Mark)
			}
		default:
			b.WriteString(l.text(name, maxDepth))
			b.WriteByte('=')
			b.WriteString(l.text(value, maxDepth))
		}
		s = s[end:]
	}
}

func pieceEnd(s, separators string) int {
	if n := strings.IndexAny(s, separators); n >= 0 {
		return n
	}
	return len(s)
}

// printable percent-encodes what is not printable.
func printable(s string) string {
	clean := true
	for _, r := range s {
		clean = clean && r != utf8.RuneError && unicode.IsPrint(r)
	}
	if clean {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if unicode.IsPrint(r) && (r != utf8.RuneError || n > 1) {
			b.WriteString(s[:n])
		} else {
			for _, c := range []byte(s[:n]) {
				escape(&b, c)
			}
		}
		s = s[n:]
	}
	return b.String()
}
