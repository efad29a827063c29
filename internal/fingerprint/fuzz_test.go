package fingerprint_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/internal/fingerprint"
)

// Planted in values of every kind; neither may be seen.
const (
	secret = "zqsecret"
	number = "77077"
)

// A writer of statements chooses by bytes that come from outside.
type writer struct {
	choices []byte
	pg      bool
	b       strings.Builder
}

func (w *writer) choose(n int) int {
	if len(w.choices) == 0 {
		return 0
	}
	c := int(w.choices[0])
	w.choices = w.choices[1:]
	return c % n
}

func (w *writer) one(of ...string) { w.b.WriteString(of[w.choose(len(of))]) }

// nasty is what the value of a string can have in it.
var nasty = []string{
	"", "'", "''", "\"", "`", "\\", "\\\\", "\\'", "--", "-- ", "#", "/*", "*/", "/*!", "$1", "$$", "$x$", "\n", "\r", ";", " FROM ", ".",
	"(", ")", ", ", "?", "\x00", "é", "\xff", "\xbf", "E'", "…", "a", number,
}

func (w *writer) text() string {
	var b strings.Builder
	for range w.choose(4) {
		b.WriteString(nasty[w.choose(len(nasty))])
	}
	b.WriteString(secret)
	for range w.choose(4) {
		b.WriteString(nasty[w.choose(len(nasty))])
	}
	return b.String()
}

// value writes a literal as the dialect allows it.
func (w *writer) value() {
	text, kind := w.text(), w.choose(8)
	doubled := strings.ReplaceAll(text, "'", "''")
	escaped := strings.NewReplacer("\\", "\\\\", "'", "\\'", "\"", "\\\"").Replace(text)
	switch {
	case kind == 0:
		w.one(number, "-"+number, number+".5", "."+number, number+"e-77", "0x"+number, "x'"+number+"'", "+"+number, "1"+number)
	case kind == 1:
		w.one("?", "NULL", "true", "DEFAULT", "lower('"+secret+"')", "("+number+")")
	case w.pg && kind == 2:
		w.one("E", "e")
		w.b.WriteString("'" + escaped + "'")
	case w.pg && kind == 3 && !strings.Contains(text, "$"):
		w.b.WriteString("$x$" + text + "$x$")
	case w.pg && kind == 4:
		w.one("$1", "$2::text", "'"+doubled+"'::text")
	case w.pg && kind == 5:
		w.b.WriteString("'" + doubled + "'\n'" + doubled + "'")
	case w.pg:
		w.b.WriteString("'" + doubled + "'")
	case kind == 2:
		w.b.WriteString("\"" + escaped + "\"")
	case kind == 3:
		w.one("N", "_utf8", "n")
		w.b.WriteString("'" + escaped + "'")
	case kind == 4: // doubled quotes, backslashes escaped
		w.b.WriteString("'" + strings.ReplaceAll(strings.ReplaceAll(text, "\\", "\\\\"), "'", "''") + "'")
	case kind == 5:
		w.b.WriteString("\"" + strings.ReplaceAll(strings.ReplaceAll(text, "\\", "\\\\"), "\"", "\"\"") + "\"")
	default:
		w.b.WriteString("'" + escaped + "'")
	}
}

// note writes a comment, or a space, or an operator that looks like one.
func (w *writer) note() {
	quotes := []string{"it's", "a \"b", "`", "$x$", "/*", "\\", "fine", "-- ", ""}
	text := quotes[w.choose(len(quotes))]
	switch kind := w.choose(8); {
	case kind == 0:
		w.b.WriteString(" -- " + text + "\n")
	case kind == 1 && !w.pg:
		w.b.WriteString(" # " + text + "\n")
	case kind == 1:
		w.b.WriteString(" #>> ")
		w.value()
		w.b.WriteString(" = a ")
	case kind == 2 && text != "/*":
		w.b.WriteString("/* " + text + " */")
	case kind == 3 && w.pg:
		w.b.WriteString("/* /* " + secret + "*/ '" + secret + " */")
	case kind == 3:
		w.b.WriteString(" /*!50000 + ")
		w.value()
		w.b.WriteString(" */ ")
	case kind == 4 && w.pg:
		w.b.WriteString(" --" + text + "\n")
	case kind == 4:
		w.b.WriteString(" - 5--")
		w.value()
		w.b.WriteString("\n")
	default:
		w.one(" ", "\n\t", " ", "  ")
	}
}

func (w *writer) name() {
	if w.pg {
		w.one("a", "\"b\"", "t.\"c\"", "\"t\".\"d\"", "e", "n", "x")
		return
	}
	w.one("a", "`b`", "t.`c`", "`t`.`d-d`", "e", "n", "x")
}

func (w *writer) list(item func()) {
	for i := range 1 + w.choose(3) {
		if i > 0 {
			w.one(",", ", ", " ,\n")
		}
		item()
	}
}

func (w *writer) row() {
	w.b.WriteString("(")
	w.list(w.value)
	w.b.WriteString(")")
}

func (w *writer) condition() {
	w.name()
	w.note()
	switch w.choose(4) {
	case 0:
		w.one("= ", "=", "<> ", ">", "LIKE ")
		w.value()
	case 1:
		w.one("IN ", "NOT IN")
		w.row()
	case 2:
		w.b.WriteString("BETWEEN ")
		w.value()
		w.b.WriteString(" AND ")
		w.value()
	default:
		w.b.WriteString("= TRIM(LEADING ")
		w.value()
		w.b.WriteString(" FROM ")
		w.value()
		w.b.WriteString(")")
	}
	w.note()
}

func (w *writer) statement() string {
	switch w.choose(3) {
	case 0:
		w.b.WriteString("SELECT ")
		w.list(func() { w.one("count(*)", "a"); w.note() })
		w.b.WriteString(" FROM ")
	case 1:
		w.b.WriteString("INSERT INTO ")
		w.name()
		w.b.WriteString(" VALUES ")
		w.list(w.row)
		w.note()
		return w.b.String()
	default:
		w.b.WriteString("UPDATE ")
		w.name()
		w.b.WriteString(" SET ")
		w.list(func() { w.name(); w.b.WriteString("="); w.value() })
		w.note()
		return w.b.String() + " WHERE " + w.where()
	}
	w.name()
	return w.b.String() + " WHERE " + w.where()
}

func (w *writer) where() string {
	w.b.Reset()
	for i := range 1 + w.choose(3) {
		if i > 0 {
			w.one(" AND ", " OR")
		}
		w.condition()
	}
	return w.b.String()
}

func noValue(t *testing.T, choices []byte) {
	t.Helper()
	for _, pg := range []bool{false, true} {
		w := writer{choices: choices, pg: pg}
		statement := w.statement()
		got := fingerprint.SQL(statement)
		if strings.Contains(got, secret) || strings.Contains(got, number) {
			t.Errorf("PostgreSQL: %v: a value remains\nof %q\nin %q", pg, statement, got)
		}
		harmless(t, statement, got)
	}
}

func TestNoValueRemains(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	whole := 0
	for range 10_000 {
		choices := make([]byte, 8+r.IntN(60))
		for i := range choices {
			choices[i] = byte(r.Uint32())
		}
		if noValue(t, choices); t.Failed() {
			return
		}
		w := writer{choices: choices}
		if got := fingerprint.SQL(w.statement()); !strings.HasSuffix(got, "…") {
			whole++
		}
	}
	if whole < 1000 {
		t.Errorf("of 10,000 only %d were not cut off: that shows little", whole)
	}
}

func FuzzSQL(f *testing.F) {
	for _, s := range []string{
		"SELECT a FROM t WHERE b = 'it''s' AND c IN (1, 2)", `SELECT "a"."b" FROM "t" WHERE "c" = $1`, "VALUES (1, 'a'), (2, 'b')", "/*! 'a */ -- b\n#c",
		"@`a`, :\"b\" = @@c.d", "a --5\n- -6", "$$a$$ $b $c$d$c$", "`a-b`.`c``d`", "E'\\'' q'[' N'x'", "(((1), (2)), ((1), (2)))", "…\xff\u2028 null, null",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		statement := string(in)
		harmless(t, statement, fingerprint.SQL(statement))
		noValue(t, in)
		of := parts(in)
		harmless(t, of, fingerprint.SQL(of))
	})
}

// tokens are what the lexer reacts to.
var tokens = append([]string{
	"a", "null", "true", "from", "into", "1", "12", "e", "E", "n", "q", "_x", "@", "@@", ":", "::", "$", "=", "<", "-", "+", "/", "*", "|", "[", "]", "{", "\t", "\u2028", "!", "%", "~", "x",
}, nasty...)

// parts makes a text of tokens, which random bytes would hardly hit on.
func parts(choices []byte) string {
	var b strings.Builder
	for _, c := range choices[:min(len(choices), 100)] {
		b.WriteString(tokens[int(c)%len(tokens)])
	}
	return b.String()
}
