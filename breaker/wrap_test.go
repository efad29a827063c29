package breaker_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/request"
)

var page = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "page") })

// visit has a handler answer.
func visit(h http.Handler, rec *request.Record) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	if rec != nil {
		rec.Context = r.Context()
		r = r.WithContext(rec)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestARouteIsRefusedWhileItsBackendIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Name: "mysql", TripAfter: 1}
		route := b.Wrap(page)
		if w := visit(route, nil); w.Code != 200 || w.Body.String() != "page" {
			t.Errorf("closed: %d %q", w.Code, w.Body)
		}
		b.Open(20 * s)
		rec := new(request.Record)
		w := visit(route, rec)
		if after, err := strconv.Atoi(w.Header().Get("Retry-After")); w.Code != 503 || err != nil || after < 20 || after > 25 {
			t.Errorf("open: %d, Retry-After %q", w.Code, w.Header()["Retry-After"])
		}
		if strings.Contains(w.Body.String(), "mysql") {
			t.Errorf("it names the backend: %q", w.Body)
		}
		if name, left, ok := rec.Refusal(); name != "mysql" || left != 20*s || !ok {
			t.Errorf("the record has %q, %v, %v", name, left, ok)
		}
		if n := b.Stats().Refused; n != 1 {
			t.Errorf("%d refused", n)
		}
		time.Sleep(20 * s)
		if w := visit(route, nil); w.Code != 200 {
			t.Errorf("half-open: %d", w.Code)
		}
		wantState(t, b, breaker.HalfOpen) // the route is no probe
		wantCounts(t, b, counts{})
	})
}

func TestARouteGoesThroughWhileAProbeIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1}
		trip(t, b)
		time.Sleep(b.RetryAfter())
		do(t, b, 1, func(context.Context) error {
			if w := visit(b.Wrap(page), nil); w.Code != 200 {
				t.Errorf("%d", w.Code)
			}
			return nil
		})
	})
}

func TestABreakerOpenedByHandSaysWhenToComeBack(t *testing.T) {
	b := &breaker.Breaker{}
	b.Open(0)
	w := visit(b.Wrap(page), nil)
	if after, err := strconv.Atoi(w.Header().Get("Retry-After")); err != nil || after < 30 || after > 35 {
		t.Errorf("Retry-After %q", w.Header()["Retry-After"])
	}
}

// guard is a handler as the other guards' are: it can be given the record.
type guard struct{ given *request.Record }

func (g *guard) ServeHTTP(http.ResponseWriter, *http.Request) {}
func (g *guard) ServeRecord(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	g.given = rec
}

func TestTheRecordIsHandedThrough(t *testing.T) {
	b := &breaker.Breaker{}
	inner := new(guard)
	r := httptest.NewRequest("GET", "/", nil)
	rec := &request.Record{Context: r.Context()}
	b.Wrap(inner).(request.Inner).ServeRecord(httptest.NewRecorder(), r, rec)
	if inner.given != rec {
		t.Error("the guard inside did not get it")
	}
	var found *request.Record
	next := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { found = request.From(r.Context()) })
	route := b.Wrap(next)
	route.(request.Inner).ServeRecord(httptest.NewRecorder(), r, rec)
	if found != rec {
		t.Error("the handler inside did not get it")
	}
	b.Open(0)
	w := httptest.NewRecorder()
	route.(request.Inner).ServeRecord(w, r, rec)
	if _, _, refused := rec.Refusal(); w.Code != 503 || !refused {
		t.Errorf("%d, refused %v", w.Code, refused)
	}
	if route.(interface{ Unwrap() http.Handler }).Unwrap() == nil {
		t.Error("nothing inside")
	}
}

func TestAContentEncodingOfOutsideIsKept(t *testing.T) {
	b := &breaker.Breaker{}
	b.Open(0)
	w := httptest.NewRecorder()
	w.Header().Set("Content-Encoding", "gzip") // by a middleware that compresses what it is given
	b.Wrap(page).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Content-Length") != "" {
		t.Errorf("%v", w.Header())
	}
}

func TestWrapPanicsOnWhatCannotBeWrapped(t *testing.T) {
	for name, wrap := range map[string]func(){
		"nil http.Handler": func() { new(breaker.Breaker).Wrap(nil) },
		"Breaker.Probes":   func() { (&breaker.Breaker{Probes: -1}).Wrap(page) },
	} {
		func() {
			defer func() {
				value := recover()
				err, _ := value.(error)
				text, _ := value.(string)
				if err != nil {
					text = err.Error()
				}
				if !strings.Contains(text, name) {
					t.Errorf("%s: %v", name, value)
				}
			}()
			wrap()
		}()
	}
}
