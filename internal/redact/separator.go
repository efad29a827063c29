package redact

import "strings"

// A kind of separator says how far an unquoted value reaches.
type kind int

const (
	none    kind = iota
	equals       // = and other operators: to the next blank
	colon        // : to the end of the line or to the next pair
	define       // := as in Go
	element      // > that ends an XML tag: to the next tag
	compare      // < or >, which may be many things: only a literal
)

// A separator stands between a name and its value.
type separator struct {
	kind  kind
	value int // where the value begins
}

// separator looks for one after a name, behind what may close the name.
func (sc *scanner) separator(w span) separator {
	s := sc.s
	if w.start > 0 && strings.IndexByte("<:", s[w.start-1]) >= 0 && strings.HasPrefix(s[w.end:], ">") {
		return separator{element, w.end + 1}
	}
	at := closers(s, w.end)
	blanks := skipBlank(s, at)
	for range 4 { // a type: token::text
		if !strings.HasPrefix(s[blanks:], "::") || wordEnd(s, blanks+2) == blanks+2 {
			break
		}
		at = closers(s, wordEnd(s, blanks+2))
		blanks = skipBlank(s, at)
	}
	end := blanks
	for end < len(s) && end < blanks+4 && strings.IndexByte("=<>!~:|^*?", s[end]) >= 0 {
		end++
	}
	if at == blanks && end > at+1 && strings.IndexByte("=:", s[at]) >= 0 && end < len(s) &&
		!blank(s[end]) && !quote(s[end]) && s[end] != '\\' {
		end = at + 1 // name=value, and the value begins like an operator
	}
	kind := kindOf(s[blanks:end])
	if kind == colon && strings.Contains(s[at:blanks], "\n") {
		return separator{}
	}
	value := end
	for value < len(s) && (s[value] == ' ' || s[value] == '\t') {
		value++
	}
	if next := skipBlank(s, value); kind == equals || next < len(s) && strings.IndexByte("\"'`[{(\\", s[next]) >= 0 {
		value = next // on the next line
	}
	return separator{kind, value}
}

func kindOf(operator string) kind {
	switch {
	case operator == "":
		return none
	case operator == ":=":
		return define
	case strings.HasPrefix(operator, ":") && !strings.Contains(operator, "="):
		return colon
	case len(operator) == 4: // a ruler: ====
		return none
	case operator == "<" || operator == ">":
		return compare
	case strings.ContainsAny(operator, "=~") || operator == "<>":
		return equals
	}
	return none
}

// closers goes over what may stand between a name and its separator: quotes, escaped or not, closing
// brackets, and an index.
func closers(s string, i int) int {
	for i < len(s) {
		switch c := s[i]; {
		case quote(c) || c == '\\' || c == ']' || c == ')':
			i++
		case c == '[':
			end := strings.IndexByte(s[i:min(len(s), i+64)], ']')
			if end < 0 || strings.ContainsAny(s[i:i+end], " \t\r\n") {
				return i
			}
			i += end + 1
		default:
			return i
		}
	}
	return i
}
