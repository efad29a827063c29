package redact

import "strings"

// maxElement is how far the end of an XML element is looked for.
const maxElement = 4096

// value redacts the value that follows a secret name and says where it ends.
func (sc *scanner) value(name string, sep separator) int {
	s, v := sc.s, sep.value
	if v >= len(s) || s[v] == '\n' {
		return v
	}
	if end, ok := sc.literal(v); ok {
		return end
	}
	if end, ok := placeholder(s, v); ok {
		return end
	}
	lower := strings.ToLower(name)
	cookie := strings.Contains(lower, "cookie")
	switch {
	case sep.kind == compare:
		if s[v] < '0' || s[v] > '9' {
			return v
		}
	case sep.kind == define && isCall(s, v):
		return sc.literals(v, sc.lineEnd(v), false)
	case strings.IndexByte("[{(", s[v]) >= 0:
		end := bracket(s, v)
		sc.redact(v, end)
		return end
	case sep.kind == colon:
		return sc.bare(v, sc.colonEnd(v, cookie || strings.Contains(lower, "authorization")))
	case sep.kind == element:
		if tag := strings.IndexByte(s[v:min(v+maxElement, sc.lineEnd(v))], '<'); tag >= 0 {
			return sc.bare(v, v+tag)
		}
	}
	return sc.bare(v, sc.equalsEnd(v, cookie))
}

// bare redacts an unquoted value, but not what closes the brackets and quotes around it.
func (sc *scanner) bare(from, to int) int {
	value := strings.TrimRight(sc.s[from:to], " \t\r")
	kept := len(value)
	open := map[byte]int{
		')': strings.Count(value, "(") - strings.Count(value, ")"),
		']': strings.Count(value, "[") - strings.Count(value, "]"),
		'}': strings.Count(value, "{") - strings.Count(value, "}"),
	}
	for kept > 0 && strings.IndexByte("\"'`)]}>,;\\ \t\r", value[kept-1]) >= 0 {
		last := value[kept-1]
		if n, bracket := open[last]; bracket && n >= 0 {
			break // it was opened in the value
		}
		open[last]++
		kept--
	}
	if kept == 0 {
		kept = len(value)
	}
	sc.redact(from, from+kept)
	return from + kept
}

// literal redacts what is in quotes at i, and what is joined to it: 'a' || 'b'.
func (sc *scanner) literal(i int) (end int, ok bool) {
	for {
		from, to, next, found := quoted(sc.s, literalPrefix(sc.s, i), true)
		if !found {
			return end, ok
		}
		sc.redact(from, to)
		if n := strings.IndexByte(sc.s[from:to], '\n'); n >= 0 {
			return from + n, true // it may be that a quote was cut off: look at the other lines, too
		}
		end, ok = next, true
		i = skipBlank(sc.s, next)
		for i < len(sc.s) && i < next+4 && strings.IndexByte("|+& .", sc.s[i]) >= 0 {
			i++
		}
		i = skipBlank(sc.s, i)
		if i == next {
			return end, ok
		}
	}
}

// literalPrefix goes over what a language may put before a string: N'…', E'…', b'…', _utf8'…'.
func literalPrefix(s string, i int) int {
	end := i
	for end < len(s) && alnum(s[end]) && s[end] < 0x80 && (end < i+2 || s[i] == '_' && end < i+16) {
		end++
	}
	if end < len(s) && quote(s[end]) {
		return end
	}
	return i
}

// quoted finds the string in quotes at i: its content is s[from:to], and next is behind it. One that is
// not closed reaches to the end. The quotes may be escaped, as in a string inside a string; then they
// close with as many backslashes as they open. A value does not end where its quote would close a name.
func quoted(s string, i int, value bool) (from, to, next int, ok bool) {
	escapes := 0
	for i+escapes < len(s) && s[i+escapes] == '\\' {
		escapes++
	}
	if i+escapes >= len(s) || !quote(s[i+escapes]) {
		return 0, 0, 0, false
	}
	q := s[i+escapes]
	from = i + escapes + 1
	for t := from; t < len(s); t++ {
		if s[t] != q {
			continue
		}
		n := 0
		for t-n > from && s[t-n-1] == '\\' {
			n++
		}
		switch {
		case n < escapes: // the string around it ends
			return from, t - n, t - n, true
		case escapes == 0 && n%2 == 1, escapes > 0 && n > escapes: // escaped
		case escapes == 0 && t+1 < len(s) && s[t+1] == q && q != '`': // doubled
			t++
		case t+1 < len(s) && alnum(s[t+1]) || value && closesName(s, t+1): // it's; or the quotes are out of step
		default:
			return from, t - min(n, escapes), t + 1, true
		}
	}
	return from, len(s), len(s), true
}

// closesName says whether a quote that ended at i closed a name and no value, since a separator follows.
func closesName(s string, i int) bool {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	rest := s[i:min(len(s), i+2)]
	return strings.HasPrefix(rest, ":") && rest != "::" || strings.HasPrefix(rest, "=")
}

// placeholder goes over what stands for a value and is none: ?, $1, null.
func placeholder(s string, i int) (end int, ok bool) {
	end = i
	switch {
	case s[i] == '?':
		end++
	case s[i] == '$':
		for end++; end < len(s) && end < i+5 && '0' <= s[end] && s[end] <= '9'; end++ {
		}
	default:
		end = wordEnd(s, i)
		if w := s[i:end]; !strings.EqualFold(w, "null") && w != "nil" {
			return i, false
		}
	}
	if end == i+1 && s[i] == '$' || end < len(s) && !blank(s[end]) && strings.IndexByte(",;:)]}", s[end]) < 0 {
		return i, false
	}
	return end, true
}

// isCall says whether a Go call begins at i: store.Get(
func isCall(s string, i int) bool {
	end := i
	for end < len(s) && (alnum(s[end]) || s[end] == '.') {
		end++
	}
	return end > i && end < len(s) && s[end] == '('
}

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

// equalsEnd is where the unquoted value at i of name=value ends: at white space, or before another pair.
// A cookie's value goes on with the cookie's next pair.
func (sc *scanner) equalsEnd(i int, cookie bool) int {
	s := sc.s
	for t := i; t < len(s); t++ {
		switch c := s[t]; {
		case blank(c) && !(cookie && t > i && s[t-1] == ';' && c == ' '):
			return t
		case c == '(' && t > i && alnum(s[t-1]): // a function of the secret
			t = bracket(s[:sc.lineEnd(t)], t) - 1
		case strings.IndexByte(",;&|", c) >= 0 && !(cookie && c == ';') && pairAt(s, t+1):
			return t
		}
	}
	return len(s)
}

// colonEnd is where the unquoted value at i of name: value ends: at the end of the line, or, unless it
// is the whole line's, before another pair.
func (sc *scanner) colonEnd(i int, whole bool) int {
	s, line := sc.s, sc.lineEnd(i)
	if whole {
		return line
	}
	for t := i; t < line; t++ {
		if blank(s[t]) || strings.IndexByte(",;&|", s[t]) >= 0 {
			end := t
			for t+1 < line && (blank(s[t+1]) || strings.IndexByte(",;&|", s[t+1]) >= 0) {
				t++
			}
			if pairAt(s, t+1) {
				return end
			}
		}
	}
	return line
}
