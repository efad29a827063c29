package summary_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
	"github.com/heeler-go/heeler/profile/internal/summary"
)

func Example() {
	res := result.Result{
		Method: "GET", URI: "/book/7",
		State: result.Done,
		Backends: []result.Backend{{
			Name: "mysql", Calls: 231, Errors: 1, Time: 247 * time.Millisecond,
			Statements: []result.Statement{{Text: "SELECT * FROM book WHERE id = ?", Calls: 230, Time: 245 * time.Millisecond}, {Text: "SELECT 1", Calls: 1}},
		}},
	}
	summary.Fill(&res, slow(), shop, redact.New())
	fmt.Print(summary.Text(&res))
	// Output:
	// GET /book/7
	// 412 ms: 60 % waiting for mysql, 21 % lock in cart.(*Store).Save, 9 % CPU. mysql: 231 calls, the same statement 230 times.
	//
	// 60 %  247 ms   1 time  waiting for mysql                        cart/cart.go:13
	// 21 %   87 ms   1 time  lock in cart.(*Store).Save               cart/cart.go:11
	//  9 %   37 ms  2 times  CPU                                      price/price.go:10
	//  5 %   21 ms   1 time  waiting for a processor                  cart/cart.go:11
	//  5 %   20 ms   1 time  receiving from a channel in main.handle  main/main.go:11
	//
	// mysql: 231 calls in 247 ms, 1 error
	//     the same statement 230 times in 245 ms: SELECT * FROM book WHERE id = ?
	// 1 goroutine
}

func TestTheTextSaysHowFarAResultIs(t *testing.T) {
	for _, test := range []struct {
		res  result.Result
		want string
	}{
		{result.Result{}, ""},
		{result.Result{Method: "GET", URI: "/", State: result.Waits, Turn: "Two are before it."}, "GET /\nThe request waits for its turn. Two are before it.\n"},
		{result.Result{State: result.Runs}, "The request is being served.\n"},
		{result.Result{State: result.Reads}, "The trace is being read.\n"},
		{result.Result{State: result.Failed, Problems: []string{"The tracer is taken."}}, "There is no profile.\nproblem: The tracer is taken.\n"},
		{result.Result{State: result.Done, Runs: []result.Run{{}, {Panic: "no"}}}, "1 panic: no\n"},
		{result.Result{State: result.Done, Backends: make([]result.Backend, 12)}, strings.Repeat(": 0 calls in 0 ns\n", 10) + "and 2 backends more\n"},
		{result.Result{State: result.Done, Backends: []result.Backend{{Name: "mysql", Calls: 1, Refused: 3}}}, "mysql: 1 call in 0 ns, 3 refused\n"},
	} {
		if got := summary.Text(&test.res); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

// The sentence counts so, too.
func TestTheSameStatementIsCountedPerRun(t *testing.T) {
	for calls, want := range map[int]string{
		690: "    the same statement 230 times in 10 ms a run: SELECT 1\n",
		3:   "", // one in each
	} {
		res := result.Result{Runs: make([]result.Run, 3), Backends: []result.Backend{{Name: "mysql", Calls: calls, Time: 30 * ms,
			Statements: []result.Statement{{Text: "SELECT 1", Calls: calls, Time: 30 * ms}}}}}
		_, got, _ := strings.Cut(summary.Text(&res), "\n")
		if got != want {
			t.Errorf("%d calls in 3 runs: %q, want %q", calls, got, want)
		}
	}
}

func TestTheTopIsAsManyAsAreAskedForAndThere(t *testing.T) {
	res := filled(slow())
	for n, want := range map[int]int{-1: 0, 0: 0, 1: 1, 5: 5, 100: 5} {
		if got := strings.Count(summary.Top(res, n), "\n"); got != want {
			t.Errorf("%d lines of %d, want %d", got, n, want)
		}
	}
	res.Shares[4].Time = res.Took / 1000
	if !strings.Contains(summary.Top(res, 5), "\n< 1 %") {
		t.Error(summary.Top(res, 5))
	}
}

// evil breaks lines, controls terminals, turns text around and hides, but for its first and last word.
const evil = "evil\r\n\x1b]0;title\x07\x1b[2J\u009b31m\u202e\u2066\u200b\u2028\xff<script>\x00ok"

func TestNothingHostileGetsThrough(t *testing.T) {
	stack := at("sync.(*Mutex).Lock", "main."+evil)
	for i := range stack.Frames {
		stack.Frames[i].File = "/" + evil + "/" + evil
	}
	x := one(did{exectrace.Lock, 5 * ms, stack, &exectrace.Waker{ID: 5, Stack: stack}}, did{exectrace.Network, ms, stack, nil}, did{exectrace.Running, 100 * ms, stack, nil})
	x.Goroutines = append(x.Goroutines, goroutine(8, 7, evil, 0, did{exectrace.Sleep, ms, stack, nil}))
	x.Calls = []exectrace.Call{call(5*ms, 6*ms, evil, evil)}
	x.Pauses = []exectrace.Pause{{What: evil}}
	res := &result.Result{
		State: result.Done,
		Runs:  []result.Run{{Panic: evil}},
	}
	summary.Fill(res, x, shop, redact.List{})
	data, err := json.Marshal(res)
	if err != nil {
		t.Fatal(err)
	}
	var back result.Result
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{res.Sentence, res.Shares[0].Where, res.Shares[1].What, res.Timeline.Rows[0].Bars[0].What, res.Timeline.Rows[0].Bars[0].Waker,
		res.Timeline.Rows[1].Name, res.Timeline.Rows[0].Calls[0].Backend, res.Timeline.Rows[0].Calls[0].What, res.Pauses[0].What, strings.Join(res.Problems, "")} {
		if bad := controls(s); bad != "" || !strings.Contains(s, "evil") || !strings.Contains(s, "ok") {
			t.Errorf("%q has %q", s, bad)
		}
	}
	// What the caller has set is as hostile.
	res.Method, res.URI, res.Turn, res.State = evil, evil, evil, result.Waits
	res.Backends = []result.Backend{{Name: evil, Statements: []result.Statement{{Text: evil, Calls: 20}}}}
	res.Shares[0].What, res.Shares[0].Where, res.Sentence = evil, evil, evil
	res.Problems = append(res.Problems, evil)
	text := summary.Text(res)
	for line := range strings.Lines(text) {
		if bad := controls(strings.TrimSuffix(line, "\n")); bad != "" {
			t.Errorf("%q has %q", line, bad)
		}
	}
	if n := strings.Count(text, "\n"); n != 15 {
		t.Errorf("%d lines:\n%s", n, text)
	}
}

// controls are the characters of a text that are not shown as themselves.
func controls(s string) (bad string) {
	for _, r := range s {
		if !unicode.IsPrint(r) && r != unicode.ReplacementChar {
			bad += string(r)
		}
	}
	return bad
}

func TestSecretsAreNotInIt(t *testing.T) {
	x := one(did{exectrace.Running, ms, inCode, nil})
	long := "SELECT " + strings.Repeat("a, ", 1400) + "b FROM t WHERE password = 'hunter2'"
	x.Calls = []exectrace.Call{
		call(0, 1, "postgres://bob:hunter2@db", "SELECT * FROM t WHERE password = 'hunter2'"),
		call(0, 1, "x_custom=hunter2", long),
		call(0, 1, "mysql", strings.Repeat("hunter2", 1000)),
	}
	res := &result.Result{Runs: []result.Run{{Panic: "dial: token=hunter2"}}, Backends: []result.Backend{{Name: "x_custom=hunter2", Calls: 20, Statements: []result.Statement{{Calls: 20}}}}}
	summary.Fill(res, x, shop, redact.New("x_custom"))
	res.Runs = nil // the caller's
	res.Backends = nil
	data, err := json.Marshal(res)
	if err != nil || strings.Contains(string(data), "hunter") {
		t.Errorf("%s, %v", data, err)
	}
}
