package redact

import "strings"

// maxElement is how far the end of an XML element is looked for.
const maxElement = 4096

// bracket is where the bracket that opens at i is closed, or the end.
func bracket(s string, i int) int {
	open := s[i]
	shut := map[byte]byte{'[': ']', '{': '}', '(': ')'}[open]
	depth := 0
	for t := i; t < len(s); t++ {
		switch c := s[t]; {
		case c == open:
			depth++
		case c == shut:
			if depth--; depth == 0 {
				return t + 1
			}
		case quote(c) && !alnum(s[t-1]):
			_, _, next, _ := quoted(s, t, false)
			t = next - 1
		}
	}
	return len(s)
}

// equalsEnd is where the unquoted value at i of name=value ends: at white space, or before another pair as
// in a=b&c=d. A comma ends it only before a name in quotes: a=b,c=d may be a value. A cookie's goes on with
// the cookie's next pair.
func (sc *scanner) equalsEnd(i int, cookie bool) int {
	known := &sc.values[1]
	if cookie {
		known = &sc.values[2]
	}
	if !known.has(i) {
		*known = span{i, sc.findEqualsEnd(i, cookie)}
	}
	return known.end
}

func (sc *scanner) findEqualsEnd(i int, cookie bool) int {
	s := sc.s
	for t := i; t < len(s); t++ {
		switch c := s[t]; c {
		case ' ', '\t', '\n', '\r', '\f', '\v':
			if !(cookie && t > i && s[t-1] == ';' && c == ' ') {
				return t
			}
		case '(': // a function of the secret
			if t > i && alnum(s[t-1]) {
				t = bracket(s[:sc.lineEnd(t)], t) - 1
			}
		case '&', ';':
			if !(cookie && c == ';') && pairAt(s, t+1, "=") {
				return t
			}
		case ',', '|':
			if pairAt(s, t+1, "") {
				return t
			}
		}
	}
	return len(s)
}

// colonEnd is where the unquoted value at i of name: value ends: at the end of the line, or, unless it
// is the whole line's, before another pair, which has a blank before it or its name in quotes.
func (sc *scanner) colonEnd(i int, whole bool) int {
	if whole {
		return sc.lineEnd(i)
	}
	if !sc.values[0].has(i) {
		sc.values[0] = span{i, sc.findColonEnd(i)}
	}
	return sc.values[0].end
}

func (sc *scanner) findColonEnd(i int) int {
	s, line := sc.s, sc.lineEnd(i)
	between := func(t int) bool { return t < line && (blank(s[t]) || strings.IndexByte(",;&|", s[t]) >= 0) }
	for t := i; t < line; t++ {
		if !between(t) {
			continue
		}
		end, separators := t, ""
		for between(t + 1) {
			t++
		}
		if blank(s[t]) {
			separators = "=:"
		}
		if pairAt(s, t+1, separators) {
			return end
		}
	}
	return line
}

// pairAt says whether another name and one of the separators begin at i, so that a value before ends. A
// name in quotes may have any.
func pairAt(s string, i int, separators string) bool {
	if i < len(s) && quote(s[i]) {
		separators = "=:"
	}
	for i < len(s) && (quote(s[i]) || strings.IndexByte("{[(<\\@$", s[i]) >= 0) {
		i++
	}
	end := wordEnd(s, i)
	if separators == "" || end == i || digit(s[i]) {
		return false
	}
	end = closers(s, end)
	if end < len(s) && s[end] == ':' {
		return strings.Contains(separators, ":")
	}
	for end < len(s) && (s[end] == ' ' || s[end] == '\t') {
		end++
	}
	return end < len(s) && s[end] == '=' && strings.Contains(separators, "=")
}
