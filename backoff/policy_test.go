package backoff_test

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/breaker"
)

func TestAZeroPolicyLeavesAnswersAlone(t *testing.T) {
	for _, status := range []int{200, 204, 301, 404, 429, 500, 503} {
		w := visit(backoff.Wrap(answer(status, "as it was", "Etag", "1")), get())
		if w.Code != status || w.Body.String() != "as it was" || len(w.Header()) != 1 {
			t.Errorf("%d: %d %v %q", status, w.Code, w.Header(), w.Body)
		}
	}
}

func TestAFaultOfAPolicyIsNamed(t *testing.T) {
	for want, p := range map[string]*backoff.Policy{
		"backoff: Policy.MaxInFlight is -1; it must be positive, or zero for any number":                                                    {MaxInFlight: -1},
		"backoff: Policy.Wait is -1s; it must be positive, or zero for not at all":                                                          {MaxInFlight: 1, Wait: -time.Second},
		"backoff: Policy.Wait is 1s, but MaxInFlight is 0: there is nothing to wait for":                                                    {Wait: time.Second},
		"backoff: Policy.MaxWaiting is -1; it must be positive, or zero for MaxInFlight":                                                    {MaxWaiting: -1},
		"backoff: Policy.MaxWaiting is 1, but Wait is 0: nobody waits":                                                                      {MaxInFlight: 1, MaxWaiting: 1},
		"backoff: Policy.SoftShare is 1.5; it must be from 0 to 1, zero for all":                                                            {SoftShare: 1.5},
		"backoff: Policy.SoftShare is NaN; it must be from 0 to 1, zero for all":                                                            {SoftShare: math.NaN()},
		"backoff: Policy.Backends[1] is nil":                                                                                                {Backends: []backoff.Backend{halfOpen(true), nil}},
		"backoff: Policy.Backends[0] is nil":                                                                                                {Backends: []backoff.Backend{(*breaker.Breaker)(nil)}},
		"backoff: Policy.Header[0] is \"X-Bac\u212aoff\"; it must be the name of a header, such as X-Backoff":                               {Header: []string{"X-Bac\u212aoff"}},
		`backoff: Policy.Header[0] is "content-length", which says how the answer is sent; it must be a name of its own, such as X-Backoff`: {Header: []string{"content-length"}},
		`backoff: Policy.Header[0] is "Connection", which says how the answer is sent; it must be a name of its own, such as X-Backoff`:     {Header: []string{"Connection"}},
		"backoff: Policy.Header is empty; it must name a header, or be nil for X-Backoff":                                                   {Header: []string{}},
		`backoff: Policy.Header[1] is "X:"; it must be the name of a header, such as X-Backoff`:                                             {Header: []string{"Backoff", "X:"}},
		`backoff: Policy.Header[0] is ""; it must be the name of a header, such as X-Backoff`:                                               {Header: []string{""}},
		"backoff: Policy.Header[0] is \"a\\nb\"; it must be the name of a header, such as X-Backoff":                                        {Header: []string{"a\nb"}},
	} {
		err := p.Validate()
		if err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
			continue
		}
		if got := recovered(func() { p.Wrap(answer(200, "")) }); got == nil || got.(error).Error() != want {
			t.Errorf("Wrap panics with %v, want %s", got, want)
		}
	}
	both := (&backoff.Policy{MaxInFlight: -1, SoftShare: -1}).Validate()
	if both == nil || strings.Count(both.Error(), "backoff: ") != 2 {
		t.Errorf("%v, want both faults", both)
	}
	for _, p := range []*backoff.Policy{
		{}, {RetryAfter: -1}, {MaxInFlight: 1, Wait: 1, MaxWaiting: 1, SoftShare: 1, Header: []string{"Backoff", "x-weave-backoff"}},
	} {
		if err := p.Validate(); err != nil {
			t.Error(err)
		}
	}
	if got := recovered(func() { backoff.Wrap(nil) }); got != "backoff: Policy.Wrap of a nil http.Handler" {
		t.Errorf("Wrap(nil) panics with %v", got)
	}
}

func TestSkipLetsARequestThroughWhateverHappens(t *testing.T) {
	p := &backoff.Policy{MaxInFlight: 1, Skip: func(r *http.Request) bool { return r.URL.Path == "/health" }}
	p.Down("for good", 0)
	h := p.Wrap(answer(200, "alive"))
	r := get()
	is(t, "another page", visit(h, r).Code, 503)
	r.URL.Path = "/health"
	is(t, "the health check", visit(h, r).Code, 200)
	is(t, "counted", p.Stats(), backoff.Stats{Requests: 1, Down: 1})
}

func TestAPolicyInsideItselfCountsARequestOnce(t *testing.T) {
	p, other := &backoff.Policy{MaxInFlight: 1}, &backoff.Policy{MaxInFlight: 1}
	inside := p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		is(t, "in flight", p.Stats().InFlight, 1)
		is(t, "in flight of the other", other.Stats().InFlight, 1)
		w.WriteHeader(201)
	}))
	for range 3 {
		is(t, "status", visit(p.Wrap(other.Wrap(p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			inside.ServeHTTP(w, r)
		})))), get()).Code, 201)
	}
	is(t, "stats", p.Stats(), backoff.Stats{Requests: 3})
	is(t, "stats of the other", other.Stats(), backoff.Stats{Requests: 3})
}

func TestTheHandlerInsideIsFound(t *testing.T) {
	mux := http.NewServeMux()
	if got := backoff.Wrap(mux).(interface{ Unwrap() http.Handler }).Unwrap(); got != http.Handler(mux) {
		t.Errorf("unwraps to %T", got)
	}
}

func TestAServedRequestCostsAtMostTwoAllocations(t *testing.T) {
	r := get()
	for name, p := range map[string]*backoff.Policy{"a zero policy": {}, "a limit": {MaxInFlight: 5, Wait: time.Second}} {
		h := p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(200) }))
		w := discard{http.Header{}}
		if n := testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }); n > 2 {
			t.Errorf("%s: %v allocations, want 2 at most", name, n)
		}
	}
}
