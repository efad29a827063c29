package request_test

import (
	"context"
	"encoding/hex"
	"errors"
	"math/bits"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
)

func TestNoTwoIDsAreAlike(t *testing.T) {
	const goroutines, each = 8, 20_000
	ids := request.NewIDs()
	var mu sync.Mutex
	seen := make(map[string]bool, goroutines*each)
	var workers sync.WaitGroup
	for range goroutines {
		workers.Go(func() {
			var scratch request.Scratch
			own := make([]string, 0, each)
			for range each {
				own = append(own, ids.Next(&scratch))
			}
			mu.Lock()
			defer mu.Unlock()
			for _, id := range own {
				seen[id] = true
			}
		})
	}
	workers.Wait()
	if len(seen) != goroutines*each {
		t.Errorf("%d IDs of %d are different", len(seen), goroutines*each)
	}
}

func TestAnIDTellsNothingOfTheNext(t *testing.T) {
	const n = 2000
	ids := request.NewIDs()
	differ, ascents, last := 0, 0, make([]byte, 16)
	for range n {
		id := ids.Next(new(request.Scratch))
		raw, err := hex.DecodeString(id)
		if err != nil || len(raw) != 16 {
			t.Fatalf("%q is not 32 hexadecimal digits", id)
		}
		for i := range raw {
			differ += bits.OnesCount8(raw[i] ^ last[i])
		}
		if string(raw) > string(last) {
			ascents++
		}
		last = raw
	}
	if mean := float64(differ) / n; mean < 60 || mean > 68 {
		t.Errorf("neighbours differ in %.1f bits, want about 64 of 128", mean)
	}
	if ascents < n*2/5 || ascents > n*3/5 {
		t.Errorf("%d of %d are greater than the one before, want about half", ascents, n)
	}
}

func TestTwoProcessesMakeOtherIDs(t *testing.T) {
	var scratch request.Scratch
	if a, b := request.NewIDs().Next(&scratch), request.NewIDs().Next(&scratch); a == b {
		t.Errorf("both begin with %s", a)
	}
}

func TestAnIDCostsOneAllocation(t *testing.T) {
	ids, scratch := request.NewIDs(), new(request.Scratch)
	if n := testing.AllocsPerRun(100, func() { ids.Next(scratch) }); n != 1 {
		t.Errorf("%v allocations, want 1, the string", n)
	}
}

type valueKey struct{}

func TestARecordIsTheContextOfItsRequest(t *testing.T) {
	gaveUp := errors.New("gave up")
	outer, cancel := context.WithCancelCause(context.WithValue(t.Context(), valueKey{}, "outer"))
	rec := &request.Record{Context: outer, ID: "1"}

	inner, cancelInner := context.WithTimeout(context.WithValue(rec, valueKey{}, "inner"), time.Hour)
	defer cancelInner()
	if request.From(rec) != rec || request.From(inner) != rec {
		t.Error("the record is not found through its contexts")
	}
	if request.From(outer) != nil || request.From(context.Background()) != nil {
		t.Error("a record is found where there is none")
	}
	if rec.Value(valueKey{}) != "outer" || inner.Value(valueKey{}) != "inner" {
		t.Error("values are lost")
	}
	cancel(gaveUp)
	<-inner.Done()
	if rec.Err() != context.Canceled || context.Cause(inner) != gaveUp {
		t.Errorf("%v, %v", rec.Err(), context.Cause(inner))
	}
}

func TestTheInnermostRecordIsFound(t *testing.T) {
	outer := &request.Record{Context: t.Context()}
	inner := &request.Record{Context: outer, Outer: outer}
	if request.From(inner) != inner || request.From(outer) != outer {
		t.Error("the wrong record is found")
	}
}

type watcher struct {
	at     []time.Duration
	lifted int
}

func (w *watcher) DeadlineSet(at time.Duration) { w.at = append(w.at, at) }
func (w *watcher) Lifted()                      { w.lifted++ }

func TestAllRecordsAroundAreTold(t *testing.T) {
	var none *request.Record
	none.SetDeadline(time.Second)
	none.Settle(request.Cut)

	first, second := new(watcher), new(watcher)
	outer := &request.Record{Watcher: first}
	middle := &request.Record{Outer: outer}
	inner := &request.Record{Watcher: second, Outer: middle}
	inner.SetDeadline(time.Second)
	outer.SetDeadline(time.Minute)
	if len(first.at) != 2 || first.at[0] != time.Second || len(second.at) != 1 {
		t.Errorf("told %v and %v", first.at, second.at)
	}
	for _, fate := range []request.Fate{request.Refused, request.Cut, request.Left} {
		inner.Settle(fate)
		for _, rec := range []*request.Record{inner, middle, outer} {
			if rec.Fate() != fate {
				t.Errorf("fate %v, want %v", rec.Fate(), fate)
			}
		}
	}
	if new(request.Record).Fate() != request.Own {
		t.Error("at first a response is not the handler's own")
	}
}

func TestAGuardKnowsItsOwnRequests(t *testing.T) {
	var none *request.Record
	first, second, third := new(int), new(int), new(int)
	outer := &request.Record{Guard: first}
	inner := &request.Record{Guard: second, Outer: &request.Record{Outer: outer}}
	for guard, want := range map[*int][2]bool{first: {true, true}, second: {false, true}, third: {false, false}} {
		if got := [2]bool{outer.MadeBy(guard), inner.MadeBy(guard)}; got != want {
			t.Errorf("made by it: %v, want %v", got, want)
		}
		if none.MadeBy(guard) {
			t.Error("no record was made by a guard")
		}
	}
}

func TestServeHandsBackWhatAHandlerLeftThatPanics(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	func() {
		defer func() { recover() }()
		request.Serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			r.Pattern, r.MultipartForm = "/", &multipart.Form{}
			panic("no more")
		}), nil, r, context.WithValue(r.Context(), valueKey{}, "inside"))
	}()
	if r.Pattern != "/" || r.MultipartForm == nil {
		t.Errorf("the pattern %q or the form was not handed back", r.Pattern)
	}
}

func TestServeCopiesTheRequestOnlyForAnotherContext(t *testing.T) {
	var seen *http.Request
	mux := http.NewServeMux()
	mux.HandleFunc("GET /repo/{name}", func(_ http.ResponseWriter, r *http.Request) {
		seen = r
		r.MultipartForm = &multipart.Form{}
	})
	r := httptest.NewRequest("GET", "/repo/x", nil)
	ctx := context.WithValue(r.Context(), valueKey{}, "inside")
	request.Serve(mux, nil, r, ctx)
	if seen == r || seen.Context() != ctx {
		t.Error("the handler has not got the other context")
	}
	if r.Pattern != "GET /repo/{name}" || r.MultipartForm == nil || r.MultipartForm != seen.MultipartForm {
		t.Errorf("the pattern %q or the form was not handed back", r.Pattern)
	}
	request.Serve(mux, nil, r, r.Context())
	if seen != r {
		t.Error("the request was copied for nothing")
	}
}

func TestInsideIsTheGuardItselfOrGivesAHandlerTheRecord(t *testing.T) {
	guard := guard{}
	if request.Inside(guard) != request.Inner(guard) {
		t.Error("a guard is not passed its requests directly")
	}
	var seen *http.Request
	mux := http.NewServeMux()
	mux.HandleFunc("GET /repo/{name}", func(_ http.ResponseWriter, r *http.Request) {
		seen = r
		r.MultipartForm = &multipart.Form{}
		panic("no more")
	})
	r := httptest.NewRequest("GET", "/repo/x", nil)
	rec := &request.Record{Context: r.Context()}
	func() {
		defer func() { recover() }()
		request.Inside(mux).ServeRecord(nil, r, rec)
	}()
	if seen == nil || seen == r || seen.Context() != context.Context(rec) {
		t.Error("the handler has not got the record")
	}
	if r.Pattern != "GET /repo/{name}" || r.MultipartForm == nil {
		t.Errorf("the pattern %q or the form was not handed back after a panic", r.Pattern)
	}
}

type guard struct{}

func (guard) ServeHTTP(http.ResponseWriter, *http.Request)                    {}
func (guard) ServeRecord(http.ResponseWriter, *http.Request, *request.Record) {}

func TestWhatIsDerivedFromARecordCostsNoGoroutineWhereTheContextInsideSparesIt(t *testing.T) {
	box := &deadline.Context{Parent: t.Context(), Until: deadline.Never}
	rec := &request.Record{Context: box}
	before := runtime.NumGoroutine()
	var all []context.Context
	for range 100 {
		ctx, cancel := context.WithCancel(rec)
		defer cancel()
		all = append(all, ctx)
	}
	if more := runtime.NumGoroutine() - before; more >= 100 {
		t.Errorf("%d goroutines for 100 contexts", more)
	}
	stopped := context.AfterFunc(rec, func() { t.Error("what was stopped was called") })
	if !stopped() {
		t.Error("it was not stopped in time")
	}
	late := errors.New("too late")
	box.Exceed(late)
	for _, ctx := range all {
		<-ctx.Done()
		if ctx.Err() != context.DeadlineExceeded || context.Cause(ctx) != late {
			t.Fatalf("ended with %v because of %v", ctx.Err(), context.Cause(ctx))
		}
	}
}

func TestOutsideIsTheRecordThatAGuardWasGivenOrWhatTheContextKnows(t *testing.T) {
	inside, given := &request.Record{Context: t.Context()}, &request.Record{Context: t.Context()}
	bare := httptest.NewRequest("GET", "/", nil)
	for name, c := range map[string]struct {
		r    *http.Request
		rec  *request.Record
		want *request.Record
		ctx  context.Context
	}{
		"no guard around":        {bare, nil, nil, bare.Context()},
		"a guard further out":    {bare.WithContext(inside), nil, inside, inside},
		"a guard directly there": {bare.WithContext(inside), given, given, given},
	} {
		if ctx, rec := request.Outside(c.r, c.rec); ctx != c.ctx || rec != c.want {
			t.Errorf("%s: %v and %p, want %v and %p", name, ctx, rec, c.ctx, c.want)
		}
	}
}
