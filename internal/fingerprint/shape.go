package fingerprint

import (
	"bytes"
	"strings"
	"unicode/utf8"
)

// maxDepth is how many levels of parentheses are looked at for rows that are alike.
const maxDepth = 8

// A shape is a fingerprint that is being written. It has more room than a fingerprint is long, since
// rows are written before they are known to be alike.
type shape struct {
	buf   [1 << 10]byte
	n     int
	space bool // one is due before the next token
	full  bool // there is no more room
	cut   bool // something does not follow that should

	depth int
	open  [maxDepth + 1]int // where the parentheses begin that are open
	rows  [maxDepth + 1]row // the last one that was closed at each depth
}

// A row is what stands in parentheses, with them.
type row struct{ start, end int }

// last is the byte before the next token, or a space.
func (s *shape) last() byte {
	if s.n == 0 || s.space {
		return ' '
	}
	return s.buf[s.n-1]
}

// token writes something after the space that is due, if any.
func (s *shape) token(text string) {
	if s.space && s.n > 0 && s.buf[s.n-1] != '(' && text[0] != ')' && text[0] != ',' {
		s.write(" ")
	}
	s.space = false
	s.write(text)
}

func (s *shape) write(text string) {
	s.full = s.full || s.n+len(text) > len(s.buf)
	s.n += copy(s.buf[s.n:], text)
}

// word writes a word, whose characters can be seen, but need not be valid.
func (s *shape) word(word string) {
	if constant(word) && strings.IndexByte("(,=", s.significant(s.n)) >= 0 {
		s.value()
		return
	}
	if !utf8.ValidString(word) {
		word = strings.ToValidUTF8(word, "\uFFFD")
	}
	s.token(word)
}

func constant(word string) bool {
	switch len(word) {
	case 4:
		return strings.EqualFold(word, "null") || strings.EqualFold(word, "true")
	case 5:
		return strings.EqualFold(word, "false")
	}
	return false
}

// significant is the last byte before n that is no space; 0 if there is none.
func (s *shape) significant(n int) byte {
	for ; n > 0; n-- {
		if s.buf[n-1] != ' ' {
			return s.buf[n-1]
		}
	}
	return 0
}

// value writes ?, without a sign before it, unless it continues a list of them.
func (s *shape) value() {
	if l := s.last(); (l == '-' || l == '+') && strings.IndexByte("(,=<>*/%|&^~!:[", s.significant(s.n-1)) >= 0 {
		if s.n--; s.buf[s.n-1] == ' ' {
			s.n--
			s.space = true
		}
	}
	if s.n > 1 && s.buf[s.n-1] == ',' && s.buf[s.n-2] == '?' {
		s.n--
		s.space = false
		return
	}
	s.token("?")
}

// punctuation writes a character that is neither in a word nor white space.
func (s *shape) punctuation(c byte) {
	s.token(string(rune(c)))
	switch c {
	case ',':
		s.space = true
	case '(':
		if s.depth++; s.depth < maxDepth {
			s.open[s.depth], s.rows[s.depth+1] = s.n-1, row{}
		}
	case ')':
		if s.depth == 0 {
			return
		}
		if s.depth < maxDepth && !s.repeats(bytes.Equal) {
			s.rows[s.depth] = row{s.open[s.depth], s.n}
		}
		s.depth--
	}
}

// repeats takes the row that is being written back if it is like the one before it.
func (s *shape) repeats(alike func(a, b []byte) bool) bool {
	start, before := s.open[s.depth], s.rows[s.depth]
	if before.end == 0 || string(s.buf[before.end:start]) != ", " || !alike(s.buf[before.start:before.end], s.buf[start:s.n]) {
		return false
	}
	s.n, s.space = before.end, false
	return true
}

// end is called when there is no more to write.
func (s *shape) end() {
	if s.cut = s.cut || s.full; s.cut && 0 < s.depth && s.depth < maxDepth {
		s.repeats(bytes.HasPrefix)
	}
	if s.n > maxOut || s.cut && s.n > maxOut-len(more) {
		s.cut = true
		for s.n = maxOut - len(more); !utf8.RuneStart(s.buf[s.n]); s.n-- {
		}
		if bytes.Count(s.buf[:s.n], []byte("`"))%2 == 1 {
			s.n = bytes.LastIndexByte(s.buf[:s.n], '`')
		}
	}
	trimmed := " ;"
	if s.cut {
		trimmed = " ,;"
	}
	for s.n > 0 && strings.IndexByte(trimmed, s.buf[s.n-1]) >= 0 {
		s.n--
	}
	if s.cut {
		s.n += copy(s.buf[s.n:], more)
	}
}

// result is the fingerprint of a statement, which may be that itself.
func (s *shape) result(statement string) string {
	if b := s.buf[:s.n]; string(b) != statement {
		return string(b)
	}
	return statement
}
