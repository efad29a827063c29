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

func noValue(t *testing.T, choices []byte) {
	t.Helper()
	for d := range dialects {
		w := writer{choices: choices, dialect: d}
		statement := w.statement()
		ways := []func(string) string{fingerprint.SQL, fingerprint.PostgreSQL}
		if d != postgres {
			ways = ways[:1]
		}
		for _, of := range ways {
			got := of(statement)
			if strings.Contains(got, secret) || strings.Contains(got, number) {
				t.Errorf("dialect %d: a value remains\nof %q\nin %q", d, statement, got)
			}
			harmless(t, statement, got, of)
		}
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
		harmless(t, statement, fingerprint.SQL(statement), fingerprint.SQL)
		harmless(t, statement, fingerprint.PostgreSQL(statement), fingerprint.PostgreSQL)
		noValue(t, in)
		of := parts(in)
		harmless(t, of, fingerprint.SQL(of), fingerprint.SQL)
		harmless(t, of, fingerprint.PostgreSQL(of), fingerprint.PostgreSQL)
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
