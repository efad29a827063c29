package redact

import "strings"

// value redacts the value that follows a secret name.
func (sc *scanner) value(name string, sep separator) {
	s, v := sc.s, sep.value
	if v >= len(s) || s[v] == '\n' || sc.literal(v) || placeholder(s, v) {
		return
	}
	lower := strings.ToLower(name)
	cookie := strings.Contains(lower, "cookie")
	switch {
	case sep.kind == compare:
		if digit(s[v]) {
			sc.unquoted(v, sc.equalsEnd(v, false))
		}
	case sep.kind == define && isCall(s, v):
		sc.redactLiterals(v, sc.lineEnd(v), false)
	case sep.kind == element && strings.IndexByte(s[v:min(v+maxElement, sc.lineEnd(v))], '<') >= 0:
		sc.unquoted(v, v+strings.IndexByte(s[v:], '<'))
	case v >= sc.reach && strings.IndexByte("[{(", s[v]) >= 0:
		end := bracket(s, v)
		if end < len(s) && !blank(s[end]) && strings.IndexByte("\"'`)]},&<\\", s[end]) < 0 {
			more := s[v:max(end, sc.equalsEnd(v, cookie))] // it only begins with a bracket
			end = max(end, v+len(trimClosers(more)))
		}
		sc.redact(v, end)
	case sep.kind == colon:
		sc.unquoted(v, sc.colonEnd(v, cookie || strings.Contains(lower, "authorization")))
	default:
		sc.unquoted(v, sc.equalsEnd(v, cookie))
	}
}

// unquoted redacts an unquoted value, but not what closes the brackets and quotes around it.
func (sc *scanner) unquoted(from, to int) {
	if to != sc.bareTo || !sc.bare.has(from) {
		sc.bareTo, sc.bare = to, span{from, from + len(trimClosers(sc.s[from:to]))}
		sc.redact(sc.bare.start, sc.bare.end)
	}
}

// trimClosers takes off the closing brackets and quotes, and the punctuation, at the end of a value that
// were not opened in it, unless it is nothing else.
func trimClosers(value string) string {
	value = strings.TrimRight(value, " \t\r")
	open := map[byte]int{
		')': strings.Count(value, "(") - strings.Count(value, ")"),
		']': strings.Count(value, "[") - strings.Count(value, "]"),
		'}': strings.Count(value, "{") - strings.Count(value, "}"),
	}
	kept := len(value)
	for kept > 0 && strings.IndexByte("\"'`)]}>,;\\ \t\r", value[kept-1]) >= 0 {
		last := value[kept-1]
		if n, bracket := open[last]; bracket && n >= 0 {
			break
		}
		open[last]++
		kept--
	}
	if kept == 0 {
		return value
	}
	return value[:kept]
}

// literal redacts what is in quotes at i, and what is joined to it, as in 'a' || 'b'.
func (sc *scanner) literal(i int) (found bool) {
	for {
		start := literalPrefix(sc.s, i)
		known := &sc.quotes[3] // of no quote: nothing is known
		if start < len(sc.s) && quote(sc.s[start]) {
			known = &sc.quotes[strings.IndexByte("\"'`", sc.s[start])]
		}
		if known.has(start) {
			return true
		}
		from, to, end, ok := quoted(sc.s, start, true)
		if !ok {
			return found
		}
		if from == start+1 {
			*known = span{start, to}
		}
		sc.redact(from, to)
		found = true
		i = skipBlank(sc.s, end)
		for i < len(sc.s) && i < end+4 && strings.IndexByte("|+& .", sc.s[i]) >= 0 {
			i++
		}
		if i = skipBlank(sc.s, i); i == end {
			return found
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
		case escapes == 0 && n%2 == 1, escapes > 0 && n > escapes: // escaped
		case escapes == 0 && t+1 < len(s) && s[t+1] == q && q != '`': // doubled
			t++
		case t+1 < len(s) && alnum(s[t+1]) || value && closesName(s, t+1): // it's; or the quotes are out of step
		default:
			return from, t - min(n, escapes), t + 1, true
		}
	}
	return from, from + len(strings.TrimRight(s[from:], " \t\r\n")), len(s), true
}

// closesName says whether a quote that ended at i closed a name and no value, since a separator follows.
func closesName(s string, i int) bool {
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	rest := s[i:min(len(s), i+2)]
	return strings.HasPrefix(rest, ":") && rest != "::" || strings.HasPrefix(rest, "=")
}

// placeholder says whether what stands for a value at i is none: ?, $1, null.
func placeholder(s string, i int) bool {
	end, behind := wordEnd(s, i), ",;)"
	switch {
	case s[i] == '?':
		end = i + 1
	case s[i] == '$':
		for end++; end < len(s) && end < i+5 && digit(s[end]); end++ {
		}
		if end == i+1 {
			return false
		}
	case strings.EqualFold(s[i:end], "null"), s[i:end] == "nil":
		behind = ",;:)]}"
	default:
		return false
	}
	return end >= len(s) || blank(s[end]) || strings.IndexByte(behind, s[end]) >= 0
}

// isCall says whether a Go call begins at i: store.Get(
func isCall(s string, i int) bool {
	end := i
	for end < len(s) && (alnum(s[end]) || s[end] == '.') {
		end++
	}
	return end > i && end < len(s) && s[end] == '('
}
