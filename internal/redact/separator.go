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

// separator looks for one after a name that ends at i, behind what may close the name.
func (sc *scanner) separator(i int) separator {
	s := sc.s
	at := closers(s, i)
	blanks := skipBlank(s, at)
	for range 4 { // a type: token::text
		if !strings.HasPrefix(s[blanks:], "::") {
			break
		}
		at = closers(s, wordEnd(s, blanks+2))
		blanks = skipBlank(s, at)
	}
	end := blanks
	for end < len(s) && end < blanks+4 && strings.IndexByte("=<>!~:|^*?", s[end]) >= 0 {
		end++
	}
	kind := kindOf(s[blanks:end])
	if kind == colon && strings.Contains(s[at:blanks], "\n") {
		return separator{}
	}
	if kind == compare && s[end-1] == '>' && at == blanks && end < len(s) && !blank(s[end]) {
		kind = element
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

// pairAt says whether another name and its separator begin at i, so that a value before ends.
func pairAt(s string, i int) bool {
	for i < len(s) && (quote(s[i]) || strings.IndexByte("{[(<\\@$", s[i]) >= 0) {
		i++
	}
	end := wordEnd(s, i)
	if end == i {
		return false
	}
	end = closers(s, end)
	if end < len(s) && s[end] == ':' {
		return true
	}
	for end < len(s) && (s[end] == ' ' || s[end] == '\t') {
		end++
	}
	return end < len(s) && s[end] == '='
}
