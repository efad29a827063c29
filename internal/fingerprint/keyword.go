package fingerprint

import (
	"strings"
	"unicode/utf8"
)

// A keyword says what a word makes of a string in double quotes behind it.
type keyword int

const (
	other keyword = iota
	from
	named // INTO, JOIN, TABLE: a name follows
	update
	distinct
	query // begins a statement that reads tables
)

// keyword notes what a word says of what follows. It says nothing as a part of a name.
func (l *lexer) keyword(word string, start int) {
	before := l.before
	l.before = other
	if c := l.out.significant(l.out.n); c == '.' || c == '@' || c == ':' || start > 0 && l.in[start-1] >= utf8.RuneSelf {
		return
	}
	is := meaning(word)
	if !l.begun {
		l.begun, l.query = true, is == query || is == update
	}
	switch {
	case is == from && before == distinct: // a value may follow
	case before == from && strings.EqualFold(word, "stdin"): // all that follows are values
		l.stop()
	default:
		l.before = is
	}
}

// nameAfter says whether only a name can follow a keyword. FROM may be that of TRIM or REVOKE.
func (l *lexer) nameAfter(before keyword) bool {
	switch before {
	case named, update:
		return !l.doubted
	case from:
		return !l.doubted && l.query && l.out.depth == 0
	}
	return false
}

func meaning(word string) keyword {
	switch len(word) {
	case 4:
		if strings.EqualFold(word, "from") {
			return from
		} else if strings.EqualFold(word, "into") || strings.EqualFold(word, "join") {
			return named
		} else if strings.EqualFold(word, "with") {
			return query
		}
	case 5:
		if strings.EqualFold(word, "table") {
			return named
		}
	case 6:
		if strings.EqualFold(word, "update") {
			return update
		} else if strings.EqualFold(word, "select") || strings.EqualFold(word, "delete") || strings.EqualFold(word, "insert") {
			return query
		}
	case 7:
		if strings.EqualFold(word, "replace") || strings.EqualFold(word, "explain") {
			return query
		}
	case 8:
		if strings.EqualFold(word, "distinct") {
			return distinct
		}
	}
	return other
}
