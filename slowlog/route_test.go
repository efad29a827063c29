package slowlog_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// A wrapper is middleware that says what it wraps.
type wrapper struct{ http.Handler }

func (w wrapper) Unwrap() http.Handler { return w.Handler }

// An opaque one does not.
func opaque(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r) })
}

// A snake is middleware that says it wraps itself.
type snake struct{ http.HandlerFunc }

func (s *snake) Unwrap() http.Handler { return s }

func shopMux() *http.ServeMux {
	mux := http.NewServeMux()
	slow := asleep(2 * time.Second)
	mux.Handle("GET /book/{id}", slow)
	mux.Handle("/static/", slow)
	mux.Handle("admin.example/", slow)
	mux.Handle("/", slow)
	return mux
}

func TestTheRouteIsTheMuxsPattern(t *testing.T) {
	box := func(h http.Handler) http.Handler { return (&timebox.Box{Limit: time.Minute}).Wrap(h) }
	inner := func(h http.Handler) http.Handler { return quiet(t, &slowlog.Watch{After: time.Hour}).Wrap(h) }
	panicking := meddlingMux{HandlerFunc: asleep(2 * time.Second).ServeHTTP, meddle: func() { panic("a fault") }}
	for _, c := range []struct {
		name           string
		handler        http.Handler
		method, target string
		during, after  string // the route in the report, and when the request has ended
	}{
		{"a pattern", shopMux(), "GET", "/book/12?q=1", "GET /book/{id}", "GET /book/{id}"},
		{"another method", shopMux(), "POST", "/book/12", "/", "/"},
		{"a subtree", shopMux(), "GET", "/static/css/a.css", "/static/", "/static/"},
		{"a host", shopMux(), "GET", "http://admin.example/x", "admin.example/", "admin.example/"},
		{"the root", shopMux(), "GET", "/", "/", "/"},
		{"an escaped path", shopMux(), "GET", "/book/a%2Fb", "GET /book/{id}", "GET /book/{id}"},
		{"in a timebox", box(shopMux()), "GET", "/book/12", "GET /book/{id}", "GET /book/{id}"},
		{"in boxes, watches and middleware", box(inner(wrapper{box(shopMux())})), "GET", "/book/12", "GET /book/{id}", "GET /book/{id}"},
		{"behind middleware that does not say what it wraps", opaque(shopMux()), "GET", "/book/12", "", "GET /book/{id}"},
		{"behind such middleware in a timebox", box(opaque(shopMux())), "GET", "/book/12", "", "GET /book/{id}"},
		{"no mux", asleep(2 * time.Second), "GET", "/book/12", "", ""},
		{"a mux that panics when asked", panicking, "GET", "/", "", ""},
		{"a wrapper around itself", &snake{asleep(2 * time.Second).ServeHTTP}, "GET", "/", "", ""},
		{"a wrapper around nothing", wrapperOfNil{}, "GET", "/", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				d := &desk{}
				w := &slowlog.Watch{After: time.Second, Alert: queue(t, d)}
				r := httptest.NewRequest(c.method, c.target, nil)
				w.Wrap(c.handler).ServeHTTP(httptest.NewRecorder(), r)
				if len(d.alerts()) != 1 {
					t.Fatal("no alert")
				}
				a := d.alerts()[0]
				equal(t, "route in the alert", a.Request.Route, c.during)
				equal(t, "tag", a.Tags["route"], c.during)
				equal(t, "route in the end", the(t, w).Route, c.after)
			})
		})
	}
}

func TestARequestMadeByHandHasItsRoute(t *testing.T) {
	bubble(t, func(t *testing.T) {
		w := &slowlog.Watch{After: time.Second, Alert: queue(t, &desk{})}
		r, err := http.NewRequest("GET", "http://shop.example/book/12", nil)
		if err != nil {
			t.Fatal(err)
		}
		w.Wrap(opaque(shopMux())).ServeHTTP(httptest.NewRecorder(), r)
		equal(t, "route in the end", the(t, w).Route, "GET /book/{id}")
	})
}

type wrapperOfNil struct{}

func (wrapperOfNil) ServeHTTP(http.ResponseWriter, *http.Request) { time.Sleep(2 * time.Second) }
func (wrapperOfNil) Unwrap() http.Handler                         { return nil }
