package summary_test

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/profile/internal/result"
	"github.com/heeler-go/heeler/profile/internal/summary"
)

func TestBackendsHaveNoSecretsAndAnOrder(t *testing.T) {
	given := []result.Backend{
		{Name: "redis\x1b[2J", Calls: 1, Errors: 1, Refused: 2, Time: ms},
		{Calls: 3, Time: 3 * ms, Statements: []result.Statement{{Text: "SELECT ?", Calls: 1}, {Text: "SET password = 'hunter2'", Calls: 2, Time: ms}}},
	}
	want := []result.Backend{
		{Name: "an unnamed backend", Calls: 3, Time: 3 * ms, Statements: []result.Statement{{Text: "SET password = '[redacted]'", Calls: 2, Time: ms}, {Text: "SELECT ?", Calls: 1}}},
		{Name: "redis [2J", Calls: 1, Errors: 1, Refused: 2, Time: ms},
	}
	got := summary.Backends(given, redact.List{})
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if again := summary.Backends(got, redact.List{}); !reflect.DeepEqual(again, want) {
		t.Errorf("%+v\nwant %+v, again", again, want)
	}
	if given[0].Name != "redis\x1b[2J" || given[1].Statements[0].Text != "SELECT ?" {
		t.Errorf("what was given is %+v", given)
	}
}

func TestOfManyBackendsThoseThatMatterAreKept(t *testing.T) {
	var many []result.Backend
	for i := range 100 {
		b := result.Backend{Name: fmt.Sprint("b", i), Time: time.Duration(i)}
		for k := range 100 {
			b.Statements = append(b.Statements, result.Statement{Text: fmt.Sprint("SELECT ", k), Calls: k})
		}
		many = append(many, b)
	}
	got := summary.Backends(many, redact.List{})
	if len(got) != 50 || got[0].Name != "b99" || len(got[0].Statements) != 20 || got[0].Statements[0].Text != "SELECT 99" {
		t.Errorf("%d, the first %+v", len(got), got[0])
	}
}
