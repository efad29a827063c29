package summary_test

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/leak"
	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/internal/stacks"
	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
	"github.com/heeler-go/heeler/profile/internal/summary"
)

func TestMain(m *testing.M) { leak.Main(m) }

const ms = time.Millisecond

var shop = stacks.Program{Module: "github.com/acme/shop"}

// at is a stack of functions, the innermost first, in the files of their packages. A slash stands for the
// shop's own path.
func at(funcs ...string) *exectrace.Stack {
	s := new(exectrace.Stack)
	for i, fn := range funcs {
		if rest, ok := strings.CutPrefix(fn, "/"); ok {
			fn = "github.com/acme/shop/" + rest
		}
		pkg, _, _ := strings.Cut(stacks.Short(fn), ".")
		s.Frames = append(s.Frames, exectrace.Frame{Func: fn, File: "/src/" + pkg + "/" + pkg + ".go", Line: 10 + i})
	}
	return s
}

// A did is something that a goroutine did, for so long.
type did struct {
	state exectrace.State
	long  time.Duration
	stack *exectrace.Stack
	waker *exectrace.Waker
}

// one is an execution of one run on one goroutine.
func one(all ...did) *exectrace.Execution { return times(1, all...) }

// times is an execution of several runs, with a millisecond between them.
func times(n int, all ...did) *exectrace.Execution {
	x := new(exectrace.Execution)
	from := time.Duration(0)
	for range n {
		g := goroutine(7, 0, "net/http.(*conn).serve", from, all...)
		x.Goroutines = append(x.Goroutines, g)
		x.Runs = append(x.Runs, exectrace.Run{Span: g.Span, Goroutine: 7})
		from = g.To + ms
	}
	return x
}

func goroutine(id, parent int64, fn string, from time.Duration, all ...did) *exectrace.Goroutine {
	g := &exectrace.Goroutine{ID: id, Parent: parent, Func: fn, Span: exectrace.Span{From: from, To: from}}
	for _, d := range all {
		g.Intervals = append(g.Intervals, exectrace.Interval{Span: exectrace.Span{From: g.To, To: g.To + d.long}, State: d.state, Stack: d.stack, Waker: d.waker})
		g.To += d.long
	}
	return g
}

func call(from, to time.Duration, backend, statement string) exectrace.Call {
	return exectrace.Call{Span: exectrace.Span{From: from, To: to}, Goroutine: 7, Backend: backend, Statement: statement, Ended: true}
}

func filled(x *exectrace.Execution) *result.Result {
	res := &result.Result{State: result.Done}
	summary.Fill(res, x, shop, redact.List{})
	return res
}

// anything is an execution in which n goroutines did up to most things each, at random.
func anything(random *rand.Rand, n, most int) *exectrace.Execution {
	places := []*exectrace.Stack{nil, new(exectrace.Stack), at("sync.(*Mutex).Lock", "/cart.Save"), at("runtime.selectgo", "main.wait"), at("net.(*conn).Read"), at("/shop.find", "main.main")}
	some := func(id int64) (all []did) {
		for range 1 + random.IntN(most) {
			d := did{state: exectrace.State(random.IntN(len(exectrace.States()))), stack: places[random.IntN(len(places))]}
			d.long = time.Duration(random.Int64N(int64(ms) << random.IntN(4)))
			if random.IntN(8) == 0 {
				d.long = 0
			}
			if random.IntN(3) == 0 {
				// Nobody waits for one that waits for it.
				d.waker = &exectrace.Waker{ID: id + 1 + random.Int64N(int64(n)), Own: random.IntN(2) == 0, Stack: places[random.IntN(len(places))]}
			}
			all = append(all, d)
		}
		return all
	}
	x := times(1+random.IntN(3), some(7)...)
	end := x.Runs[len(x.Runs)-1].To
	for id := range int64(n - 1) {
		x.Goroutines = append(x.Goroutines, goroutine(8+id, 7, "main.work", time.Duration(random.Int64N(int64(end)+1)), some(8+id)...))
	}
	for range random.IntN(3 * most) {
		from := time.Duration(random.Int64N(int64(end) + 1))
		x.Calls = append(x.Calls, call(from, from+time.Duration(random.Int64N(int64(ms))), "mysql", "SELECT 1"))
	}
	return x
}
