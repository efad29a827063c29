package respond_test

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"testing"

	"github.com/heeler-go/heeler/internal/respond"
)

// goroutine is the name that a stack has for the goroutine it is of.
func goroutine() string {
	stack := make([]byte, 64)
	name, _, _ := bytes.Cut(stack[:runtime.Stack(stack, false)], []byte("["))
	return string(name)
}

// told is a guard that notes when and where it is told.
type told struct {
	name string
	all  *[]string // by which guards, in order
	on   string
}

func (t *told) LongLived() { *t.all, t.on = append(*t.all, t.name), goroutine() }

// hijacked is a writer that notes where its connection is taken.
type hijacked struct {
	http.ResponseWriter
	on *string
}

func (h hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	*h.on = goroutine()
	return nil, nil, nil
}

func TestAConnectionIsTakenOnAnotherGoroutineThanTheGuardsAreToldOn(t *testing.T) {
	for name, between := range map[string]func(http.ResponseWriter) http.ResponseWriter{
		"guards inside one another": func(w http.ResponseWriter) http.ResponseWriter { return w },
		"a writer between them":     func(w http.ResponseWriter) http.ResponseWriter { return foreign{w} },
	} {
		var all []string
		var on string
		outer, middle, inner := &told{name: "outer", all: &all}, &told{name: "middle", all: &all}, &told{name: "inner", all: &all}
		w := around(between(around(around(hijacked{httptest.NewRecorder(), &on}, outer, nil), middle, new(respond.Gate))), inner, nil)
		if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
			t.Fatal(err)
		}
		if want := []string{"outer", "middle", "inner"}; !slices.Equal(all, want) {
			t.Errorf("%s: told %v, want %v", name, all, want)
		}
		if outer.on != goroutine() || middle.on != goroutine() || inner.on != goroutine() {
			t.Errorf("%s: the guards are told on %s, %s and %s, want the handler's %s", name, outer.on, middle.on, inner.on, goroutine())
		}
		if on == goroutine() {
			t.Errorf("%s: the connection is taken on the handler's stack", name)
		}
	}
}

// wild is a writer whose Hijack ends as it likes.
type wild struct {
	http.ResponseWriter
	end func()
}

func (w wild) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.end()
	return nil, nil, nil
}

func TestAHijackThatDoesNotReturnEndsTheHandlerAndLeavesTheGatesOpen(t *testing.T) {
	bad := errors.New("bad")
	for name, c := range map[string]struct {
		end  func()
		want any
	}{
		"panic":  {func() { panic(bad) }, bad},
		"Goexit": {runtime.Goexit, nil},
	} {
		var outer, inner observer
		view := around(around(wild{httptest.NewRecorder(), c.end}, &outer, new(respond.Gate)), &inner, new(respond.Gate))
		ended := make(chan any)
		go func() {
			returned := false
			defer func() {
				if value := recover(); returned {
					ended <- "it has returned"
				} else {
					ended <- value
				}
			}()
			http.NewResponseController(view).Hijack()
			returned = true
		}()
		if got := <-ended; got != c.want {
			t.Errorf("%s: the handler ends with %v, want %v", name, got, c.want)
		}
		if outer.longLived+inner.longLived > 0 || respond.Begun(view) {
			t.Errorf("%s: a guard takes it for hijacked", name)
		}
		if _, err := view.Write([]byte("x")); err != nil {
			t.Errorf("%s: a write afterwards: %v", name, err)
		}
	}
}

func TestAGuardInTheMiddleRefusesAHijackForAll(t *testing.T) {
	var outer observer
	full, inner := &keeper{places: 0}, &keeper{places: 1}
	view := around(around(around(last(new(calls)), &outer, new(respond.Gate)), full, nil), inner, new(respond.Gate))
	if _, _, err := view.(http.Hijacker).Hijack(); err != errFull {
		t.Errorf("%v, want %v", err, errFull)
	}
	if outer.longLived+full.longLived+inner.longLived > 0 || respond.Begun(view) {
		t.Error("a guard has let the request go")
	}
	if inner.places != 1 {
		t.Errorf("the inner keeper has %d places left, want its one back", inner.places)
	}
	if _, err := view.Write([]byte("x")); err != nil {
		t.Errorf("a write afterwards: %v", err)
	}
}

func TestTheHeaderIsTheHandlersAfterAHijack(t *testing.T) {
	for name, gate := range gates {
		under := taken{httptest.NewRecorder(), nil, nil}
		under.Header().Set("Outside", "o")
		view := around(under, new(observer), gate())
		view.Header().Set("Mine", "m")
		view.Header().Del("Outside")
		if _, _, err := view.(http.Hijacker).Hijack(); err != nil {
			t.Fatal(err)
		}
		view.Header().Set("Late", "l")
		for key, want := range map[string]string{"Mine": "m", "Outside": "", "Late": "l"} {
			if got := view.Header().Get(key); got != want {
				t.Errorf("%s: %s is %q, want %q", name, key, got, want)
			}
		}
		if got := under.Header().Get("Late"); got != "l" {
			t.Errorf("%s: two headers are kept", name) // for as long as the connection lasts
		}
	}
}
