package backoff_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
)

// halfOpen is a backend that is, or is not, being tried again.
type halfOpen bool

func (h halfOpen) HalfOpen() bool { return bool(h) }

// always asks for so long.
func always(d time.Duration) func(*http.Request) time.Duration {
	return func(*http.Request) time.Duration { return d }
}

func TestSyncsServerFuzzesUpwardsOnly(t *testing.T) {
	for ask, v := range map[time.Duration]int64{
		time.Nanosecond: 1, time.Second: 1, 1500 * time.Millisecond: 2, 100 * time.Second: 100, 1800 * time.Second: 1800,
	} {
		p := &backoff.Policy{Soft: always(ask), RetryAfter: ask}
		h := p.Wrap(answer(200, ""))
		seen := make(map[string]bool)
		for range 1000 {
			w := visit(h, get())
			fuzzed(t, w.Header(), "X-Backoff", v)
			seen[w.Header().Get("X-Backoff")] = true
		}
		if want := int(max(v/20, 5)) + 1; len(seen) != want && v < 1800 || len(seen) < want/2 {
			t.Errorf("%v: %d different values, want %d", ask, len(seen), want)
		}
		p.Down("", 0)
		fuzzed(t, visit(h, get()).Header(), "Retry-After", v)
	}
}

func TestSyncsServerSendsNoHeaderForZero(t *testing.T) {
	for _, ask := range []time.Duration{0, -time.Hour} {
		absent(t, visit((&backoff.Policy{Soft: always(ask)}).Wrap(answer(200, "")), get()).Header(), "X-Backoff")
	}
	// And none is sent where there is nothing to say.
	p := &backoff.Policy{RetryAfter: -1, SoftShare: 1, Backends: []backoff.Backend{halfOpen(true)}}
	h := p.Wrap(answer(200, ""))
	absent(t, visit(h, get()).Header(), "X-Backoff")
	p.Down("for good", 0)
	w := visit(h, get())
	is(t, "status", w.Code, 503)
	absent(t, w.Header(), "Retry-After", "X-Backoff")
	is(t, "stats", p.Stats(), backoff.Stats{Requests: 2, Down: 1})
}

func TestSyncsServerKeepsAHeaderThatIsThere(t *testing.T) {
	p := &backoff.Policy{Soft: always(time.Hour), Header: []string{"X-Backoff", "backoff"}}
	for name, set := range map[string]http.HandlerFunc{
		"a value":        answer(200, "", "X-Backoff", "7"),
		"zero":           answer(200, "", "X-Backoff", "0"),
		"no value":       func(w http.ResponseWriter, _ *http.Request) { w.Header()["X-Backoff"] = nil },
		"as it is spelt": func(w http.ResponseWriter, _ *http.Request) { w.Header()["x-backoff"] = []string{"7"} },
		"another's one":  answer(200, "", "Backoff", "7"),
	} {
		h := visit(p.Wrap(set), get()).Header()
		//lint:ignore SA1008 a handler may have set it without Set
		if got := h.Get("X-Backoff") + h.Get("Backoff"); len(got) > 1 || len(h["x-backoff"])+len(h["X-Backoff"]) > 1 {
			t.Errorf("%s: %v", name, h)
		}
	}
	is(t, "softened", p.Stats().Softened, 0)
}

func TestSyncsServerSoftensAShareOfItsAnswers(t *testing.T) {
	const n = 4000
	for name, p := range map[string]*backoff.Policy{
		"of what Soft says": {SoftShare: 0.25, Soft: always(time.Minute)},
		"of RetryAfter":     {SoftShare: 0.25, RetryAfter: time.Minute},
	} {
		h := p.Wrap(answer(200, ""))
		softened := 0
		for range n {
			if w := visit(h, get()); w.Header()["X-Backoff"] != nil {
				fuzzed(t, w.Header(), "X-Backoff", 60)
				softened++
			}
		}
		if softened < n/5 || softened > n*3/10 { // ten standard deviations
			t.Errorf("%s: %d of %d, want about a quarter", name, softened, n)
		}
		is(t, "counted", p.Stats().Softened, uint64(softened))
	}
}

func TestSyncsServerTakesAllSpellings(t *testing.T) {
	p := &backoff.Policy{Soft: always(time.Minute), Header: []string{"X-Backoff", "backoff", "X-Weave-Backoff"}}
	h := visit(p.Wrap(answer(200, "")), get()).Header()
	for _, name := range []string{"X-Backoff", "Backoff", "X-Weave-Backoff"} {
		fuzzed(t, h, name, 60)
		is(t, name, h.Get(name), h.Get("X-Backoff"))
	}
	absent(t, h, "Retry-After")
}

func TestOnlyAnAnswerThatServedIsSoftened(t *testing.T) {
	for status, want := range map[int]bool{
		200: true, 204: true, 206: true, 301: true, 304: true, 400: true, 404: true, 418: true, 429: false, 500: false, 502: false, 503: false, 599: false,
	} {
		p := &backoff.Policy{Soft: always(time.Minute)}
		w := visit(p.Wrap(answer(status, "")), get())
		if got := w.Header()["X-Backoff"] != nil; got != want || w.Code != status {
			t.Errorf("%d: %d %v", status, w.Code, w.Header())
		}
	}
}

func TestHoweverAnAnswerBeginsItIsSoftened(t *testing.T) {
	for name, handle := range map[string]http.HandlerFunc{
		"not at all": func(http.ResponseWriter, *http.Request) {},
		"a body":     func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("x")) },
		"a flush":    func(w http.ResponseWriter, _ *http.Request) { w.(http.Flusher).Flush() },
		"an event stream": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(200)
		},
	} {
		p := &backoff.Policy{Soft: always(time.Minute)}
		if got := visit(p.Wrap(handle), get()).Result().Header["X-Backoff"]; len(got) != 1 || p.Stats().Softened != 1 {
			t.Errorf("%s: %v, %+v", name, got, p.Stats())
		}
	}
}

func TestWhileABackendIsHalfOpenAllAnswersAreSoftened(t *testing.T) {
	for _, c := range []struct {
		name     string
		soft     time.Duration
		share    float64
		backends []backoff.Backend
		want     int64 // seconds; 0 is none
	}{
		{"none is", 0, 0, []backoff.Backend{halfOpen(false), halfOpen(false)}, 0},
		{"one is", 0, 0, []backoff.Backend{halfOpen(false), halfOpen(true)}, 30},
		{"Soft asks for less", time.Second, 0, []backoff.Backend{halfOpen(true)}, 30},
		{"Soft asks for more", time.Hour, 0, []backoff.Backend{halfOpen(true)}, 3600},
		{"Soft has a small share", time.Hour, 1e-300, []backoff.Backend{halfOpen(true)}, 30},
	} {
		p := &backoff.Policy{RetryAfter: 30 * time.Second, Backends: c.backends, Soft: always(c.soft), SoftShare: c.share}
		h := visit(p.Wrap(answer(200, "")), get()).Header()
		if c.want == 0 {
			absent(t, h, "X-Backoff")
		} else {
			fuzzed(t, h, "X-Backoff", c.want)
		}
	}
}

func TestSoftGetsTheRequest(t *testing.T) {
	p := &backoff.Policy{Soft: func(r *http.Request) time.Duration {
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		return time.Duration(n) * time.Second
	}}
	r := get()
	r.URL.RawQuery = "n=200"
	fuzzed(t, visit(p.Wrap(answer(200, "")), r).Header(), "X-Backoff", 200)
}
