package alert_test

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/heeler-go/heeler/alert"
)

// commits is a query in a loop that hangs in its 231st turn.
var commits = alert.Backend{
	Name: "mysql", Calls: 231, Errors: 2, Time: 8100 * time.Millisecond, More: 3,
	Statements: []alert.Statement{
		{Text: "SELECT * FROM commits WHERE repo = ?", Calls: 230, Time: 8050 * time.Millisecond},
		{Text: "SELECT 1", Calls: 1, Time: 50 * time.Millisecond},
	},
	Running: []alert.Call{{Statement: "SELECT * FROM commits WHERE repo = ?", Elapsed: 4900 * time.Millisecond, Number: 231, Before: 229}},
}

func TestTheCallsToABackendAreSaidInWords(t *testing.T) {
	long := strings.Repeat("é", 1000)
	for _, c := range []struct {
		name string
		b    alert.Backend
		want []string
	}{
		{"a loop that hangs", commits, []string{
			"in call 231 to mysql for 4.9s: SELECT * FROM commits WHERE repo = ? (the same statement 229 times before)",
			"mysql: 231 calls in 8.1s, 2 errors",
		}},
		{"a loop that goes on", alert.Backend{Name: "mysql", Calls: 230, Time: 3210 * time.Millisecond, Statements: commits.Statements}, []string{
			"mysql: 230 calls in 3.21s; the same statement 230 times: SELECT * FROM commits WHERE repo = ?",
		}},
		{"another call behind a loop", alert.Backend{Name: "mysql", Calls: 231, Statements: commits.Statements, Running: []alert.Call{{Statement: "SELECT 1", Elapsed: time.Second, Number: 231, Before: 9}}}, []string{
			"in call 231 to mysql for 1s: SELECT 1",
			"mysql: 231 calls in 0s; the same statement 230 times: SELECT * FROM commits WHERE repo = ?",
		}},
		{"nine times are no loop", alert.Backend{Name: "mysql", Calls: 9, Statements: []alert.Statement{{Text: "SELECT 1", Calls: 9}}}, []string{"mysql: 9 calls in 0s"}},
		{"ten times are", alert.Backend{Name: "mysql", Calls: 10, Statements: []alert.Statement{{Text: "SELECT 1", Calls: 10}}}, []string{
			"mysql: 10 calls in 0s; the same statement 10 times: SELECT 1",
		}},
		{"a call without a statement", alert.Backend{Name: "ldap", Calls: 1, Time: 1500 * time.Microsecond, Errors: 1, Refused: 1, Running: []alert.Call{{Elapsed: 1234567, Number: 1}}}, []string{
			"in call 1 to ldap for 1.235ms",
			"ldap: 1 call in 1.5ms, 1 error, 1 refused",
		}},
		{"some at once", alert.Backend{Name: "api", Calls: 5, Running: make([]alert.Call, 3)}, []string{"in 3 calls to api, the oldest for 0s", "api: 5 calls in 0s"}},
		{"many at once", alert.Backend{Name: "api", Calls: 50, Running: make([]alert.Call, 10), MoreRunning: 7}, []string{"in 17 calls to api, the oldest for 0s", "api: 50 calls in 0s"}},
		{"ten at once", alert.Backend{Name: "api", Calls: 50, Running: make([]alert.Call, 10)}, []string{"in 10 calls to api, the oldest for 0s", "api: 50 calls in 0s"}},
		{"the first of many hangs", alert.Backend{Name: "mysql", Calls: 231, Statements: commits.Statements, Running: []alert.Call{{Statement: commits.Statements[0].Text, Elapsed: time.Second, Number: 1}}}, []string{
			"in call 1 to mysql for 1s: SELECT * FROM commits WHERE repo = ?",
			"mysql: 231 calls in 0s; the same statement 230 times: SELECT * FROM commits WHERE repo = ?",
		}},
		{"a call that nobody has numbered", alert.Backend{Name: "mysql", Calls: 5, Running: make([]alert.Call, 1)}, []string{"in a call to mysql for 0s", "mysql: 5 calls in 0s"}},
		{"a statement that is the same on one line", alert.Backend{Name: "mysql", Calls: 12, Statements: []alert.Statement{{Text: "SELECT\n 1", Calls: 11}}, Running: []alert.Call{{Statement: "SELECT\n1", Number: 12, Before: 10}}}, []string{
			"in call 12 to mysql for 0s: SELECT 1 (the same statement 10 times before)", "mysql: 12 calls in 0s",
		}},
		{"a statement that cannot be seen", alert.Backend{Name: "mysql", Calls: 11, Statements: []alert.Statement{{Text: "\u2028", Calls: 11}}, Running: []alert.Call{{Statement: "\n", Number: 11}}}, []string{
			"in call 11 to mysql for 0s", "mysql: 11 calls in 0s",
		}},
		{"a backend without a name", alert.Backend{Name: "\u202e", Calls: 1, Running: []alert.Call{{Number: 1}}}, []string{"in call 1 to unnamed for 0s", "unnamed: 1 call in 0s"}},
		{"a breaker that lets nothing through", alert.Backend{Name: "redis", Refused: 3}, []string{"redis: 0 calls in 0s, 3 refused"}},
		{"long names", alert.Backend{Name: long, Calls: 10, Statements: []alert.Statement{{Text: long, Calls: 10}}, Running: []alert.Call{{Statement: long, Number: 10}}}, []string{
			"in call 10 to " + long[:198] + "… for 0s: " + long[:238] + "…",
			long[:198] + "…: 10 calls in 0s; the same statement 10 times: " + long[:238] + "…",
		}},
		{"names from outside", alert.Backend{Name: "a\nb", Calls: 1, Running: []alert.Call{{Statement: "c\r\nd\u202e", Number: 1}}}, []string{"in call 1 to a b for 0s: c d", "a b: 1 call in 0s"}},
	} {
		if got := c.b.Sentences(); !slices.Equal(got, c.want) {
			t.Errorf("%s: it says\n%q, want\n%q", c.name, got, c.want)
		}
	}
}

func TestASentenceIsShort(t *testing.T) {
	long := strings.Repeat("x", 10_000)
	b := alert.Backend{
		Name: long, Calls: 1e9, Errors: 1e9, Refused: 1e9, Time: 1e18 + 1,
		Statements: []alert.Statement{{Text: long, Calls: 1e9}}, Running: []alert.Call{{Statement: long + "y", Elapsed: 1e18 + 1, Before: 1e9}},
	}
	for _, s := range b.Sentences() {
		if n := utf8.RuneCountInString(s); n > 350 {
			t.Errorf("%d characters: %s", n, s)
		}
	}
}

func TestAReportWithoutATextShowsTheBackends(t *testing.T) {
	a := alert.Alert{Title: "slow", Backends: []alert.Backend{commits, {Name: "redis", Calls: 12, Running: make([]alert.Call, 1), MoreRunning: 11}}}
	want := `slow

mysql: 231 calls in 8.1s, 2 errors
    now number 231, for 4.9s, 229 alike before: SELECT * FROM commits WHERE repo = ?
    230 calls in 8.05s: SELECT * FROM commits WHERE repo = ?
    1 call in 50ms: SELECT 1
    and 3 more

redis: 12 calls in 0s
    now for 0s
    and 11 more now
`
	if got := a.Report(); got != want {
		t.Errorf("the report is\n%s\nwant\n%s", got, want)
	}
}

func TestLogSaysTheCallsToBackendsInWords(t *testing.T) {
	records := logged(t)
	if err := (alert.Log{}).Send(t.Context(), alert.Alert{Title: "slow", Backends: []alert.Backend{commits, {Name: "redis", Calls: 1}}}); err != nil {
		t.Fatal(err)
	}
	want := `level=WARN msg=slow backends="in call 231 to mysql for 4.9s: SELECT * FROM commits WHERE repo = ? (the same statement 229 times before);` +
		` mysql: 231 calls in 8.1s, 2 errors; redis: 1 call in 0s"` + "\n"
	if got := records.String(); got != want {
		t.Errorf("logged\n%s want\n%s", got, want)
	}
	if err := (alert.Log{}).Send(t.Context(), alert.Alert{Title: "slow", Backends: slices.Repeat([]alert.Backend{commits}, 100)}); err != nil {
		t.Fatal(err)
	}
	if n := len(records.String()) - len(want); n > 600 {
		t.Errorf("a record on many backends has %d bytes", n)
	}
}
