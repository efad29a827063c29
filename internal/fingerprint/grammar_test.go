package fingerprint_test

import "strings"

// A dialect says which statements a writer writes.
type dialect int

const (
	mysql dialect = iota
	postgres
	sqlite
	dialects
)

// A writer of statements chooses by bytes that come from outside.
type writer struct {
	choices []byte
	dialect dialect
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
	"(", ")", ", ", "[", "]", "$a$", "$a", "/*+", "?", "\x00", "é", "\xff", "\xbf", "E'", "…", "a", number,
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
	case w.dialect == postgres && kind == 2:
		w.one("E", "e")
		w.b.WriteString("'" + escaped + "'")
	case w.dialect == postgres && kind == 3 && !strings.Contains(text, "$"):
		w.b.WriteString("$x$" + text + "$x$")
	case w.dialect == postgres && kind == 4:
		w.one("$1", "$2::text", "'"+doubled+"'::text")
	case w.dialect == postgres && kind == 5:
		w.b.WriteString("'" + doubled + "'\n'" + doubled + "'")
	case w.dialect == postgres:
		w.b.WriteString("'" + doubled + "'")
	case w.dialect == sqlite && kind < 4:
		w.b.WriteString("\"" + strings.ReplaceAll(text, "\"", "\"\"") + "\"")
	case w.dialect == sqlite && kind == 4:
		w.one("$1", "$a::b", "$a(it's)", ":a(it's)", "?1", "\""+secret+"\"")
	case w.dialect == sqlite:
		w.b.WriteString("'" + doubled + "'")
	case kind == 2 && w.choose(2) == 0:
		w.b.WriteString("\"" + secret + "\"")
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
	quotes := []string{"it's", "a \"b", "`", "$x$", "/*", "\\", "fine", "-- ", "", "(", ")", "TRIM(", " DISTINCT ", "["}
	text := quotes[w.choose(len(quotes))]
	switch kind := w.choose(10); {
	case kind == 8 && w.dialect == mysql && !strings.Contains(text, "\""): // a hint may have a name in quotes with anything in it
		w.b.WriteString("/*+ QB_NAME(\"" + text + "\") */")
	case kind == 9 && w.dialect == mysql:
		w.b.WriteString("/*! " + strings.NewReplacer("'", "", "\"", "", "`", "", "/*", "", "-- ", "").Replace(text) + " */")
	case kind == 0:
		w.b.WriteString(" -- " + text + "\n")
	case kind == 1 && w.dialect == mysql:
		w.b.WriteString(" # " + text + "\n")
	case kind == 1 && w.dialect == postgres:
		w.b.WriteString(" #>> ")
		w.value()
		w.b.WriteString(" = a ")
	case kind == 2 && text != "/*":
		w.b.WriteString("/* " + text + " */")
	case kind == 3 && w.dialect == postgres:
		w.b.WriteString("/* /* " + secret + "*/ '" + secret + " */")
	case kind == 3 && w.dialect == mysql:
		w.b.WriteString(" /*!50000 + ")
		w.value()
		w.b.WriteString(" */ ")
	case kind == 4 && w.dialect != mysql:
		w.b.WriteString(" --" + text + "\n")
	case kind == 4:
		w.b.WriteString(" - 5--")
		w.value()
		w.b.WriteString("\n")
	default:
		w.one(" ", "\n\t", " ", "  ")
	}
}

// keywords are columns of these names, which need no quotes behind a dot.
var keywords = []string{"a", "t.from", "t.into", "t.update", "t . join", "t.table", "t.distinct", "t.select", "e", "n", "x"}

func (w *writer) name() {
	if w.choose(3) == 0 {
		w.one(keywords...)
		return
	}
	switch w.dialect {
	case postgres:
		w.one("a", "\"b\"", "t.\"c\"", "\"t\".\"d\"", "\"from\"")
	case sqlite:
		w.one("a", "[b]", "[it's]", "[a\"b]", "[-- ]", "[(]", "[from]", "`b`", "t.\"c\"", "\"t\".\"d\"")
	default:
		w.one("a", "`b`", "t.`c`", "`t`.`d-d`", "`from`", "$a$", "a$a$b", "@@update", "@from")
	}
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
	switch w.choose(6) {
	case 0:
		w.one("= ", "=", "<> ", ">", "LIKE ")
		w.value()
	case 4:
		w.one("IS DISTINCT FROM ", "IS NOT DISTINCT FROM ", "is distinct\nfrom ")
		w.value()
	case 5: // an alias
		w.b.WriteString("= 0 AND (SELECT ")
		w.one(keywords...)
		w.b.WriteString(" ")
		w.value()
		w.b.WriteString(")")
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
	switch w.choose(4) {
	case 0:
		w.b.WriteString("SELECT ")
		w.list(func() { w.one("count(*)", "a"); w.note() })
		w.b.WriteString(" FROM ")
		w.name()
	case 1:
		w.b.WriteString("INSERT INTO ")
		w.name()
		w.b.WriteString(" VALUES ")
		w.list(w.row)
		w.note()
		w.one("", " ON DUPLICATE KEY UPDATE (", " ON DUPLICATE KEY UPDATE t.update = (", " FOR UPDATE; (")
		w.value()
		w.one(")", ") ")
		w.note()
		return w.b.String()
	case 2:
		w.one("REVOKE ALL ON t FROM ", "SELECT 1; REVOKE SELECT ON t FROM ", "PREPARE s FROM ")
		w.value()
		w.note()
		return w.b.String()
	default:
		w.b.WriteString("UPDATE ")
		w.name()
		w.b.WriteString(" SET ")
		w.list(func() { w.name(); w.b.WriteString("="); w.value() })
		w.note()
	}
	w.b.WriteString(" WHERE ")
	w.where()
	return w.b.String()
}

func (w *writer) where() {
	for i := range 1 + w.choose(3) {
		if i > 0 {
			w.one(" AND ", " OR")
		}
		w.condition()
	}
}
