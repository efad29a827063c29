package redact

import "strings"

// A scanner goes once through a text, word by word, and copies it to out with Mark for what is secret.
type scanner struct {
	list  List
	depth int // layers of percent-encoding that may still be looked into
	s     string
	out   strings.Builder
	done  int // s[:done] is in out

	// The two words before, as far as nothing but blanks parts them from this one.
	prev, prev2 word

	pem      bool // a PEM block has begun on this line
	setFor   bool // SET PASSWORD FOR … was seen: the next value is secret
	insert   bool // an INSERT's column list may come
	inList   bool // inside parentheses of an INSERT
	listHas  bool // the last such list had a secret name
	first    int  // where the first word begins
	runStart int  // s[runStart:runEnd] has no blank, quote or brace, and its last @ is at runAt
	runEnd   int
	runAt    int

	lineStart, lineStop int // s[lineStart:lineStop] has no line end, and one follows
}

type word struct{ start, end int }

// text redacts valid UTF-8.
func (l List) text(s string, depth int) string {
	sc := scanner{list: l, depth: depth, s: s, lineStop: -1}
	for sc.first < len(s) && blank(s[sc.first]) {
		sc.first++
	}
	for i := 0; i < len(s); {
		if !wordByte(s[i]) {
			sc.punctuation(s[i])
			i++
			continue
		}
		w := word{i, wordEnd(s, i)}
		i = max(sc.word(w), w.end)
		if i == w.end {
			sc.prev2, sc.prev = sc.prev, w
		} else {
			sc.prev2, sc.prev = word{}, word{}
		}
	}
	if sc.done == 0 && !strings.ContainsAny(s, "%+") {
		return s
	}
	sc.copy(len(s))
	return sc.out.String()
}

// copy takes what is not secret up to a place.
func (sc *scanner) copy(to int) {
	if to > sc.done {
		sc.out.WriteString(sc.list.encoded(sc.s[sc.done:to], sc.depth))
		sc.done = to
	}
}

// redact puts Mark for s[from:to]. What was redacted just before may reach into it.
func (sc *scanner) redact(from, to int) {
	if from >= to || to <= sc.done {
		return
	}
	if from >= sc.done {
		sc.copy(from)
		sc.out.WriteString(Mark)
	}
	sc.done = to
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
	sc.prev, sc.prev2 = word{}, word{}
}

// word looks at one word and what follows, redacts what is secret, and says where to go on.
func (sc *scanner) word(w word) int {
	if next, ok := sc.shape(w); ok {
		return next
	}
	if next, ok := sc.keyword(w); ok {
		return next
	}
	sep := sc.separator(w.end)
	secret := sc.list.Name(sc.s[w.start:w.end])
	if sep.kind != none && (secret || sc.setFor || sc.list.Name(sc.s[sc.phrase(w):w.end])) {
		sc.setFor = false
		return sc.value(sc.s[sc.phrase(w):w.end], sep)
	}
	if secret {
		sc.listHas = sc.listHas || sc.inList
		return sc.argument(w)
	}
	return sc.userinfo(w)
}

// phrase is where the name that ends with this word begins: a word before belongs to it, as in "api
// key", unless it ends a sentence or is one of those that stand before a name, not in it.
func (sc *scanner) phrase(w word) int {
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

// lineEnd is where the line that goes on at i ends. It is found once for each line.
func (sc *scanner) lineEnd(i int) int {
	if i < sc.lineStart || i > sc.lineStop {
		sc.lineStart, sc.lineStop = i, len(sc.s)
		if n := strings.IndexByte(sc.s[i:], '\n'); n >= 0 {
			sc.lineStop = i + n
		}
	}
	return sc.lineStop
}
