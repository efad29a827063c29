package redact

import (
	"cmp"
	"slices"
	"strings"
)

// A scanner goes once through a text, word by word, and notes what is secret. It goes through what it
// takes for a value as well, which may be none and have another name in it: where text was cut off,
// quotes are out of step. The spans that it has found keep this from taking quadratic time.
type scanner struct {
	list  List
	depth int // layers of percent-encoding that may still be looked into
	s     string

	secrets []span // as they were found: they may overlap
	reach   int    // where they end, at most

	// The two words before, as far as nothing but blanks parts them from this one.
	prev, prev2 span

	first   int  // where the first word begins
	pem     bool // a PEM block has begun on this line
	setFor  bool // SET PASSWORD FOR … was seen: the next value is secret
	insert  bool // an INSERT's column list may come
	inList  bool // inside parentheses of an INSERT
	listHas bool // the last such list had a secret name
	host    int  // where the authority of the last URL ends

	line     span    // a line, or the end of one
	run      span    // a run of text without blanks, quotes and braces
	runAt    int     // its last @
	values   [3]span // unquoted values: colon, equals, a cookie's equals
	bare     span    // an unquoted value as it was trimmed; its end is in bareTo
	bareTo   int
	quotes   [4]span // strings that are not escaped, by their quote
	literals [2]span // where all strings were redacted, and all numbers too
}

// A span is a part of the text.
type span struct{ start, end int }

func (p span) has(i int) bool { return p.start <= i && i < p.end }

// text redacts valid UTF-8.
func (l List) text(s string, depth int) string {
	sc := scanner{list: l, depth: depth, s: s}
	for sc.first < len(s) && blank(s[sc.first]) {
		sc.first++
	}
	for i := sc.first; i < len(s); {
		if !wordByte(s[i]) {
			sc.punctuation(s[i])
			i++
			continue
		}
		w := span{i, wordEnd(s, i)}
		sc.word(w)
		i = w.end
		if sc.prev2, sc.prev = sc.prev, w; w.start > 0 && strings.IndexByte("=:", s[w.start-1]) >= 0 {
			sc.prev = span{} // a value is no part of the next name
		}
	}
	return sc.redacted()
}

// redact notes a secret. Blanks alone are none.
func (sc *scanner) redact(from, to int) {
	if from < to && strings.TrimSpace(sc.s[from:to]) != "" {
		sc.secrets = append(sc.secrets, span{from, to})
		sc.reach = max(sc.reach, to)
	}
}

// redacted is the text with Mark for each secret.
func (sc *scanner) redacted() string {
	s := sc.s
	if len(sc.secrets) == 0 {
		return sc.list.encoded(s, sc.depth)
	}
	slices.SortStableFunc(sc.secrets, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	var b strings.Builder
	done := 0
	for i := 0; i < len(sc.secrets); {
		from, to := sc.secrets[i].start, sc.secrets[i].end
		for i++; i < len(sc.secrets) && sc.secrets[i].start <= to; i++ {
			to = max(to, sc.secrets[i].end)
		}
		b.WriteString(sc.list.encoded(s[done:from], sc.depth))
		b.WriteString(Mark)
		done = to
	}
	b.WriteString(sc.list.encoded(s[done:], sc.depth))
	return b.String()
}

func (sc *scanner) punctuation(c byte) {
	switch c {
	case ' ', '\t':
		return
	case '\n':
		sc.pem, sc.setFor = false, false
	case '(':
		sc.inList, sc.listHas = sc.insert, false
	case ')':
		sc.inList = false
	case ';':
		sc.insert, sc.listHas, sc.setFor = false, false, false
	}
	sc.prev, sc.prev2 = span{}, span{}
}

// word looks at one word and what follows, and redacts what is secret.
func (sc *scanner) word(w span) {
	token := sc.webToken(w)
	sc.shape(w)
	sc.keyword(w)
	sep := sc.separator(w)
	if sep.kind == colon && w.end < sc.host && sep.value < len(sc.s) && digit(sc.s[sep.value]) {
		sep.kind = none // a port
	}
	secret := sc.list.Name(sc.s[w.start:w.end])
	switch {
	case secret && isFlag(sc.s, w):
		sc.flag(w)
	case sep.kind != none && (secret || sc.setFor || sc.list.Name(sc.s[sc.phrase(w):w.end])):
		sc.setFor = false
		sc.value(sc.s[sc.phrase(w):w.end], sep)
	case secret:
		sc.listHas = sc.listHas || sc.inList
		sc.argument(w)
	case !token:
		sc.userinfo(w)
	}
}

// phrase is where the name that ends with this word begins: a word before belongs to it, as in "api
// key", unless it ends a sentence or is one of those that stand before a name, not in it.
func (sc *scanner) phrase(w span) int {
	prev := sc.s[sc.prev.start:sc.prev.end]
	if prev == "" || strings.HasSuffix(prev, ".") || joins[strings.ToLower(prev)] {
		return w.start
	}
	return sc.prev.start
}

var joins = set("set where and or not on by having when then else case from join select update into as is was " +
	"for of in to with the a an if var let const return")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}

// wordByte says whether a byte may be in a word. Brackets, quotes and slashes are not; what encodes
// them is.
func wordByte(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c >= 0x80:
		return true
	}
	return c == '_' || c == '-' || c == '.' || c == '%' || c == '+'
}

func wordEnd(s string, i int) int {
	for i < len(s) && wordByte(s[i]) {
		i++
	}
	return i
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// alnum says whether a byte is a letter, a digit or an underscore.
func alnum(c byte) bool {
	return wordByte(c) && c != '-' && c != '.' && c != '%' && c != '+'
}

func blank(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

func quote(c byte) bool { return c == '"' || c == '\'' || c == '`' }

// skipBlank goes over white space, and over a short comment as SQL has it.
func skipBlank(s string, i int) int {
	for i < len(s) {
		switch {
		case blank(s[i]):
			i++
		case strings.HasPrefix(s[i:], "/*"):
			end := strings.Index(s[i:min(len(s), i+256)], "*/")
			if end < 0 {
				return i
			}
			i += end + 2
		default:
			return i
		}
	}
	return i
}

// lineEnd is where the line that goes on at i ends.
func (sc *scanner) lineEnd(i int) int {
	if i < sc.line.start || i > sc.line.end || sc.line.end == 0 {
		sc.line = span{i, len(sc.s)}
		if n := strings.IndexByte(sc.s[i:], '\n'); n >= 0 {
			sc.line.end = i + n
		}
	}
	return sc.line.end
}
