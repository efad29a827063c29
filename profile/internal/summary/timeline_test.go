package summary_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// inOrder says what is wrong with the bars of a row for the given parts of a goroutine; nothing if they
// cover those and nothing else.
func inOrder(bars []result.Bar, parts []*exectrace.Goroutine) string {
	for _, g := range parts {
		for at := g.From; at < g.To; bars = bars[1:] {
			if len(bars) == 0 {
				return fmt.Sprintf("nothing from %v, before the end at %v", at, g.To)
			}
			if b := bars[0]; b.From != at || b.To <= b.From || b.To > g.To {
				return fmt.Sprintf("%+v from %v to %v at the most", b, at, g.To)
			}
			at = bars[0].To
		}
	}
	if len(bars) > 0 {
		return fmt.Sprintf("%+v, after the end", bars)
	}
	return ""
}

// partsOf are what a goroutine did in each run.
func partsOf(x *exectrace.Execution, id int64) (parts []*exectrace.Goroutine) {
	for _, g := range x.Goroutines {
		if g.ID == id {
			parts = append(parts, g)
		}
	}
	return parts
}

func TestTheBarsOfARowFollowEachOtherAndLeaveNothingOut(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 60 {
		x := anything(random, 1+random.IntN(40), 1+random.IntN(40<<(i%8)))
		res := filled(x)
		for _, row := range res.Timeline.Rows {
			if wrong := inOrder(row.Bars, partsOf(x, row.ID)); wrong != "" {
				t.Fatalf("goroutine %d: %s", row.ID, wrong)
			}
			if most := 1000 + len(partsOf(x, row.ID)); len(row.Bars) > most {
				t.Fatalf("%d bars", len(row.Bars))
			}
		}
	}
}

func TestAStateHasAsMuchOfTheRowAsOfTheTime(t *testing.T) {
	var all []did
	for range 10_000 {
		all = append(all, did{exectrace.Running, 60 * time.Microsecond, inCode, nil}, did{exectrace.Network, 30 * time.Microsecond, inMySQL, nil}, did{exectrace.Lock, 10 * time.Microsecond, inLock, nil})
	}
	got := map[string]time.Duration{}
	res := filled(one(all...))
	for _, b := range res.Timeline.Rows[0].Bars {
		got[b.State] += b.To - b.From
	}
	for state, want := range map[string]time.Duration{"running": 600 * ms, "network": 300 * ms, "lock": 100 * ms} {
		if (got[state] - want).Abs() > ms {
			t.Errorf("%s has %v, want %v", state, got[state], want)
		}
	}
}

func TestNoStateThatTookAThousandthOfTheTimeIsLost(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	rare := []exectrace.State{exectrace.Network, exectrace.Lock, exectrace.Sleep}
	for _, goroutines := range []int{1, 20, 200} { // a row of the last ones has 25 cells
		x := new(exectrace.Execution)
		for id := range int64(goroutines) {
			var all []did
			for range 1000 {
				all = append(all, did{exectrace.Running, 500 * time.Microsecond, inCode, nil}, did{exectrace.Runnable, 500 * time.Microsecond, nil, nil})
			}
			// A thousandth of the time, in one go or in crumbs, each state in a third of its own.
			for i, s := range rare {
				pieces := 1 + random.IntN(50)
				for range pieces {
					at := i*600 + random.IntN(600)
					all = append(all[:at:at], append([]did{{s, 1010*time.Microsecond/time.Duration(pieces) + 1, nil, nil}}, all[at:]...)...)
				}
			}
			g := goroutine(7+id, 0, "main.work", 0, all...)
			x.Goroutines = append(x.Goroutines, g)
		}
		x.Runs = []exectrace.Run{{Span: x.Goroutines[0].Span, Goroutine: 7}}
		for _, row := range filled(x).Timeline.Rows {
			for _, s := range rare {
				if !slices.ContainsFunc(row.Bars, func(b result.Bar) bool { return b.State == s.String() }) {
					t.Errorf("of %d goroutines, %d: no %s", goroutines, row.ID, s)
				}
			}
		}
	}
}

func TestNoStateIsShownInPlaceOfTheOnlySightOfAnother(t *testing.T) {
	// In 1000 cells of 10 µs, one is for the lock; within it is something that has no other place.
	var all []did
	for range 1000 {
		all = append(all, did{exectrace.Running, 5 * time.Microsecond, inCode, nil}, did{exectrace.Running, 5 * time.Microsecond, inCode, nil})
	}
	all[100] = did{exectrace.Lock, 5 * time.Microsecond, inLock, nil}
	all[101] = did{exectrace.Assist, 5 * time.Microsecond, inCode, nil}
	for _, b := range filled(one(all...)).Timeline.Rows[0].Bars {
		if b.State == "lock" || b.State == "assist" {
			return
		}
	}
	t.Error("both are lost")
}

func TestARowSaysWhatItsGoroutineDid(t *testing.T) {
	x := slow()
	x.Goroutines = append(x.Goroutines,
		goroutine(8, 7, "github.com/acme/shop/cart.(*Store).audit.func1", 10*ms, did{exectrace.Sleep, 5 * ms, nil, &exectrace.Waker{ID: 7, Own: true, Stack: at("main.handle")}}),
		goroutine(9, 7, "net/http.(*persistConn).readLoop", 10*ms, did{exectrace.Network, 5 * ms, nil, &exectrace.Waker{ID: 3}}))
	rows := filled(x).Timeline.Rows
	names := []string{"http.(*conn).serve", "cart.(*Store).audit.func1", "net/http client connection"}
	for i, want := range names {
		if rows[i].Name != want {
			t.Errorf("row %d is %s, want %s", i, rows[i].Name, want)
		}
	}
	if got, want := rows[0].Bars[2], (result.Bar{From: 267 * ms, To: 354 * ms, State: "lock", What: "lock in cart.(*Store).Save", Waker: "cart.(*Store).Load, goroutine 99, not of this request"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got, want := rows[0].Calls[0], (result.CallBar{From: 20 * ms, To: 267 * ms, Backend: "mysql", What: "SELECT * FROM book WHERE id = ?"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := rows[1].Bars[0].Waker; got != "main.handle, goroutine 7" {
		t.Errorf("woken by %s", got)
	}
	if got := rows[2].Bars[0].Waker; got != "goroutine 3, not of this request" {
		t.Errorf("woken by %s", got)
	}
}

func TestRunsOfOneGoroutineShareARow(t *testing.T) {
	x := times(3, did{exectrace.Running, ms, inCode, nil})
	rows := filled(x).Timeline.Rows
	if len(rows) != 1 || len(rows[0].Bars) != 3 {
		t.Fatalf("%+v", rows)
	}
	if wrong := inOrder(rows[0].Bars, x.Goroutines); wrong != "" {
		t.Error(wrong)
	}
}

func TestOfTooManyGoroutinesThoseThatMatterHaveRows(t *testing.T) {
	waker := &exectrace.Waker{ID: 900, Own: true}
	x := one(did{exectrace.Channel, 50 * ms, at("runtime.chanrecv1", "main.handle"), waker}, did{exectrace.Running, ms, inCode, nil})
	for id := int64(100); id < 1000; id++ {
		did := did{exectrace.Sleep, 51 * ms, nil, nil}
		if id == 700 {
			did.state = exectrace.Running
		}
		x.Goroutines = append(x.Goroutines, goroutine(id, 7, "main.work", 0, did))
	}
	tl := filled(x).Timeline
	if len(tl.Rows) != 200 || tl.More != 701 {
		t.Fatalf("%d rows, %d more", len(tl.Rows), tl.More)
	}
	for i, want := range []int64{7, 900, 700} {
		if tl.Rows[i].ID != want {
			t.Errorf("row %d is goroutine %d, want %d", i, tl.Rows[i].ID, want)
		}
	}
}

func TestCallsThatCannotBeToldApartAreOneBar(t *testing.T) {
	x := one(did{exectrace.Running, time.Second, inCode, nil})
	for i := range time.Duration(10_000) {
		from := i * 100 * time.Microsecond
		x.Calls = append(x.Calls, call(from, from+90*time.Microsecond, "redis", "GET ?"))
	}
	x.Calls[5].Backend, x.Calls[5].To = "mysql", x.Calls[5].To+time.Microsecond
	calls := filled(x).Timeline.Rows[0].Calls
	if len(calls) != 1000 {
		t.Fatalf("%d bars", len(calls))
	}
	if got, want := calls[0], (result.CallBar{From: 0, To: 990 * time.Microsecond, Backend: "mysql", What: "GET ? (and 9 more)"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// huge is an execution of n goroutines with as many intervals each, which they share.
func huge(n, intervals int, places []*exectrace.Stack) *exectrace.Execution {
	var all []did
	for i := range intervals {
		all = append(all, did{exectrace.State(i % 11), time.Duration(500 + i%1000), places[i%len(places)], &exectrace.Waker{ID: int64(i), Stack: places[i%7%len(places)]}})
	}
	x := one(all...)
	for id := range int64(n - 1) {
		g := *x.Goroutines[0]
		g.ID, g.Parent, g.Func = 8+id, 7, "main.work"
		x.Goroutines = append(x.Goroutines, &g)
	}
	for i := range time.Duration(intervals) {
		x.Calls = append(x.Calls, call(i*500, i*500+400, "mysql", fmt.Sprintf("SELECT %d FROM book WHERE id = ?", i)))
		x.Calls[i].Goroutine = 7 + int64(i)%int64(n)
		x.Pauses = append(x.Pauses, exectrace.Pause{Span: exectrace.Span{From: i, To: i + i%77}, What: "stop-the-world (GC mark termination)"})
	}
	return x
}

func TestAHugeExecutionIsASmallResultInNoTime(t *testing.T) {
	var hostile []*exectrace.Stack
	for i := range 100 {
		hostile = append(hostile, at(strings.Repeat("<&\u202e世", 200)+fmt.Sprint(i)))
	}
	intervals := 100_000
	if raced {
		intervals = 5000
	}
	for name, places := range map[string][]*exectrace.Stack{
		"usual names":   {inCode, inMySQL, inLock, at("runtime.selectgo", "net/http.(*persistConn).roundTrip", "/price.(*Client).fetch")},
		"hostile names": hostile,
	} {
		t.Run(name, func(t *testing.T) {
			x := huge(500, intervals, places)
			began := time.Now()
			res := filled(x)
			took := time.Since(began)
			data, err := json.Marshal(res)
			if err != nil || len(data) > 1<<20 {
				t.Errorf("%d bytes, %v", len(data), err)
			}
			bars := 0
			for _, row := range res.Timeline.Rows {
				bars += len(row.Bars)
				if wrong := inOrder(row.Bars, partsOf(x, row.ID)); wrong != "" {
					t.Fatalf("goroutine %d: %s", row.ID, wrong)
				}
			}
			if !raced && took > 5*time.Second { // a third of a second, on a machine with nothing else to do
				t.Errorf("it took %v", took)
			}
			t.Logf("%v, %d bytes, %d bars", took, len(data), bars)
		})
	}
}

func BenchmarkFill(b *testing.B) {
	places := []*exectrace.Stack{inCode, inMySQL, inLock}
	for _, size := range []struct{ goroutines, intervals int }{{1, 100}, {10, 1000}, {500, 100_000}} {
		x := huge(size.goroutines, size.intervals, places)
		b.Run(fmt.Sprintf("goroutines=%d/intervals=%d", size.goroutines, size.intervals), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				filled(x)
			}
		})
	}
}

func TestAGoroutineTooShortToBeSeenHasNoRow(t *testing.T) {
	x := one(did{exectrace.Sleep, 100 * ms, inCode, nil})
	x.Goroutines = append(x.Goroutines,
		goroutine(8, 7, "main.blink", 50*ms, did{exectrace.Running, ms / 20, inCode, nil}),
		goroutine(9, 7, "main.work", 50*ms, did{exectrace.Running, ms, inCode, nil}))
	if tl := filled(x).Timeline; len(tl.Rows) != 2 || tl.Rows[1].ID != 9 || tl.More != 1 {
		t.Errorf("%+v", tl)
	}
}
