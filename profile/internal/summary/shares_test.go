package summary_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
)

func sum(shares []result.Share) (total time.Duration) {
	for _, s := range shares {
		total += s.Time
	}
	return total
}

func TestTheSharesAddUpToWhatTheRunsTook(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	for range 200 {
		x := anything(random, 1+random.IntN(10), 1+random.IntN(200))
		res := filled(x)
		var took time.Duration
		for i, run := range x.Runs {
			took += run.Length()
			if res.Runs[i].Took != run.Length() {
				t.Fatalf("run %d took %v, want %v", i, res.Runs[i].Took, run.Length())
			}
		}
		if res.Took != took || sum(res.Shares) != took {
			t.Fatalf("%v, and shares of %v; want %v", res.Took, sum(res.Shares), took)
		}
		if !slices.IsSortedFunc(res.Shares, func(a, b result.Share) int { return int(b.Time - a.Time) }) {
			t.Fatalf("%+v", res.Shares)
		}
	}
}

func TestTimeOfWhichNothingIsKnownIsAShare(t *testing.T) {
	x := one(did{exectrace.Running, 3 * ms, inCode, nil})
	x.Goroutines = nil
	if got, want := filled(x).Shares, (result.Share{What: "not known", State: "other", Time: 3 * ms, Times: 1}); len(got) != 1 || got[0] != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestAShareIsWhereMostOfItWasSpent(t *testing.T) {
	x := one(
		did{exectrace.Running, 3 * ms, at("strings.Index", "/price.sum"), nil},
		did{exectrace.Running, 2 * ms, at("main.handle"), nil}, // the same time on a processor, of which samples tell more
		did{exectrace.Network, 5 * ms, inMySQL, nil},
		did{exectrace.Runnable, ms, inMySQL, nil},
		did{exectrace.Lock, 6 * ms, inLock, nil},
		did{exectrace.Running, 2 * ms, at("main.handle"), nil},
		did{exectrace.Lock, 7 * ms, at("sync.(*Mutex).Lock", "github.com/lib/pq.(*conn).lock"), nil},
	)
	x.Calls = []exectrace.Call{call(5*ms, 17*ms, "mysql", "")}
	want := []result.Share{
		{What: "waiting for mysql", Where: "cart/cart.go:10", State: "lock", Time: 11 * ms, Times: 1},
		{What: "CPU", Where: "main/main.go:10", State: "running", Time: 7 * ms, Times: 2},
		{What: "lock in pq.(*conn).lock", Where: "", State: "lock", Time: 7 * ms, Times: 1},
		{What: "waiting for a processor", Where: "cart/cart.go:13", State: "runnable", Time: ms, Times: 1},
	}
	want[0].Where = "cart/cart.go:11"
	if got := filled(x).Shares; !slices.Equal(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
}

func TestWhoWaitsForAPoolsGoroutineWaitsForWhatItIsFor(t *testing.T) {
	for fn, want := range map[string]string{
		"net/http.(*persistConn).readLoop": "waiting for an HTTP response in main.fetch",
		"main.fetch.gowrap1":               "waiting for the network in net.(*conn).Read",
	} {
		x := one(did{exectrace.Select, 5 * ms, at("runtime.selectgo", "net/http.(*persistConn).roundTrip", "main.fetch"), &exectrace.Waker{ID: 8, Own: true}},
			did{exectrace.Running, ms, inCode, nil})
		x.Goroutines = append(x.Goroutines, goroutine(8, 7, fn, 0, did{exectrace.Network, 6 * ms, at("net.(*conn).Read"), nil}))
		res := filled(x)
		if got := res.Shares[0]; got.What != want || got.Time != 5*ms {
			t.Errorf("%s: %+v, want %s", fn, got, want)
		}
		if len(res.Timeline.Rows) != 2 {
			t.Errorf("%s has no row", fn)
		}
	}
}

func TestSharesThatAreTooManyAreFolded(t *testing.T) {
	var all []did
	for i := range 5000 {
		all = append(all, did{exectrace.Sleep, ms, at("time.Sleep", fmt.Sprintf("main.f%d", i)), nil})
	}
	res := filled(one(all...))
	last := res.Shares[len(res.Shares)-1]
	if want := (result.Share{What: "4901 other things", State: "other", Time: 4901 * ms, Times: 4901}); len(res.Shares) != 100 || last != want {
		t.Errorf("%d shares, the last one %+v", len(res.Shares), last)
	}
	if sum(res.Shares) != res.Took {
		t.Errorf("%v, want %v", sum(res.Shares), res.Took)
	}
}
