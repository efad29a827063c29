package fingerprint_test

import (
	"strings"
	"testing"

	"github.com/heeler-go/heeler/internal/fingerprint"
)

// Each is a statement of one dialect in which hunter is a value, and which another dialect, or the
// place of a word, makes look like something else.
var hidden = []string{
	// A column with the name of a keyword.
	`SELECT * FROM mail m WHERE m.from = "hunter"`,
	`SELECT * FROM mail m WHERE m.into IN ("hunter")`,
	`SELECT * FROM mail m WHERE m.update <> "hunter"`,
	`UPDATE audit a SET a.table = "hunter"`,
	`SELECT m.from "hunter", m . join "hunter" FROM mail m`,
	"SELECT @@update \"hunter\", from\u00a0\"hunter\", \u00a0from \"hunter\"",
	// A keyword with something else behind it than a name.
	`INSERT INTO t (a) VALUES (1) ON DUPLICATE KEY UPDATE ("hunter")`,
	`SELECT a FROM t FOR UPDATE; "hunter"`,
	// A placeholder is no proof of a dialect.
	`SELECT * FROM u WHERE id = $1 AND password = "hunter"`,
	`SELECT $1 FROM t WHERE x = "hunter"`,
	"SELECT $a(it's), 'hunter'",
	"SELECT :a(it's), 'hunter'",
	// FROM that is followed by a value.
	`SELECT * FROM u WHERE password IS NOT DISTINCT FROM "hunter"`,
	`SELECT * FROM u WHERE password IS DISTINCT /* or not */ FROM "hunter"`,
	`SELECT TRIM(LEADING 'x' FROM "hunter")`,
	`REVOKE ALL ON *.* FROM "hunter"@"%"`,
	`REVOKE SELECT ON *.* FROM "hunter"`,
	`SELECT 1; REVOKE SELECT ON *.* FROM "hunter"`,
	`PREPARE s FROM "hunter"`,
	"COPY t (a, b) FROM stdin;\nhunter\t2\n\\.\n",
	// A comment that one of them reads.
	`SELECT TRIM/*!50000(LEADING */ "a" FROM "hunter")`,
	"SELECT a--TRIM(\nLEADING 'x' FROM \"hunter\")",
	"SELECT a FROM t WHERE b IS/*! DISTINCT */FROM \"hunter\"",
	`UPDATE /*! t SET a = */ "hunter"`,
	`SELECT /*+ QB_NAME("a*/b' ") */ 'hunter'`,
	// Quotes that one of them has.
	"SELECT [it's] FROM t WHERE a = 'hunter'",
	"SELECT [-- ]'\n hunter'",
	"SELECT [$a$], 'hunter', '$a$hunter'",
	"SELECT $a$ FROM t WHERE x = '$a$hunter'",
	"SELECT $a$ [x$a$ '] 'hunter'",
	"SELECT $a$(FROM t$a$ WHERE a IS b FROM \"hunter\")",
	"SELECT 1$$my hunter$$",
	"SELECT e'\\', 'hunter'",
	"SELECT @'hunter', @\"hunter\", @`hunter`",
	"REVOKE ALL ON *.* FROM `hunter`@`%`",
}

func TestNoValueOfAnyDialectRemains(t *testing.T) {
	for _, s := range hidden {
		got := fingerprint.SQL(s)
		if strings.Contains(got, "hunter") {
			t.Errorf("%q\n is %q", s, got)
		}
		harmless(t, s, got, fingerprint.SQL)
	}
}

func TestPostgreSQLsOwnSyntaxIsReadAsItsOwn(t *testing.T) {
	for _, c := range []struct{ in, want, strict string }{
		{`SELECT "id", "t"."a" FROM "t" WHERE "b" = $1 ORDER BY "id"`, "SELECT id, t.a FROM t WHERE b = ? ORDER BY id", "SELECT ?, t.a FROM t WHERE ? = ? ORDER BY ?"},
		{`INSERT INTO "t" ("a", "b") VALUES ($1, $2) RETURNING "id"`, "INSERT INTO t (a, b) VALUES (?) RETURNING id", "INSERT INTO t (?) VALUES (?) RETURNING ?"},
		{`SELECT "b c", "it's" FROM t`, "SELECT ? FROM t", "SELECT ? FROM t"},
		{`SELECT E'it\'s' = e'\\' OR a`, "SELECT ? = ? OR a", "SELECT ?…"},
		{"SELECT $$it's$$ = $tag$a $$ b$tag$ OR a", "SELECT ? = ? OR a", "SELECT ?…"},
		{"SELECT a #>> '{b}' FROM t", "SELECT a #>> ? FROM t", "SELECT a…"},
		{"SELECT 5--it's\nFROM t", "SELECT ? FROM t", "SELECT ?…"},
		{"SELECT ARRAY['a', 'b'] FROM t", "SELECT ARRAY[?] FROM t", "SELECT ARRAY[…"},
		{"SELECT ARRAY[1, 2] FROM t", "SELECT ARRAY[?] FROM t", "SELECT ARRAY[?] FROM t"},
		{"SELECT /* it's */ /*! it's */ a", "SELECT a", "SELECT…"},
		{`copy "t" ( "a" ) from stdin binary;`, "copy t (a) from stdin…", "copy ? (?) from stdin…"},
		{"SELECT a ` 'b", "SELECT a…", "SELECT a ?…"},
		{`SELECT 'it\'s'`, "SELECT ?…", "SELECT ?…"},
	} {
		if got := fingerprint.PostgreSQL(c.in); got != c.want {
			t.Errorf("%q\n is %q\nwant %q", c.in, got, c.want)
		}
		if got := fingerprint.SQL(c.in); got != c.strict {
			t.Errorf("of an unknown dialect %q\n is %q\nwant %q", c.in, got, c.strict)
		}
		harmless(t, c.in, fingerprint.PostgreSQL(c.in), fingerprint.PostgreSQL)
	}
}
