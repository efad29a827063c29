package backoff_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

const unavailable = "503 Service Unavailable: a service that this needs is not available."

func TestAFailureAfterARefusalBecomesA503(t *testing.T) {
	for _, status := range []int{500, 501, 502, 504, 599} {
		p := new(backoff.Policy)
		secret := answer(status, "mysql at 10.0.0.7: connection refused",
			"Content-Type", "text/html", "Content-Length", "37", "Content-Encoding", "gzip", "Etag", "1", "Set-Cookie", "a=b", "Cache-Control", "max-age=60")
		w := visit(p.Wrap(afterRefusal(40*time.Second, secret)), get())
		is(t, "status", w.Code, 503)
		fuzzed(t, w.Header(), "Retry-After", 40)
		if body := w.Body.String(); !strings.HasPrefix(body, unavailable) || strings.Contains(body, "mysql") {
			t.Errorf("%d: %q", status, body)
		}
		absent(t, w.Header(), "Content-Encoding", "Etag", "X-Backoff")
		is(t, "Cache-Control", w.Header().Get("Cache-Control"), "no-store")
		is(t, "Set-Cookie", w.Header().Get("Set-Cookie"), "a=b")
		is(t, "failed", p.Stats().Failed, 1)
	}
}

func TestWhoeverGetsAlongWithoutTheBackendIsLeftAlone(t *testing.T) {
	for _, status := range []int{200, 301, 404, 429, 600} {
		p := new(backoff.Policy)
		w := visit(p.Wrap(afterRefusal(time.Minute, answer(status, "from a cache"))), get())
		if w.Code != status || w.Body.String() != "from a cache" || len(w.Header()) > 0 || p.Stats().Failed > 0 {
			t.Errorf("%d: %d %v %q", status, w.Code, w.Header(), w.Body)
		}
	}
}

func TestA503OfTheHandlersOwnGetsTheTimeToComeBack(t *testing.T) {
	p := new(backoff.Policy)
	w := visit(p.Wrap(afterRefusal(time.Minute, answer(503, "sorry", "Etag", "1"))), get())
	if w.Code != 503 || w.Body.String() != "sorry" || w.Header().Get("Etag") != "1" {
		t.Errorf("%d %v %q", w.Code, w.Header(), w.Body)
	}
	fuzzed(t, w.Header(), "Retry-After", 60)
	is(t, "failed", p.Stats().Failed, 1)

	w = visit(p.Wrap(afterRefusal(time.Minute, answer(503, "sorry", "Retry-After", "7"))), get())
	is(t, "Retry-After", w.Header().Get("Retry-After"), "7")
	is(t, "failed", p.Stats().Failed, 2)
	fuzzed(t, visit(p.Wrap(afterRefusal(0, answer(503, "sorry"))), get()).Header(), "Retry-After", 1)
	absent(t, visit(p.Wrap(answer(503, "no breaker has refused")), get()).Header(), "Retry-After")
}

func TestEach503ForABackendIsCountedOnceWhoeverGivesIt(t *testing.T) {
	open := &breaker.Breaker{Name: "mysql"}
	open.Open(time.Minute)
	for name, h := range map[string]http.Handler{
		"the policy":         afterRefusal(time.Minute, answer(500, "")),
		"the handler":        afterRefusal(time.Minute, answer(503, "", "Retry-After", "7")),
		"the breaker's Wrap": open.Wrap(answer(200, "")),
		"Reply to a breaker": backoff.Handler(func(_ http.ResponseWriter, r *http.Request) error {
			return open.Do(r.Context(), func(context.Context) error { return nil })
		}),
		"Reply to another's error": replyTo(notServed{time.Minute}),
	} {
		p := new(backoff.Policy)
		is(t, name, visit(p.Wrap(h), get()).Code, 503)
		is(t, name, p.Stats(), backoff.Stats{Requests: 1, Failed: 1})
	}
}

func TestTheTimeIsWhatIsReallyLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := backoff.Wrap(afterRefusal(time.Minute, func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(20500 * time.Millisecond)
			w.WriteHeader(500)
		}))
		fuzzed(t, visit(h, get()).Header(), "Retry-After", 40) // 39.5 s, rounded up
		for _, over := range []time.Duration{0, time.Millisecond, 20 * time.Second} {
			h = backoff.Wrap(afterRefusal(over, func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(20500 * time.Millisecond)
				w.WriteHeader(500)
			}))
			fuzzed(t, visit(h, get()).Header(), "Retry-After", 1) // it may be tried again now
		}
	})
}

func TestAPanicWithARefusalBecomesA503(t *testing.T) {
	for name, value := range map[string]any{
		"the error itself":     notServed{time.Minute},
		"wrapped":              fmt.Errorf("reading the basket: %w", notServed{time.Minute}),
		"joined":               errors.Join(io.ErrUnexpectedEOF, notServed{time.Minute}),
		"out of a box's stack": &timebox.Panic{Value: notServed{time.Minute}, Stack: []byte("secret")},
	} {
		p := &backoff.Policy{MaxInFlight: 1}
		w := visit(p.Wrap(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "br")
			panic(value)
		})), get())
		if w.Code != 503 || !strings.HasPrefix(w.Body.String(), unavailable) {
			t.Errorf("%s: %d %q", name, w.Code, w.Body)
		}
		fuzzed(t, w.Header(), "Retry-After", 60)
		absent(t, w.Header(), "Content-Encoding")
		is(t, name, p.Stats(), backoff.Stats{Requests: 1, Failed: 1})
	}
}

func fallOver(value any) { panic(value) }

func TestAnyOtherPanicGoesOnWithItsStack(t *testing.T) {
	for _, value := range []any{"a string", 7, io.EOF, http.ErrAbortHandler, nil} {
		p := &backoff.Policy{MaxInFlight: 1}
		h := p.Wrap(afterRefusal(time.Minute, func(w http.ResponseWriter, _ *http.Request) { fallOver(value) }))
		w := discard{http.Header{}}
		var got any
		var stack string
		func() {
			defer func() { got, stack = recover(), string(debug.Stack()) }()
			h.ServeHTTP(w, get())
		}()
		var none *runtime.PanicNilError
		if err, _ := got.(error); got != value && !(value == nil && errors.As(err, &none)) {
			t.Errorf("recovered %v, want %v", got, value)
		}
		if !strings.Contains(stack, "backoff_test.fallOver") {
			t.Errorf("the stack of the panic with %v is lost:\n%s", value, stack)
		}
		if len(w.header) > 0 {
			t.Errorf("something was answered: %v", w.header)
		}
		is(t, "stats", p.Stats(), backoff.Stats{Requests: 1})
	}
}

func TestAPanicAfterTheResponseHasBegunGoesOn(t *testing.T) {
	for name, begin := range map[string]func(http.ResponseWriter){
		"a status":                  func(w http.ResponseWriter) { w.WriteHeader(200) },
		"a body":                    func(w http.ResponseWriter) { io.WriteString(w, "half") },
		"a flush":                   func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"an error that is replaced": func(w http.ResponseWriter) { w.WriteHeader(500) },
	} {
		h := backoff.Wrap(afterRefusal(time.Minute, func(w http.ResponseWriter, _ *http.Request) {
			begin(w)
			panic(notServed{time.Minute})
		}))
		if got := recovered(func() { visit(h, get()) }); got != (notServed{time.Minute}) {
			t.Errorf("%s: recovered %v", name, got)
		}
	}
}

func TestGoexitGoesOn(t *testing.T) {
	p := &backoff.Policy{MaxInFlight: 1, Soft: always(time.Minute)}
	h := p.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { runtime.Goexit() }))
	w, returned, ended := discard{http.Header{}}, false, make(chan struct{})
	go func() {
		defer close(ended)
		h.ServeHTTP(w, get())
		returned = true
	}()
	<-ended
	if returned || len(w.header) > 0 {
		t.Errorf("returned %v, answered %v", returned, w.header)
	}
	is(t, "stats", p.Stats(), backoff.Stats{Requests: 1})
}

func TestAnEncodingThatWasSetOutsideIsKept(t *testing.T) {
	compress := func(next http.Handler) http.Handler { // as gorilla's middleware does
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			next.ServeHTTP(w, r)
		})
	}
	down := new(backoff.Policy)
	down.Down("", 0)
	for name, h := range map[string]http.Handler{
		"replaced": backoff.Wrap(afterRefusal(time.Minute, answer(500, "x", "Content-Encoding", "br"))),
		"panicked": backoff.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(notServed{}) })),
		"down":     down.Wrap(answer(200, "")),
		"replied":  backoff.Handler(func(http.ResponseWriter, *http.Request) error { return notServed{} }),
	} {
		w := visit(compress(h), get())
		if got := w.Header()["Content-Encoding"]; len(got) != 1 || got[0] != "gzip" || w.Code != 503 {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
		absent(t, w.Header(), "Content-Length") // it is that of what is compressed
	}
}

func TestTheHandlerWritesOnUntilTheClientHasLeft(t *testing.T) {
	ctx, leave := context.WithCancel(t.Context())
	h := backoff.Wrap(afterRefusal(time.Minute, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(502)
		if n, err := w.Write(make([]byte, 1000)); n != 1000 || err != nil {
			t.Errorf("%d, %v; want all of it taken", n, err)
		}
		if n, err := io.Copy(w, strings.NewReader(strings.Repeat("x", 100_000))); n != 100_000 || err != nil {
			t.Errorf("%d, %v; want all of it taken", n, err)
		}
		leave()
		if _, err := io.Copy(w, endless{}); err != context.Canceled {
			t.Errorf("%v, want the end of the request", err)
		}
	}))
	w := visit(h, get().WithContext(ctx))
	if w.Code != 503 || !strings.HasPrefix(w.Body.String(), unavailable) || w.Body.Len() > 200 {
		t.Errorf("%d, %d bytes", w.Code, w.Body.Len())
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestGuardsShareARecord(t *testing.T) {
	for name, wrap := range map[string]func(*backoff.Policy, http.Handler) http.Handler{
		"alone":           func(p *backoff.Policy, h http.Handler) http.Handler { return p.Wrap(h) },
		"inside of a box": func(p *backoff.Policy, h http.Handler) http.Handler { return timebox.Wrap(p.Wrap(h)) },
		"around a box":    func(p *backoff.Policy, h http.Handler) http.Handler { return p.Wrap(timebox.Wrap(h)) },
		"inside a watch":  func(p *backoff.Policy, h http.Handler) http.Handler { return slowlog.Wrap(p.Wrap(h)) },
		"around a watch":  func(p *backoff.Policy, h http.Handler) http.Handler { return p.Wrap(slowlog.Wrap(h)) },
		"between the two": func(p *backoff.Policy, h http.Handler) http.Handler { return slowlog.Wrap(p.Wrap(timebox.Wrap(h))) },
		"further inside": func(p *backoff.Policy, h http.Handler) http.Handler {
			return slowlog.Wrap(http.HandlerFunc(p.Wrap(http.HandlerFunc(timebox.Wrap(h).ServeHTTP)).ServeHTTP))
		},
		"twice": func(p *backoff.Policy, h http.Handler) http.Handler { return new(backoff.Policy).Wrap(p.Wrap(h)) },
	} {
		p := new(backoff.Policy)
		h := wrap(p, afterRefusal(40*time.Second, answer(500, "")))
		w := visit(h, get())
		is(t, name, w.Code, 503)
		fuzzed(t, w.Header(), "Retry-After", 40)
		is(t, name, p.Stats(), backoff.Stats{Requests: 1, Failed: 1})
	}
}

func TestAWatchInsideAPolicyHasAnIDOfItsOwn(t *testing.T) {
	var inner, outer string
	id := func(s *string) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { *s = request.From(r.Context()).ID })
	}
	visit(backoff.Wrap(slowlog.Wrap(id(&inner))), get())
	visit(slowlog.Wrap(backoff.Wrap(id(&outer))), get())
	if len(inner) != 32 || len(outer) != 32 {
		t.Errorf("IDs %q and %q, want 32 digits", inner, outer)
	}
}

func TestAFormIsHandedBackAfterAPanicThatWasAnswered(t *testing.T) {
	r := get()
	visit(backoff.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		r.MultipartForm = new(multipart.Form) // whose files the server removes
		panic(notServed{})
	})), r)
	if r.MultipartForm == nil {
		t.Error("the server will not remove the form's files")
	}
}

func TestAClientThatPrefersJSONGetsAProblem(t *testing.T) {
	r := get()
	r.Header.Set("Accept", "application/json")
	w := visit(backoff.Wrap(afterRefusal(time.Minute, answer(500, ""))), r)
	want := `{"title":"Service Unavailable","status":503,"detail":"a service that this needs is not available","retry_after":` +
		w.Header().Get("Retry-After") + "}\n"
	if got := w.Body.String(); got != want || w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%v\n%s, want\n%s", w.Header(), got, want)
	}
}
