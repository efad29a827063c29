package redact

import "strings"

// keyword redacts what follows the words that bring a secret without a name.
func (sc *scanner) keyword(w span) {
	switch strings.ToLower(sc.s[w.start:w.end]) {
	case "into", "insert", "replace":
		sc.insert = true
	case "values", "value", "select":
		if sc.insert && sc.listHas && !sc.inList {
			sc.listHas = false
			sc.redactLiterals(w.end, len(sc.s), true)
		}
	case "identified":
		sc.identified(w)
	case "for":
		sc.setFor = sc.setFor || strings.EqualFold(sc.before(sc.prev2), "set") && sc.list.Name(sc.before(sc.prev))
	case "auth": // Redis, SMTP
		sc.command(w)
	}
}

func (sc *scanner) before(w span) string { return sc.s[w.start:w.end] }

// identified redacts IDENTIFIED [WITH plugin] BY|AS [PASSWORD] 'x' [REPLACE 'y'] and BY x.
func (sc *scanner) identified(w span) {
	s := sc.s
	i, by := w.end, false
	for range 4 {
		i = skipBlank(s, i)
		end := wordEnd(s, i)
		switch strings.ToLower(s[i:end]) {
		case "by", "as":
			by = true
		case "with": // and the plugin's name, in quotes or not
			if i = skipBlank(s, end); startsString(s, i) {
				_, _, end, _ = quoted(s, i, false)
			} else {
				end = wordEnd(s, i)
			}
		default:
			if by && i < len(s) && !quote(s[i]) && s[i] != '\\' && !pluginWords[strings.ToLower(s[i:end])] {
				sc.unquoted(i, sc.equalsEnd(i, false))
			}
			if by {
				sc.redactLiterals(i, len(s), false)
			}
			return
		}
		i = end
	}
}

// pluginWords may stand between IDENTIFIED BY and the secret.
var pluginWords = set("password values random")

// command redacts the arguments of AUTH: the rest of the line. In lower case it is only a command where
// it begins the text and has one or two arguments.
func (sc *scanner) command(w span) {
	s := sc.s
	upper := s[w.start:w.end] == "AUTH"
	if !upper && (w.start != sc.first || sc.depth < maxDepth) || w.end >= len(s) || s[w.end] != ' ' || sc.separator(w).kind != none {
		return
	}
	line := sc.lineEnd(w.end)
	i := skipBlank(s[:line], w.end)
	args := s[i:line]
	if args != "" && (upper || args == Mark || len(strings.Fields(args)) <= 2 && !strings.Contains(args, Mark)) {
		sc.unquoted(i, line)
	}
}

// operators stand between a column's name and a literal.
var operators = set("not in like ilike rlike regexp glob between is distinct from similar to default as any some " +
	"all binary and")

// argument redacts the literals that follow a secret name without a separator: PASSWORD 'x', token IN
// ('x', 'y'), PASSWORD('x').
func (sc *scanner) argument(w span) {
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
	if i = skipBlank(s, i); i >= len(s) {
		return
	}
	parted := i > w.end
	switch c := s[i]; {
	case c == '(':
		if operator || startsString(s, skipBlank(s, i+1)) {
			end := len(s)
			if i >= sc.reach {
				end = bracket(s, i)
			}
			sc.redactLiterals(i, end, operator)
		}
	case parted && c != '`':
		sc.literal(i)
	}
}

// isFlag says whether a word is a flag of a command line that has its value behind a blank.
func isFlag(s string, w span) bool {
	return strings.HasPrefix(s[w.start:w.end], "--") && strings.HasPrefix(s[w.end:], " ")
}

// flag redacts the value of --name value.
func (sc *scanner) flag(w span) {
	line := sc.s[:sc.lineEnd(w.end)]
	if i := skipBlank(line, w.end); i < len(line) && line[i] != '-' && !sc.literal(i) {
		end := i
		for end < len(line) && !blank(line[end]) {
			end++
		}
		sc.unquoted(i, end)
	}
}

// startsString says whether a string begins at i.
func startsString(s string, i int) bool { return i < len(s) && (s[i] == '"' || s[i] == '\'') }

// redactLiterals redacts the strings between two places, and the numbers where they may be secrets, up
// to the end of the statement. What is in backquotes is a name.
func (sc *scanner) redactLiterals(start, end int, numbers bool) {
	s, known := sc.s, &sc.literals[0]
	if numbers {
		known = &sc.literals[1]
	}
	if known.has(start) && end <= known.end {
		return
	}
	i := start
	for i < end && s[i] != ';' {
		switch c := s[i]; {
		case quote(c) || c == '\\':
			from, to, next, ok := quoted(s, i, false)
			if ok && c != '`' {
				sc.redact(from, to)
			}
			i = max(next, i+1)
		case wordByte(c):
			next := wordEnd(s, i)
			if numbers && strings.IndexByte("0123456789+-", c) >= 0 && (i == 0 || s[i-1] != '$') {
				sc.redact(i, next)
			}
			i = next
		default:
			i++
		}
	}
	*known = span{start, end}
}
