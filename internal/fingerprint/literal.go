package fingerprint

import "strings"

// text reads a string in single quotes.
func (l *lexer) text(escapes bool) {
	l.before = other
	l.out.value()
	if end := closing(l.in, l.at+1, '\'', escapes); end > 0 {
		l.at = end
		return
	}
	l.stop()
}

// closing is the place behind the quote that ends a string whose content begins at i. It is 0 if there
// is none, or if the two dialects do not agree on it: for MySQL, and in PostgreSQL's E strings, a
// backslash escapes the quote, else it is one more character.
func closing(s string, i int, quote byte, escapes bool) int {
	for {
		n := strings.IndexByte(s[i:], quote)
		if n < 0 {
			return 0
		}
		at, backslashes := i+n, 0
		for at-backslashes > i && s[at-backslashes-1] == '\\' {
			backslashes++
		}
		switch {
		case backslashes%2 == 1 && !escapes:
			return 0
		case backslashes%2 == 1:
			i = at + 1
		case at+1 < len(s) && s[at+1] == quote:
			i = at + 2
		default:
			return at + 1
		}
	}
}

// doubleQuoted reads "x", which may be a name or a string.
func (l *lexer) doubleQuoted() {
	before, start := l.before, l.at+1
	l.before = other
	end := closing(l.in, start, '"', false)
	if end == 0 {
		l.out.value()
		l.stop()
		return
	}
	l.at = end
	name := l.in[start : end-1]
	beside := l.out.last() == '.' || l.peek(0) == '.' && !digit(l.peek(1)) // no string stands next to a dot
	if (l.postgres || beside || l.nameAfter(before)) && plain(name) {
		l.name(name)
		return
	}
	l.out.value()
}

// backquoted reads `x`, which is a name, for PostgreSQL an operator, or a part of an account's or a
// variable's.
func (l *lexer) backquoted() {
	start := l.at + 1
	l.before = other
	if l.postgres {
		l.stop()
		return
	}
	for i := start; ; i += 2 {
		n := strings.IndexByte(l.in[i:], '`')
		if n < 0 {
			l.out.value()
			l.stop()
			return
		}
		if i += n; i+1 == len(l.in) || l.in[i+1] != '`' {
			l.at = i + 1
			break
		}
	}
	switch name := l.in[start : l.at-1]; {
	case l.peek(0) == '@' || l.out.significant(l.out.n) == '@':
		l.out.value()
	case plain(name):
		l.name(name)
	case harmless(name):
		l.out.token(l.in[start-1 : l.at])
	default:
		l.out.value()
	}
}

// name writes a name that had quotes, apart from what it was not a part of.
func (l *lexer) name(name string) {
	if strings.IndexByte(" (,.=<>", l.out.last()) < 0 {
		l.out.space = true
	}
	l.out.word(name)
	if l.at < len(l.in) && wordByte(l.in[l.at]) {
		l.out.space = true
	}
}

// plain says whether a name can do without quotes.
func plain(name string) bool {
	if name == "" || len(name) > maxName || !letter(name[0]) {
		return false
	}
	for i := range len(name) {
		if !letter(name[i]) && !digit(name[i]) && name[i] != '$' {
			return false
		}
	}
	return true
}

// harmless says whether a name in backquotes can be shown.
func harmless(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for i := range len(name) {
		if c := name[i]; !letter(c) && !digit(c) && strings.IndexByte("$ .-", c) < 0 {
			return false
		}
	}
	return true
}

// dollar reads $1, $$text$$, $tag$text$tag$ or a name that begins with a dollar.
func (l *lexer) dollar() {
	if digit(l.peek(1)) {
		l.placeholder(1, digit)
		return
	}
	i := l.at + 1
	for i < len(l.in) && wordByte(l.in[i]) && l.in[i] != '$' {
		i++
	}
	if i == len(l.in) || l.in[i] != '$' {
		if l.word(); l.peek(0) == '(' {
			l.stop() // as in placeholder
		}
		return
	}
	tag := l.in[l.at : i+1]
	l.before = other
	l.out.value()
	n := strings.Index(l.in[i+1:], tag)
	if n < 0 || !l.postgres && quoting(l.in[i+1:i+1+n]) { // for the others it may be a name
		l.stop()
		return
	}
	l.at, l.doubted = i+1+n+len(tag), true
}

// bracket reads [, which begins an array in PostgreSQL and a name in SQLite.
func (l *lexer) bracket() {
	l.before = other
	l.out.punctuation('[')
	l.at++
	name, _ := cutBefore(l.in[l.at:], ']')
	if !l.postgres && quoting(name) {
		l.stop()
		return
	}
	l.doubted = true
}

// quoting says whether a text, or its end, may be inside quotes or in a comment, for some dialect.
func quoting(text string) bool {
	return strings.ContainsAny(text, "'\"`$#[") || strings.Contains(text, "--") || strings.Contains(text, "/*")
}

// line passes over a comment to the end of the line. Where it is in doubt that it is one, as after
// MySQL's 5--3 and PostgreSQL's #, no literal may begin in it.
func (l *lexer) line(doubt bool) {
	rest := l.in[l.at:]
	if n := strings.IndexByte(rest, '\n'); n >= 0 {
		rest = rest[:n]
	}
	if i := strings.IndexByte(rest, '\r'); i >= 0 && i < len(rest)-1 {
		doubt = true // which ends it in PostgreSQL only
	}
	if doubt && quoting(rest[1:]) {
		l.stop()
		return
	}
	l.doubted = l.doubted || doubt
	l.at += len(rest)
	l.out.space = true
}

// comment passes over one. PostgreSQL's nest; MySQL runs what is in some.
func (l *lexer) comment() {
	start := l.at + 2
	n := strings.Index(l.in[start:], "*/")
	if n < 0 {
		l.stop()
		return
	}
	text := l.in[start : start+n]
	runs := strings.HasPrefix(text, "!") || strings.HasPrefix(text, "M!") || strings.HasPrefix(text, "+") // MySQL reads hints, too
	if runs = runs && !l.postgres; strings.Contains(l.in[start:start+n+1], "/*") || runs && quoting(text) {
		l.stop()
		return
	}
	l.doubted = l.doubted || runs
	l.at = start + n + 2
	l.out.space = true
}
