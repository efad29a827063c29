package breaker_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

var seed = flag.Uint64("seed", 0, "of the random tests; 0 draws one")

// random is a source that a failed test can be run again with.
func random(t *testing.T) *rand.Rand {
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("-seed %d", *seed)
	return rand.New(rand.NewPCG(*seed, 0))
}

// What a call of the storm says of the backend, unless it takes all of Timeout.
type says int

const (
	good says = iota
	bad
	nothing
)

// storms are the kinds of calls, each as often as it is named here.
var storms = []struct {
	often int
	says  says
	f     func(ctx context.Context, leave context.CancelFunc) error
}{
	{40, good, func(context.Context, context.CancelFunc) error { return nil }},
	{15, bad, func(context.Context, context.CancelFunc) error { return errDown }},
	{10, bad, func(context.Context, context.CancelFunc) error { panic("at the disco") }},
	{5, bad, func(ctx context.Context, _ context.CancelFunc) error { return hangs(ctx) }},
	{5, good, func(context.Context, context.CancelFunc) error { time.Sleep(8 * ms); return nil }}, // past its Timeout
	{10, nothing, func(context.Context, context.CancelFunc) error { runtime.Goexit(); return nil }},
	{5, nothing, func(context.Context, context.CancelFunc) error { panic(http.ErrAbortHandler) }},
	{5, nothing, func(ctx context.Context, leave context.CancelFunc) error { leave(); return ctx.Err() }},
	{5, nothing, func(ctx context.Context, leave context.CancelFunc) error {
		time.AfterFunc(ms, leave)
		<-ctx.Done()
		return context.Canceled
	}},
}

func drawStorm(r *rand.Rand) int {
	n := r.IntN(100)
	for kind, storm := range storms {
		if n -= storm.often; n < 0 {
			return kind
		}
	}
	panic("the storms are more than 100 of 100")
}

func TestAStormLosesNothing(t *testing.T) {
	const goroutines, each = 8, 1250
	source := random(t)
	var d diary
	b := &breaker.Breaker{Name: "mysql", Timeout: 5 * ms, TripRate: 0.7, OpenFor: ms, OpenMax: 4 * ms, Probes: 2, OnChange: d.note}

	var ran [3]atomic.Uint64 // by what they say
	var refused atomic.Uint64
	one := func(kind int) {
		defer func() {
			if v := recover(); v != nil && v != http.ErrAbortHandler && v != "at the disco" {
				panic(v)
			}
		}()
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		err := b.Do(ctx, func(ctx context.Context) error {
			ran[storms[kind].says].Add(1)
			return storms[kind].f(ctx, leave)
		})
		if errors.Is(err, breaker.ErrOpen) {
			refused.Add(1)
			time.Sleep(100 * time.Microsecond)
		}
	}
	var workers sync.WaitGroup
	for range goroutines {
		r := rand.New(rand.NewPCG(source.Uint64(), 0))
		workers.Go(func() {
			for range each {
				switch r.IntN(200) {
				case 0:
					b.Open(upTo(r, 3*ms) + 1)
				case 1:
					b.Close()
				}
				var call sync.WaitGroup // a goroutine of its own, for Goexit to end
				call.Go(func() { one(drawStorm(r)) })
				call.Wait()
			}
		})
	}
	workers.Wait()
	eventually(t, "a timer's goroutine", func() bool { return b.Stats().Overdue == 0 })

	st := b.Stats()
	nGood, nBad, nNothing := ran[good].Load(), ran[bad].Load(), ran[nothing].Load()
	t.Logf("%d good, %d bad, %d that say nothing, %d refused: %+v", nGood, nBad, nNothing, refused.Load(), st)
	if st.Calls != nGood+nBad+nNothing || st.Refused != refused.Load() || st.Calls+st.Refused != goroutines*each {
		t.Errorf("%d calls and %d refused of %d", st.Calls, st.Refused, goroutines*each)
	}
	if st.Calls != st.Succeeded+st.Failed+st.Uncounted || st.InProgress != 0 || st.Overdue != 0 {
		t.Errorf("they do not add up: %+v", st)
	}
	// Those that took too long have failed, whatever they say.
	late := nGood - st.Succeeded + nNothing - st.Uncounted
	if st.Succeeded > nGood || st.Uncounted > nNothing || st.Failed != nBad+late || st.TimedOut < late {
		t.Errorf("%d were late, of %d that timed out: %+v", late, st.TimedOut, st)
	}
	if nGood < 100 || nBad < 100 || nNothing < 100 || st.Trips == 0 {
		t.Errorf("this was no storm: %d, %d, %d", nGood, nBad, nNothing)
	}

	eventually(t, "a recovery: a place is lost", func() bool {
		time.Sleep(b.RetryAfter())
		b.Do(t.Context(), succeeds) // may take too long on a busy machine
		b.Do(t.Context(), succeeds)
		return b.State() == breaker.Closed
	})
	eventually(t, "the last change", func() bool {
		all := d.all()
		return all[len(all)-1].To == breaker.Closed
	})
	wantLegal(t, d.all(), b.Stats().Trips)
}

// legal are the changes there are.
var legal = map[string]bool{
	"closed to open: failures":             true,
	"closed to open: slow calls":           true,
	"closed to open: by hand":              true,
	"open to open: by hand":                true,
	"open to closed: by hand":              true,
	"open to half-open: ":                  true,
	"half-open to open: probe failed":      true,
	"half-open to open: probe slow":        true,
	"half-open to open: by hand":           true,
	"half-open to closed: probe succeeded": true,
	"half-open to closed: by hand":         true,
}

func wantLegal(t *testing.T, changes []breaker.Change, trips uint64) {
	t.Helper()
	state, opened := breaker.Closed, uint64(0)
	for i, c := range changes {
		if c.From != state {
			t.Fatalf("change %d of %d is from %v, but it was %v: %+v", i, len(changes), c.From, state, c)
		}
		if words := fmt.Sprintf("%v to %v: %s", c.From, c.To, c.Reason); !legal[words] {
			t.Errorf("change %d: %s", i, words)
		}
		if i > 0 && c.At.Before(changes[i-1].At) {
			t.Errorf("change %d was before the one before", i)
		}
		if state = c.To; state == breaker.Open {
			opened++
		}
	}
	if opened != trips {
		t.Errorf("it opened %d times; told of %d", trips, opened)
	}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(ms) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}
