package backoff_test

import (
	"math"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/backoff"
)

func TestDownAnswersAllUntilItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &backoff.Policy{Header: []string{"X-Backoff", "X-Weave-Backoff"}}
		h := p.Wrap(answer(200, "up"))
		p.Down("we are moving the database", time.Hour)
		time.Sleep(20*time.Minute + time.Millisecond)
		w := visit(h, get())
		is(t, "status", w.Code, 503)
		for _, name := range []string{"Retry-After", "X-Backoff", "X-Weave-Backoff"} { // as Sync does
			fuzzed(t, w.Header(), name, 2400)
			is(t, name, w.Header().Get(name), w.Header().Get("Retry-After"))
		}
		want := "503 Service Unavailable: we are moving the database. Please try again in " + w.Header().Get("Retry-After") + " s.\n"
		is(t, "body", w.Body.String(), want)
		reason, left, ok := p.Outage()
		if reason != "we are moving the database" || left != 40*time.Minute-time.Millisecond || !ok {
			t.Errorf("%q %v %v", reason, left, ok)
		}
		time.Sleep(left - time.Nanosecond)
		fuzzed(t, visit(h, get()).Header(), "Retry-After", 1)
		time.Sleep(time.Nanosecond)
		is(t, "status afterwards", visit(h, get()).Code, 200)
		if _, _, ok := p.Outage(); ok {
			t.Error("the outage is not over")
		}
		is(t, "stats", p.Stats(), backoff.Stats{Requests: 3, Down: 2})
	})
}

func TestDownWithoutATimeLastsUntilUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &backoff.Policy{RetryAfter: 40 * time.Second}
		h := p.Wrap(answer(200, "up"))
		p.Up() // which does nothing
		p.Down("", 0)
		time.Sleep(1000 * time.Hour)
		w := visit(h, get())
		fuzzed(t, w.Header(), "Retry-After", 40)
		if body := w.Body.String(); !strings.HasPrefix(body, "503 Service Unavailable. Please try again in 4") {
			t.Errorf("%q", body)
		}
		if _, left, ok := p.Outage(); left != 0 || !ok {
			t.Errorf("%v %v", left, ok)
		}
		p.Up()
		is(t, "status", visit(h, get()).Code, 200)
		p.Down("no more", -1)
		is(t, "status", visit(h, get()).Code, 200)
	})
}

func TestDownMayLastForAges(t *testing.T) {
	for name, test := range map[string]func(*testing.T, func(*testing.T)){
		"in real time": func(t *testing.T, f func(*testing.T)) { f(t) },
		"in a bubble":  synctest.Test, // where the clock is negative
	} {
		test(t, func(t *testing.T) {
			for _, d := range []time.Duration{math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64 / 2} {
				p := new(backoff.Policy)
				p.Down("for ages", d)
				w := visit(p.Wrap(answer(200, "")), get())
				is(t, name, w.Code, 503)
				is(t, name, w.Header().Get("Retry-After") != "", true)
			}
		})
	}
}

func TestRequestsInProgressGoOnWhenDownIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &backoff.Policy{MaxInFlight: 1, Wait: time.Hour}
		h := p.Wrap(takes(time.Minute))
		inProgress, inLine := make(chan int, 1), make(chan int, 1)
		go func() { inProgress <- visit(h, get()).Code }()
		synctest.Wait()
		go func() { inLine <- visit(h, get()).Code }()
		synctest.Wait()
		start := time.Now()
		p.Down("maintenance", 0)
		is(t, "the one in line", <-inLine, 503)
		is(t, "who was told after", time.Since(start), 0)
		is(t, "the one in progress", <-inProgress, 200)
		synctest.Wait()
		is(t, "stats", p.Stats(), backoff.Stats{Requests: 2, Down: 1})
	})
}

// However Down and the getting in line fall together, nobody waits.
func TestDownMissesNobodyWhoGetsInLine(t *testing.T) {
	p := &backoff.Policy{MaxInFlight: 1, Wait: time.Hour}
	end := make(chan struct{})
	h := p.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-end }))
	go visit(h, get())
	eventually(t, "one is in progress", func() bool { return p.Stats().InFlight == 1 })
	const times = 30_000
	answered := make(chan int, 1)
	var turn atomic.Int64
	go func() {
		for i := range int64(times) {
			for turn.Load() <= i { // to be quick when it comes
				runtime.Gosched()
			}
			answered <- visit(h, get()).Code
		}
	}()
	for i := range times {
		turn.Add(1)
		for range i % 500 { // it gets in line meanwhile, or does not yet
			p.Stats()
		}
		p.Down("", 0)
		select {
		case code := <-answered:
			is(t, "status", code, 503)
		case <-time.After(patience):
			t.Fatal("one waits on")
		}
		p.Up()
	}
	close(end)
}

func TestALongReasonCostsLittle(t *testing.T) {
	reason := strings.Repeat("\xff\u202e", 1<<20)
	p := new(backoff.Policy)
	if n := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.Down(reason, 0)
		}
	}).AllocedBytesPerOp(); n > 10_000 {
		t.Errorf("%d bytes are allocated for a reason of %d", n, len(reason))
	}
}

func TestAReasonIsShortAndOnOneLine(t *testing.T) {
	for reason, want := range map[string]string{
		"":                                   "503 Service Unavailable.",
		"moving":                             "503 Service Unavailable: moving.",
		" a\r\nSet-Cookie: b\u2028c":         "503 Service Unavailable: a  Set-Cookie: b c.",
		"a\x00\x1b[31m\xff\u202eb":           "503 Service Unavailable: a  [31m\ufffd b.",
		strings.Repeat("ü", 1000):            "503 Service Unavailable: " + strings.Repeat("ü", 100) + "…",
		strings.Repeat("€", 1000):            "503 Service Unavailable: " + strings.Repeat("€", 66) + "…",
		strings.Repeat(" ", 1000) + "moving": "503 Service Unavailable: moving.",
		strings.Repeat("\xff", 10_000):       "503 Service Unavailable: \ufffd…",
		"moving…":                            "503 Service Unavailable: moving…",
	} {
		p := &backoff.Policy{RetryAfter: -1}
		p.Down(reason, 0)
		is(t, "body", visit(p.Wrap(answer(200, "")), get()).Body.String(), want+"\n")
	}
	p := new(backoff.Policy)
	p.Down(`<script>"`, 0)
	r := get()
	r.Header.Set("Accept", "application/json")
	if body := visit(p.Wrap(answer(200, "")), r).Body.String(); !strings.Contains(body, `"detail":"\u003cscript\u003e\""`) {
		t.Errorf("%s", body)
	}
}
