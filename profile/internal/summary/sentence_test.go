package summary_test

import (
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
	"github.com/heeler-go/heeler/profile/internal/summary"
)

var (
	inMySQL = at("internal/poll.(*FD).Read", "net.(*conn).Read", "github.com/go-sql-driver/mysql.(*buffer).fill", "/cart.find")
	inLock  = at("sync.(*Mutex).Lock", "/cart.(*Store).Save", "main.handle")
	inCode  = at("/price.sum", "main.handle")
)

// slow is the request that the design tells of.
func slow() *exectrace.Execution {
	x := one(
		did{exectrace.Running, 20 * ms, inCode, nil},
		did{exectrace.Network, 247 * ms, inMySQL, nil},
		did{exectrace.Lock, 87 * ms, inLock, &exectrace.Waker{ID: 99, Stack: at("sync.(*Mutex).Unlock", "/cart.(*Store).Load")}},
		did{exectrace.Runnable, 21 * ms, inLock, nil},
		did{exectrace.Running, 17 * ms, at("/page.render", "main.handle"), nil},
		did{exectrace.Channel, 20 * ms, at("runtime.chanrecv1", "main.handle"), nil},
	)
	x.Calls = []exectrace.Call{call(20*ms, 267*ms, "mysql", "SELECT * FROM book WHERE id = ?")}
	return x
}

func TestTheSentenceSaysWhatTookHowLong(t *testing.T) {
	if got, want := filled(slow()).Sentence, "412 ms: 60 % waiting for mysql, 21 % lock in cart.(*Store).Save, 9 % CPU"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestEachWaitHasPlainWords(t *testing.T) {
	for _, test := range []struct {
		state exectrace.State
		stack *exectrace.Stack
		want  string
	}{
		{exectrace.Running, inCode, "CPU"},
		{exectrace.Running, nil, "CPU"},
		{exectrace.Assist, inCode, "garbage collector"},
		{exectrace.GC, inCode, "garbage collector"},
		{exectrace.Runnable, inCode, "waiting for a processor"},
		{exectrace.Network, inMySQL, "waiting for the network in cart.find"},
		{exectrace.Network, at("internal/poll.(*FD).Read", "os.(*File).Read", "main.load"), "reading a file in main.load"},
		{exectrace.Lock, inLock, "lock in cart.(*Store).Save"},
		{exectrace.Lock, at("sync.(*WaitGroup).Wait", "main.all"), "waiting for a WaitGroup in main.all"},
		{exectrace.Lock, at("sync.(*Cond).Wait", "main.all"), "waiting on a condition in main.all"},
		{exectrace.Lock, at("sync.(*Mutex).Lock", "github.com/lib/pq.(*conn).lock", "net/http.(*conn).serve"), "lock in pq.(*conn).lock"},
		{exectrace.Channel, at("runtime.chanrecv2", "main.all"), "receiving from a channel in main.all"},
		{exectrace.Channel, at("runtime.chansend1", "main.all"), "sending to a channel in main.all"},
		{exectrace.Channel, at("main.all"), "channel in main.all"},
		{exectrace.Select, at("runtime.selectgo", "main.all"), "select in main.all"},
		{exectrace.Select, at("runtime.selectgo", "net/http.(*persistConn).roundTrip", "main.fetch"), "waiting for an HTTP response in main.fetch"},
		{exectrace.Select, at("runtime.selectgo", "database/sql.(*DB).conn", "main.find"), "waiting for a free database connection in main.find"},
		{exectrace.Sleep, at("time.Sleep", "main.retry"), "asleep in main.retry"},
		{exectrace.Syscall, at("syscall.read", "main.load"), "system call in main.load"},
		{exectrace.Syscall, at("runtime.cgocall", "main._Cfunc_f", "main.load"), "C code in main._Cfunc_f"},
		{exectrace.Waiting, at("main.all"), "waiting in main.all"},
		{exectrace.Lock, nil, "lock"},
	} {
		if got := filled(one(did{test.state, 2 * ms, test.stack, nil})).Sentence; got != "2 ms: 100 % "+test.want {
			t.Errorf("%v in %+v: %s, want %s", test.state, test.stack, got, test.want)
		}
	}
}

func TestOnlyWaitsWithinACallAreWaitingForItsBackend(t *testing.T) {
	for state, want := range map[exectrace.State]string{
		exectrace.Running: "CPU", exectrace.Runnable: "waiting for a processor", exectrace.Assist: "garbage collector",
		exectrace.Network: "waiting for mysql", exectrace.Lock: "waiting for mysql", exectrace.Syscall: "waiting for mysql",
	} {
		x := one(did{state, 2 * ms, inLock, nil})
		x.Calls = []exectrace.Call{call(0, 2*ms, "mysql", "")}
		if got := filled(x).Shares[0].What; got != want {
			t.Errorf("%v: %s, want %s", state, got, want)
		}
	}
}

func TestTheSentenceStopsWhenEnoughIsSaid(t *testing.T) {
	in := func(fn string, long time.Duration) did {
		return did{exectrace.Sleep, long, at("time.Sleep", "main."+fn), nil}
	}
	for _, test := range []struct {
		name, want string
		x          *exectrace.Execution
	}{
		{"most is one thing", "100 ms: 95 % asleep in main.a", one(in("a", 95*ms), in("b", 5*ms))},
		{"many things", "100 ms: 30 % asleep in main.a, 25 % asleep in main.b, 20 % asleep in main.c, 10 % asleep in main.d",
			one(in("a", 30*ms), in("b", 25*ms), in("c", 20*ms), in("d", 10*ms), in("e", 9*ms), in("f", 6*ms))},
		{"thirds", "3 ms: 34 % asleep in main.a, 33 % asleep in main.b, 33 % asleep in main.c", one(in("a", ms), in("b", ms), in("c", ms))},
		{"less than a percent", "100 ms: 89 % asleep in main.a", func() *exectrace.Execution {
			all := []did{in("a", 890*ms/10)}
			for i := range 20 {
				all = append(all, in("b"+string(rune('a'+i)), 11*ms/20))
			}
			return one(all...)
		}()},
		{"nothing", "0 ns", new(exectrace.Execution)},
		{"crumbs", "200 ms, and nothing took 1 % of it", func() *exectrace.Execution {
			var all []did
			for i := range 200 {
				all = append(all, in(strings.Repeat("x", 1+i%50)+string(rune('a'+i/50)), ms))
			}
			return one(all...)
		}()},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := filled(test.x).Sentence; got != test.want {
				t.Errorf("%s\nwant %s", got, test.want)
			}
		})
	}
}

func TestPercentsNeverAddUpToMoreThanAHundred(t *testing.T) {
	for a := time.Duration(1); a < 60; a++ {
		for b := time.Duration(1); b < 60; b++ {
			for c := time.Duration(1); c < 60; c += 7 {
				times := []time.Duration{a, b, c, 3}
				list, sum := summary.Percents(times, a+b+c+3), 0
				for i, p := range list {
					sum += p
					for j := range list {
						if times[i] > times[j] && p < list[j] {
							t.Fatalf("%d is %v", times, list)
						}
					}
				}
				if sum != 100 {
					t.Fatalf("%d is %v", times, list)
				}
			}
		}
	}
}

func TestDurationsHaveAFewFigures(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0 ns", 0: "0 ns", 999: "999 ns", 1000: "1 µs", 1234: "1.2 µs", 41234: "41 µs", 999_700: "1 ms",
		4_100_000: "4.1 ms", 9_960_000: "10 ms", 412 * ms: "412 ms", 999_499 * time.Microsecond: "999 ms", 999_500 * time.Microsecond: "1 s",
		1240 * ms: "1.24 s", 12_400 * ms: "12.4 s", 100 * time.Second: "100 s", 2 * time.Hour: "7200 s",
	} {
		if got := summary.Duration(d); got != want {
			t.Errorf("%d is %s, want %s", d, got, want)
		}
	}
}

func TestSeveralRunsAreToldOfTogether(t *testing.T) {
	x := times(20, did{exectrace.Sleep, 41 * ms, at("time.Sleep", "main.a"), nil})
	if got, want := filled(x).Sentence, "20 runs, 41 ms each (41–41): 100 % asleep in main.a"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	for to, want := range map[time.Duration]string{
		77 * ms:              "2 runs, 54 ms each (31–77): 100 % asleep in main.a",
		3 * time.Second:      "2 runs, 1.52 s each (31 ms–3 s): 100 % asleep in main.a",
		8 * time.Microsecond: "2 runs, 16 ms each (8 µs–31 ms): 100 % asleep in main.a",
	} {
		x := times(2, did{exectrace.Sleep, 31 * ms, at("time.Sleep", "main.a"), nil})
		g := x.Goroutines[1]
		g.To = g.From + to
		g.Intervals[0].To, x.Runs[1].To = g.To, g.To
		if got := filled(x).Sentence; got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

func TestTheSentenceTellsOfLoopsPanicsAndWhatIsMissing(t *testing.T) {
	repeated := []result.Backend{
		{Name: "redis", Calls: 9, Statements: []result.Statement{{Text: "GET ?", Calls: 9}}},
		{Name: "mysql", Calls: 231, Statements: []result.Statement{{Text: "SELECT 2", Calls: 1}, {Text: "SELECT 1", Calls: 230}}},
	}
	sleep := did{exectrace.Sleep, 2 * ms, at("time.Sleep", "main.a"), nil}
	for _, test := range []struct {
		name, want string
		x          *exectrace.Execution
		res        result.Result
	}{
		{"a loop", ". mysql: 231 calls, the same statement 230 times.", one(sleep), result.Result{Backends: repeated}},
		{"a loop in each run", ". mysql: 23 calls a run, the same statement 23 times.", times(10, sleep), result.Result{Backends: repeated}},
		{"the same once a run", "", times(30, sleep), result.Result{Backends: repeated}},
		{"a panic", ". It panicked: no\u00a0such book.", one(sleep), result.Result{Runs: []result.Run{{Panic: "no\u00a0such\nbook"}}}},
		{"a secret panic", ". It panicked: password=[redacted].", one(sleep), result.Result{Runs: []result.Run{{Panic: "password=hunter2"}}}},
		{"a panic in one of several", ". 1 of them panicked: no.", times(2, sleep), result.Result{Runs: []result.Run{{}, {Panic: "no"}}}},
		{"a trace that ended", ". The trace ended before the request did.", func() *exectrace.Execution {
			x := one(sleep)
			x.Truncated = true
			return x
		}(), result.Result{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			summary.Fill(&test.res, test.x, shop, redact.List{})
			_, got, _ := strings.Cut(test.res.Sentence, "asleep in main.a")
			if got != strings.ReplaceAll(test.want, "\u00a0", " ") {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}
