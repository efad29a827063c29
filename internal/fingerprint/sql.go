// Package fingerprint gives what a program asks of its backends a name without values, so that alike
// calls can be counted together and shown to people:
//
//	fingerprint.SQL("SELECT * FROM book WHERE id IN (1, 2) AND title = 'Emma'")
//	// SELECT * FROM book WHERE id IN (?) AND title = ?
//
//	fingerprint.HTTP("GET", u) // GET api.example.com/book/?/cover, for …/book/12/cover?size=2
//
// Values go in a stricter way than in package redact, which cuts what stands under a secret name: here
// every value goes, whatever its name.
package fingerprint

import (
	"unicode"
	"unicode/utf8"
)

const (
	maxIn   = 4 << 10 // bytes of a statement that are looked at
	maxOut  = 300     // bytes of a fingerprint
	maxName = 64      // bytes of a quoted name; MySQL takes 64 characters, PostgreSQL 63 bytes
	more    = "…"     // stands for what was cut off
)

// SQL is the shape of a statement without its values, in valid UTF-8, on one line of at most 300
// bytes. A value never remains, whether the statement is MySQL's, MariaDB's, PostgreSQL's or SQLite's;
// where these differ on what is a value, more is cut than need be:
//
//   - Literals of all kinds (strings, numbers, hexadecimal, bit, national, E and dollar-quoted strings)
//     and placeholders (?, $1, :name, @p1) become ?, and so do MySQL's user variables and quoted names
//     of accounts. So do NULL, TRUE and FALSE in a list and after =.
//   - Lists of values become one ?, and rows of the same shape become one: VALUES (1, 'a'), (2, 'b') is
//     VALUES (?).
//   - Comments go, also those that MySQL executes. White space becomes one space. Case is kept.
//   - `x` is a name and loses its quotes if it can do without. "x" is a name in PostgreSQL and, by
//     default, a string in MySQL. It is kept where no dialect has a value: next to a dot, after INTO,
//     UPDATE, JOIN and TABLE, and after the outer FROM of a query. Elsewhere it is ?.
//   - What follows is cut off, and leaves an ellipsis, where it is not sure to be no value: after a
//     literal that does not end or whose end is in doubt, as that of 'a\' is, where a backslash is one
//     more character for PostgreSQL and escapes the quote for MySQL; where only one of them sees a
//     comment or quotes with a quote in them, as in PostgreSQL's operator #>> '{a}' or in SQLite's name
//     [it's]; and after COPY t FROM stdin.
//   - Of a longer statement the first 4 KiB are looked at.
//
// A fingerprint is its own fingerprint.
func SQL(statement string) string {
	var l lexer
	l.run(statement)
	return l.out.result(statement)
}

// PostgreSQL is like SQL for a statement that is known to be PostgreSQL's. There "x" is a name wherever
// it stands, and what only PostgreSQL reads in one way leaves no doubt.
func PostgreSQL(statement string) string {
	l := lexer{postgres: true}
	l.run(statement)
	return l.out.result(statement)
}

// A lexer reads a statement as all dialects do, as far as they agree.
type lexer struct {
	in       string
	at       int
	out      shape
	postgres bool // it is PostgreSQL's, and none of the others'

	before  keyword // the last word, if nothing but white space has followed
	begun   bool    // there was a word in the statement
	query   bool    // and it is one of those whose outer FROM a table follows
	doubted bool    // what was passed over may be no comment: neither words nor parentheses are sure
}

func (l *lexer) run(statement string) {
	if l.in = statement; len(l.in) > maxIn {
		l.in, l.out.cut = l.in[:maxIn], true
	}
	for l.at < len(l.in) && !l.out.full {
		switch c := l.in[l.at]; {
		case wordStart(c):
			l.word()
		case digit(c), c == '.' && digit(l.peek(1)):
			l.number()
		case c <= ' ' || c == 0x7f:
			l.at++
			l.out.space = true
		default:
			l.sign(c)
		}
	}
	l.out.end()
}

// peek is the byte n behind the next one; 0 if there is none.
func (l *lexer) peek(n int) byte {
	if l.at+n < len(l.in) {
		return l.in[l.at+n]
	}
	return 0
}

// stop cuts the rest off.
func (l *lexer) stop() { l.at, l.out.cut = len(l.in), true }

// sign reads what begins with punctuation.
func (l *lexer) sign(c byte) {
	switch next := l.peek(1); {
	case c == '\'':
		l.text(false)
	case c == '"':
		l.doubleQuoted()
	case c == '`':
		l.backquoted()
	case c == '[':
		l.bracket()
	case c == '-' && next == '-':
		l.line(l.peek(2) > ' ' && !l.postgres)
	case c == '#' && !l.postgres:
		l.line(true)
	case c == '/' && next == '*':
		l.comment()
	case c == '?':
		l.placeholder(1, digit)
	case c == '$':
		l.dollar()
	case c == ':' && (letter(next) || digit(next)):
		l.placeholder(1, wordByte)
	case c == '@' && (letter(next) || digit(next) || next == '$' || next == '.'):
		l.placeholder(1, func(c byte) bool { return wordByte(c) || c == '.' })
	case c == ':' && next == ':', c == '@' && next == '@': // a cast, a system variable
		l.before = other
		l.out.token(l.in[l.at : l.at+2])
		l.at += 2
	default:
		l.before = other
		l.begun = l.begun && c != ';'
		l.out.punctuation(c)
		l.at++
	}
}

// placeholder reads one whose name begins after n bytes.
func (l *lexer) placeholder(n int, name func(byte) bool) {
	start := l.at
	for l.at += n; l.at < len(l.in) && name(l.in[l.at]); l.at++ {
	}
	l.before = other
	l.out.value()
	if l.peek(0) == '(' && l.in[start] != '?' { // SQLite takes all that follows into the name, as in $a(it's)
		l.stop()
	}
}

// number reads a number, and whatever is joined to it.
func (l *lexer) number() {
	for l.at++; l.at < len(l.in); l.at++ {
		c := l.in[l.at]
		exponent := (c == '-' || c == '+') && l.in[l.at-1]|0x20 == 'e' && digit(l.peek(1))
		if (!wordByte(c) || c == '$') && c != '.' && !exponent {
			break
		}
	}
	l.before = other
	l.out.value()
}

// word reads a keyword or a name without quotes, and a literal that it introduces.
func (l *lexer) word() {
	start := l.at
	for l.at < len(l.in) && wordByte(l.in[l.at]) {
		if l.in[l.at] < utf8.RuneSelf {
			l.at++
			continue
		}
		r, size := utf8.DecodeRuneInString(l.in[l.at:])
		if !unicode.IsPrint(r) {
			break
		}
		l.at += size
	}
	word := l.in[start:l.at]
	switch {
	case word == "": // it begins with a space of sorts, or a character that cannot be seen
		_, size := utf8.DecodeRuneInString(l.in[l.at:])
		l.at += size
		l.before = other // MySQL takes it into the name
		l.out.space = true
	case l.peek(0) == '\'' && introduces(word):
		if word[0]|0x20 == 'q' || word[len(word)-1]|0x20 == 'q' { // Oracle's q'[it's]', of others no literal
			l.out.value()
			l.stop()
			return
		}
		l.text(l.postgres && word[0]|0x20 == 'e')
	default:
		l.keyword(word, start)
		l.out.word(word)
	}
}

// introduces says whether a word and the string that is joined to it are one literal.
func introduces(word string) bool {
	switch word[0] | 0x20 {
	case 'b', 'e', 'n', 'q', 'x':
		return len(word) == 1 || len(word) == 2 && word[1]|0x20 == 'q'
	}
	return word[0] == '_'
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

func letter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' || c == '_' }

func wordStart(c byte) bool { return letter(c) || c >= utf8.RuneSelf }

func wordByte(c byte) bool { return letter(c) || digit(c) || c == '$' || c >= utf8.RuneSelf }
