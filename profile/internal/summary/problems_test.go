package summary_test

import (
	"slices"
	"testing"

	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
	"github.com/heeler-go/heeler/profile/internal/summary"
)

func TestWhatIsMissingIsAProblem(t *testing.T) {
	busy := did{exectrace.Running, 100 * ms, inCode, nil}
	sample := exectrace.Sample{At: ms, Goroutine: 7, Stack: inCode}
	started := func(names ...string) *exectrace.Execution {
		x := one(did{exectrace.Sleep, ms, nil, nil})
		for i, name := range names {
			x.Goroutines = append(x.Goroutines, goroutine(8+int64(i), 7, name, 0, did{exectrace.Sleep, ms, nil, nil}))
		}
		return x
	}
	woken := func(id int64) *exectrace.Waker { return &exectrace.Waker{ID: id, Own: true} }
	// endsWith has the request wait at last, and leaves goroutines that it started at one place as they are then.
	endsWith := func(last did, name string, states ...exectrace.State) *exectrace.Execution {
		x, place := one(last), at("main.handle")
		for i, state := range states {
			x.Goroutines = append(x.Goroutines, goroutine(8+int64(i), 7, name, 0, did{state, ms, nil, nil}))
			x.Goroutines[i+1].By = place
		}
		return x
	}
	const none = "The CPU profiler took no samples: of the 100 ms on processors it is only known between which waits they were."
	for _, test := range []struct {
		name string
		x    *exectrace.Execution
		res  result.Result
		want []string
	}{
		{"nothing", one(did{exectrace.Running, 99 * ms, inCode, nil}), result.Result{}, nil},
		{"no samples", one(busy), result.Result{}, []string{none}},
		{"samples", func() *exectrace.Execution {
			x := one(busy)
			x.Samples = append(x.Samples, sample)
			return x
		}(), result.Result{}, nil},
		{"no samples, as is known", one(busy), result.Result{Problems: []string{"Somebody holds the CPU profiler."}}, []string{"Somebody holds the CPU profiler."}},
		{"another problem", one(busy), result.Result{Problems: []string{"The disk is full."}}, []string{"The disk is full.", none}},
		{"truncated", func() *exectrace.Execution {
			x := started("main.audit")
			x.Truncated = true
			return x
		}(), result.Result{}, []string{"The trace ended before the request did: what came after is missing."}},
		{"runs", started(), result.Result{Runs: make([]result.Run, 3)}, []string{"The trace has 1 of the 3 runs."}},
		{"a child", started("github.com/acme/shop/cart.(*Store).audit"), result.Result{},
			[]string{"Goroutines that the request started went on after it, and what they did then is missing: cart.(*Store).audit."}},
		{"children", started("main.a", "main.b", "main.a", "main.c", "main.d", "main.e"), result.Result{},
			[]string{"Goroutines that the request started went on after it, and what they did then is missing: 2 × main.a, main.b, main.c, 2 more."}},
		{"a child that has handed over its work", endsWith(did{exectrace.Channel, ms, nil, woken(8)}, "main.a", exectrace.Running), result.Result{}, nil},
		{"children that a WaitGroup has waited for", endsWith(did{exectrace.Lock, ms, at("sync.(*WaitGroup).Wait"), woken(8)}, "main.a", exectrace.Runnable, exectrace.Running), result.Result{}, nil},
		{"a child that lost a race", endsWith(did{exectrace.Channel, ms, nil, woken(8)}, "main.race", exectrace.Running, exectrace.Running), result.Result{},
			[]string{"Goroutines that the request started went on after it, and what they did then is missing: main.race."}},
		{"a child that has handed over its work and waits", endsWith(did{exectrace.Channel, ms, nil, woken(8)}, "main.a", exectrace.Sleep), result.Result{},
			[]string{"Goroutines that the request started went on after it, and what they did then is missing: main.a."}},
		{"a child that has handed something over before", func() *exectrace.Execution {
			x := endsWith(did{exectrace.Channel, ms, nil, woken(8)}, "main.a", exectrace.Running)
			for _, g := range x.Goroutines {
				g.To += 2 * ms
				g.Intervals = append(g.Intervals, exectrace.Interval{Span: exectrace.Span{From: ms, To: 3 * ms}, State: exectrace.Running})
			}
			return x
		}(), result.Result{}, []string{"Goroutines that the request started went on after it, and what they did then is missing: main.a."}},
		{"a pool's", started("net/http.(*persistConn).readLoop"), result.Result{}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			summary.Fill(&test.res, test.x, shop, redact.List{})
			if !slices.Equal(test.res.Problems, test.want) {
				t.Errorf("%q\nwant %q", test.res.Problems, test.want)
			}
		})
	}
}

func TestThePausesAreTheLongestInOrder(t *testing.T) {
	x := huge(1, 2000, []*exectrace.Stack{inCode})
	x.Pauses[1000].World = true
	pauses := filled(x).Pauses
	if len(pauses) != 500 {
		t.Fatalf("%d pauses", len(pauses))
	}
	for i, p := range pauses {
		if i > 0 && p.From < pauses[i-1].From || p.To-p.From < 50 || p.World != (p.From == 1000) || p.What != "stop-the-world (GC mark termination)" {
			t.Errorf("%+v", p)
		}
	}
}
