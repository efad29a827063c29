package redact

import "strings"

// keyword redacts what follows the words that bring a secret without a name.
func (sc *scanner) keyword(w word) (next int, ok bool) {
	s := sc.s
	switch text := s[w.start:w.end]; strings.ToLower(text) {
	case "into", "insert", "replace":
		sc.insert = true
	case "values", "value", "select":
		if sc.insert && sc.listHas && !sc.inList {
			sc.listHas = false
			return sc.literals(w.end, len(s), true), true
		}
	case "identified":
		return sc.identified(w)
	case "for":
		sc.setFor = sc.setFor || strings.EqualFold(sc.before(sc.prev2), "set") && sc.list.Name(sc.before(sc.prev))
	case "auth": // Redis, SMTP
		return sc.command(w)
	}
	return 0, false
}

func (sc *scanner) before(w word) string { return sc.s[w.start:w.end] }

// identified redacts IDENTIFIED [WITH plugin] BY|AS [PASSWORD] 'x' [REPLACE 'y'] and BY x.
func (sc *scanner) identified(w word) (next int, ok bool) {
	s := sc.s
	i, by := w.end, false
	for range 4 {
		i = skipBlank(s, i)
		end := wordEnd(s, i)
		switch strings.ToLower(s[i:end]) {
		case "by", "as":
			by = true
		case "with": // and the plugin's name, in quotes or not
			if i = skipBlank(s, end); i < len(s) && quote(s[i]) {
				_, _, end, _ = quoted(s, i, false)
			} else {
				end = wordEnd(s, i)
			}
		case "password", "values", "random":
			if !by {
				return 0, false
			}
		default:
			if !by || i >= len(s) {
				return 0, false
			}
			if !quote(s[i]) && s[i] != '\\' {
				i = sc.bare(i, sc.equalsEnd(i, false))
			}
			return sc.literals(i, len(s), false), true
		}
		i = end
	}
	return 0, false
}

// command redacts the arguments of AUTH: the rest of the line. In lower case it is only a command where
// it begins the text and has one or two arguments.
func (sc *scanner) command(w word) (next int, ok bool) {
	s := sc.s
	upper := s[w.start:w.end] == "AUTH"
	if !upper && w.start != sc.first || w.end >= len(s) || s[w.end] != ' ' || sc.separator(w.end).kind != none {
		return 0, false
	}
	line := sc.lineEnd(w.end)
	i := skipBlank(s[:line], w.end)
	if i >= line || !upper && len(strings.Fields(s[i:line])) > 2 {
		return 0, false
	}
	return sc.bare(i, line), true
}

// operators stand between a column's name and a literal.
var operators = set("not in like ilike rlike regexp glob between is distinct from similar to default as any some " +
	"all binary and")

// argument redacts the literals that follow a secret name without a separator: PASSWORD 'x', token IN
// ('x', 'y'), PASSWORD('x'), --token x.
func (sc *scanner) argument(w word) int {
	s := sc.s
	i, operator := w.end, false
	for range 4 {
		i = skipBlank(s, i)
		end := wordEnd(s, i)
		if end == i || !operators[strings.ToLower(s[i:end])] {
			break
		}
		i, operator = end, true
	}
	i = skipBlank(s, i)
	if i >= len(s) {
		return w.end
	}
	parted := i > w.end
	switch c := s[i]; {
	case c == '(' && (operator || skipBlank(s, i+1) < len(s) && quote(s[skipBlank(s, i+1)])):
		return sc.literals(i, bracket(s, i), operator)
	case parted && (c == '"' || c == '\'' || c == '\\' || operator || literalPrefix(s, i) > i):
		if end, ok := sc.literal(i); ok {
			return end
		}
	case parted && strings.HasPrefix(s[w.start:w.end], "--") && c != '-':
		return sc.bare(i, sc.equalsEnd(i, false))
	}
	return w.end
}

// literals redacts the strings between two places, and the numbers where they may be secrets, up to the
// end of the statement. What is in backquotes is a name.
func (sc *scanner) literals(i, end int, numbers bool) int {
	s := sc.s
	for i < end {
		switch c := s[i]; {
		case c == ';':
			return i
		case quote(c) || c == '\\':
			from, to, next, ok := quoted(s, i, false)
			if !ok {
				i++
				break
			}
			if c != '`' {
				sc.redact(from, to)
			}
			i = next
		case wordByte(c):
			next := wordEnd(s, i)
			if numbers && (c >= '0' && c <= '9' || c == '-' || c == '+') && (i == 0 || s[i-1] != '$') {
				sc.redact(i, next)
			}
			i = next
		default:
			i++
		}
	}
	return max(i, end)
}
