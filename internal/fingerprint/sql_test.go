package fingerprint_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/heeler-go/heeler/internal/fingerprint"
)

// want says what has to become of statements, in pairs, and that it stays that.
func want(t *testing.T, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		got := fingerprint.SQL(pairs[i])
		if got != pairs[i+1] {
			t.Errorf("%q\n is %q\nwant %q", pairs[i], got, pairs[i+1])
		}
		if again := fingerprint.SQL(got); again != got {
			t.Errorf("%q\nagain is %q", got, again)
		}
	}
}

func TestLiteralsOfAllKindsGo(t *testing.T) {
	want(t,
		"SELECT 'a'", "SELECT ?",
		"SELECT 'it''s', ''", "SELECT ?",
		"a = 1", "a = ?",
		"a=-1.5e-10 AND b=+.5", "a=? AND b=?",
		"a = 1_000 OR a = 0x1F OR a = 0b01", "a = ? OR a = ? OR a = ?",
		"x'4D' = X'4d' OR b'01' = B'01'", "? = ? OR ? = ?",
		"N'a' = n'a' OR _utf8mb4'a' = _latin1 'a'", "? = ? OR ? = _latin1 ?",
		"U&'d\\0061t' = a", "U&? = a",
		"DATE '2026-11-20' + INTERVAL 3 DAY", "DATE ? + INTERVAL ? DAY",
		"TIMESTAMP'2026-11-20 10:15'", "TIMESTAMP?",
		"a - 1 > b-1", "a - ? > b-?",
		"a = 'x'::text AND b::int = 5", "a = ?::text AND b::int = ?",
		"a[1:2] || '{1}'", "a[??] || ?",
		"CALL p(1, 'x', b)", "CALL p(?, b)",
		"GRANT ALL TO 'bob'@'%' IDENTIFIED BY 'x'", "GRANT ALL TO ?@? IDENTIFIED BY ?",
	)
}

func TestPlaceholdersAndConstantsAreAlike(t *testing.T) {
	want(t,
		"a = ? AND b = ?2", "a = ? AND b = ?",
		"a = $1 AND b = $22", "a = ? AND b = ?",
		"a = :name AND b = :1", "a = ? AND b = ?",
		"a = @p1 AND b = @user", "a = ? AND b = ?",
		"SET @a.b := 1, sql_mode = @@global.sql_mode", "SET ? := ?, sql_mode = @@global.sql_mode",
		"VALUES (NULL, true, FALSE, 1)", "VALUES (?)",
		"SET a = NULL, b = TRUE WHERE c IS NOT NULL AND d IS TRUE", "SET a = ?, b = ? WHERE c IS NOT NULL AND d IS TRUE",
		"data ? 'a' AND data @> '{}' AND data ->> 'b' = 'c'", "data ? ? AND data @> ? AND data ->> ? = ?",
	)
}

func TestListsAndRowsAreFolded(t *testing.T) {
	want(t,
		"a IN (1)", "a IN (?)",
		"a IN ( 1,2 ,\n3 )", "a IN (?)",
		"a NOT IN ('x', -1, $1)", "a NOT IN (?)",
		"(a, b) IN ((1, 2), (3, 4))", "(a, b) IN ((?))",
		"INSERT INTO t (a, b) VALUES (1, 'x')", "INSERT INTO t (a, b) VALUES (?)",
		"INSERT INTO t (a, b) VALUES (1, 'x'), (2, NULL),(3, 'z') ON DUPLICATE KEY UPDATE a = 1", "INSERT INTO t (a, b) VALUES (?) ON DUPLICATE KEY UPDATE a = ?",
		"VALUES (1, NOW()), (2, NOW()), (3, NULL)", "VALUES (?, NOW()), (?)",
		"VALUES ((1), lower('a')), ((2), lower('b'))", "VALUES ((?), lower(?))",
		"VALUES ($1::int, $2::text), ($3::int, $4::text)", "VALUES (?::int, ?::text)",
		"SELECT a, (b), (b) LIMIT 10, 20", "SELECT a, (b) LIMIT ?",
		"ARRAY[1, 2, 3]", "ARRAY[?]",
		"f(g(1, 2), g(3, 4))", "f(g(?), g(?))",
		strings.Repeat("(", 100)+"1"+strings.Repeat(")", 100), strings.Repeat("(", 100)+"?"+strings.Repeat(")", 100),
		")), (1), (2)", ")), (?)",
	)
	for _, rows := range []int{2, 200, 200_000} {
		row := ", (7, 'a', NOW())"
		got := fingerprint.SQL("INSERT INTO t VALUES " + strings.Repeat(row, rows)[2:])
		if got = strings.TrimSuffix(got, "…"); got != "INSERT INTO t VALUES (?, NOW())" {
			t.Errorf("%d rows are %q", rows, got)
		}
	}
}

func TestCommentsAndWhiteSpaceGo(t *testing.T) {
	want(t,
		"  SELECT\t1\r\n  FROM\v\f a ;\n", "SELECT ? FROM a",
		"SELECT /* 'x */ a/**/b /* it's */", "SELECT a b",
		"SELECT a -- it's\nFROM b", "SELECT a FROM b",
		"SELECT a --\nFROM b --", "SELECT a FROM b",
		"SELECT a # note\nFROM b", "SELECT a FROM b",
		"SELECT /*+ INDEX(t) */ a /*!40001 SQL_NO_CACHE */ FROM t", "SELECT a FROM t",
		"SELECT a,b , c", "SELECT a, b, c",
		"", "", " ; ", "",
		"a\u00a0b\u2028c\x00d\x1b[31m", "a b c d [?",
		"SELECT caf\u00e9", "SELECT caf\u00e9",
		"SELECT caf\xe9, \xff", "SELECT caf\uFFFD, \uFFFD",
		"a\u202eb", "a b",
	)
}

func TestANameInQuotesIsKeptWhereItCanBeNoValue(t *testing.T) {
	want(t,
		"SELECT `a`, `t`.`b` FROM `my-table`", "SELECT a, t.b FROM `my-table`",
		"SELECT `it's`, `a``b`", "SELECT ?",
		`SELECT "a" FROM "t" WHERE "b" = 'x'`, "SELECT ? FROM t WHERE ? = ?",
		`SELECT "t"."a", "u".b, c."d" FROM s."t"`, "SELECT t.a, u.b, c.d FROM s.t",
		`INSERT INTO "t" ("a") VALUES ("b")`, "INSERT INTO t (?) VALUES (?)",
		`UPDATE "t" SET a = "b"`, "UPDATE t SET a = ?",
		`SELECT a FROM t JOIN "u" ON a = "b"`, "SELECT a FROM t JOIN u ON a = ?",
		`SELECT TRIM(LEADING 'x' FROM "secret") FROM "t"`, "SELECT TRIM(LEADING ? FROM ?) FROM t",
		`PREPARE s FROM "SELECT 'x'"`, "PREPARE s FROM ?",
		`SELECT "a" WHERE b = '$1'`, "SELECT ? WHERE b = ?",
		`SELECT "a" WHERE b = "$1"`, "SELECT ? WHERE b = ?",
		`SELECT "a" -- $1`, "SELECT ?",
		"SELECT a, `null`, @`a`, x`null`y, :`b`", "SELECT a, ?, @?, x null y, : b",
	)
}

func TestWhatIsInDoubtIsCutOff(t *testing.T) {
	want(t,
		"SELECT 'a", "SELECT ?…",
		"SELECT \"a", "SELECT ?…",
		"SELECT `a", "SELECT ?…",
		"SELECT $x$a", "SELECT ?…",
		"SELECT E'a\\'", "SELECT ?…",
		"SELECT a /* b", "SELECT a…",
		`SELECT 'it\'s' FROM t`, "SELECT ?…",
		`SELECT 'a\\' FROM t`, "SELECT ? FROM t",
		`SELECT "it\"s" FROM t`, "SELECT ?…",
		`VALUES (1, 'a'), (2, 'b\'')`, "VALUES (?)…",
		"SELECT a --'x\nFROM t", "SELECT a…",
		"SELECT 5--3 FROM t\nWHERE b", "SELECT ? WHERE b",
		"SELECT a #>> '{b}' FROM t", "SELECT a…",
		"SELECT a -- b\r, 'c'", "SELECT a…",
		"SELECT /* a /* 'b' */ 'c' */ d", "SELECT…",
		"SELECT /*! 'b */' */ d", "SELECT…",
		"SELECT q'[it's]' FROM t", "SELECT ?…",
	)
}

func TestALongStatementIsCut(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"SELECT " + strings.Repeat("é", 200), "SELECT " + strings.Repeat("é", 145) + "…"},
		{"SELECT a" + strings.Repeat("é", 200), "SELECT a" + strings.Repeat("é", 144) + "…"},
		{strings.Repeat("a, ", 2_000_000), strings.Repeat("a, ", 98) + "a…"},
		{"SELECT '" + strings.Repeat("x", 4_000_000) + "' FROM t", "SELECT ?…"},
		{"SELECT 1 " + strings.Repeat(" ", 4_000_000) + "'x'", "SELECT ?…"},
		{strings.Repeat("x", 295) + " `a-b`", strings.Repeat("x", 295) + "…"},
		{strings.Repeat("x", 300), strings.Repeat("x", 300)},
		{strings.Repeat("x", 301), strings.Repeat("x", 297) + "…"},
	} {
		got := fingerprint.SQL(c.in)
		if got != c.want || len(got) > 300 {
			t.Errorf("%.20s… is %d bytes, %q, want %q", c.in, len(got), got, c.want)
		}
		if again := fingerprint.SQL(got); again != got {
			t.Errorf("%q\nagain is %q", got, again)
		}
	}
}

func TestAFingerprintIsMadeInOneAllocation(t *testing.T) {
	for statement, most := range map[string]float64{
		"SELECT a, b FROM t WHERE c IN (1, 2, 3) AND d = 'x'":           1,
		`SELECT "a" FROM "t" WHERE "c" IN ($1, $2) AND "d" = $3`:        1,
		"SELECT a, b FROM t WHERE c IN (?) AND d = ?":                   0,
		"INSERT INTO t VALUES " + strings.Repeat("(1, 2), ", 5) + "(3)": 1,
	} {
		if n := testing.AllocsPerRun(100, func() { sink = fingerprint.SQL(statement) }); n > most {
			t.Errorf("%q: %v allocations, want %v at most", statement, n, most)
		}
	}
}

var sink string

func BenchmarkSQL(b *testing.B) {
	for name, statement := range map[string]string{
		"literals of 100 bytes":     "SELECT id, title, price FROM book WHERE author = 'Jane Austen' AND price < 12.50 ORDER BY title LIMIT 1",
		"placeholders of 100 bytes": "SELECT id, title, price, author_id FROM book WHERE author_id = ? AND price < ? ORDER BY title LIMIT ?",
		"PostgreSQL of 100 bytes":   `SELECT "id", "title", "price" FROM "book" WHERE "author" = $1 AND "price" < $2 ORDER BY "id" LIMIT $3`,
		"a megabyte of rows":        "INSERT INTO t (a, b) VALUES " + strings.Repeat("(1, 'x'), ", 100_000) + "(1, 'x')",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = fingerprint.SQL(statement)
			}
		})
	}
}

// harmless wants what every fingerprint has to be, by the function that made it.
func harmless(t *testing.T, in, got string, of func(string) string) {
	t.Helper()
	if len(got) > 300 || !utf8.ValidString(got) {
		t.Errorf("%q: %q has %d bytes or is not UTF-8", in, got, len(got))
	}
	for _, r := range got {
		if !unicode.IsPrint(r) {
			t.Errorf("%q: %q has %q in it", in, got, r)
		}
	}
	if strings.ContainsAny(got, `'"`) {
		t.Errorf("%q: %q has a quote in it", in, got)
	}
	if again := of(got); again != got {
		t.Errorf("%q\nonce  %q\nagain %q", in, got, again)
	}
}
