package respond_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/internal/respond"
)

// offered names the optional interfaces that a writer has.
func offered(w http.ResponseWriter) string {
	var names []string
	if _, ok := w.(http.Flusher); ok {
		names = append(names, "Flush")
	}
	if _, ok := w.(http.Hijacker); ok {
		names = append(names, "Hijack")
	}
	if _, ok := w.(io.ReaderFrom); ok {
		names = append(names, "ReadFrom")
	}
	if _, ok := w.(http.Pusher); ok {
		names = append(names, "Push")
	}
	return strings.Join(names, " ")
}

// observer counts what it is told.
type observer struct{ longLived int }

func (o *observer) LongLived() { o.longLived++ }

// gates are both ways to make a writer.
var gates = map[string]func() *respond.Gate{
	"without a gate": func() *respond.Gate { return nil },
	"behind a gate":  func() *respond.Gate { return new(respond.Gate) },
}

func newWriter(under http.ResponseWriter, gate *respond.Gate) (*respond.Writer, *observer) {
	w, o := new(respond.Writer), new(observer)
	w.Init(under, o, gate)
	return w, o
}

func TestAViewHasExactlyTheInterfacesOfTheWriterBelow(t *testing.T) {
	for name, gate := range gates {
		t.Run(name, func(t *testing.T) {
			distinct := make(map[string]bool)
			for _, under := range combinations(new(calls)) {
				w, _ := newWriter(under, gate())
				if got, want := offered(w.View()), offered(under); got != want {
					t.Errorf("offers %q, want %q", got, want)
				}
				distinct[offered(under)] = true
				if got := w.View().(interface{ Unwrap() http.ResponseWriter }).Unwrap(); got != under {
					t.Errorf("%q: unwraps to %T", offered(under), got)
				}
				if w.Under() != under {
					t.Error("Under is another")
				}
			}
			if len(distinct) != 16 {
				t.Errorf("the test knows %d combinations, want 16", len(distinct))
			}
		})
	}
}

func TestEachCallReachesTheWriterBelow(t *testing.T) {
	for name, gate := range gates {
		t.Run(name, func(t *testing.T) {
			for i := range 16 {
				seen := new(calls)
				under := combinations(seen)[i]
				w, _ := newWriter(under, gate())
				view := w.View()
				var want []string
				if p, ok := view.(http.Pusher); ok {
					if err := p.Push("/style.css", nil); err != http.ErrNotSupported {
						t.Errorf("Push: %v", err)
					}
					want = append(want, "Push /style.css")
				}
				if f, ok := view.(http.Flusher); ok {
					f.Flush()
					want = append(want, "Flush")
				}
				if r, ok := view.(io.ReaderFrom); ok {
					n, err := r.ReadFrom(strings.NewReader(strings.Repeat("x", 1000)))
					if n != 1000 || err != nil {
						t.Errorf("ReadFrom: %d %v", n, err)
					}
					if name == "without a gate" { // behind one only a file is passed down
						want = append(want, "ReadFrom")
					}
				}
				if h, ok := view.(http.Hijacker); ok {
					h.Hijack()
					want = append(want, "Hijack")
				}
				if got := strings.Join(seen.list, ", "); got != strings.Join(want, ", ") {
					t.Errorf("%q: calls %s, want %s", offered(under), got, strings.Join(want, ", "))
				}
			}
		})
	}
}

func TestAViewAllocatesNothing(t *testing.T) {
	for _, under := range combinations(new(calls)) {
		w, _ := newWriter(under, new(respond.Gate))
		var view http.ResponseWriter
		if n := testing.AllocsPerRun(100, func() { view = w.View() }); n != 0 {
			t.Errorf("%q: %v allocations, want none", offered(view), n)
		}
	}
}

func TestWhatTheWriterBelowCannotDoIsSaidSo(t *testing.T) {
	for name, gate := range gates {
		t.Run(name, func(t *testing.T) {
			under := combinations(new(calls))[0]
			w, _ := newWriter(under, gate())
			rc := http.NewResponseController(w.View())
			_, _, hijacked := rc.Hijack()
			for call, err := range map[string]error{"Flush": rc.Flush(), "Hijack": hijacked, "EnableFullDuplex": rc.EnableFullDuplex()} {
				if !errors.Is(err, http.ErrNotSupported) {
					t.Errorf("%s: %v, want %v", call, err, http.ErrNotSupported)
				}
			}
			if w.Status() != 0 || w.Hijacked() {
				t.Errorf("status %d, hijacked %v", w.Status(), w.Hijacked())
			}
		})
	}
}
