package respond_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/respond"
)

func never() { panic("a call in progress, when there is none") }

func TestAGateThatIsShutRefusesAllCalls(t *testing.T) {
	for name, shut := range map[string]func(*respond.Gate, http.ResponseWriter){
		"Close": func(g *respond.Gate, _ http.ResponseWriter) { g.Close() },
		"Shut":  func(g *respond.Gate, under http.ResponseWriter) { g.Shut(under, never) },
	} {
		seen, gate := new(calls), new(respond.Gate)
		under := combinations(seen)[15]
		w, o := newWriter(under, gate)
		shut(gate, under)
		view := w.View()
		rc := http.NewResponseController(view)
		_, write := view.Write([]byte("late"))
		_, writeString := io.WriteString(view, "late")
		_, readFrom := view.(io.ReaderFrom).ReadFrom(zeros{})
		_, _, hijack := view.(http.Hijacker).Hijack()
		for call, err := range map[string]error{
			"Write": write, "WriteString": writeString, "ReadFrom": readFrom, "Hijack": hijack,
			"Flush": rc.Flush(), "Push": view.(http.Pusher).Push("/", nil), "EnableFullDuplex": rc.EnableFullDuplex(),
			"SetReadDeadline": rc.SetReadDeadline(time.Now()), "SetWriteDeadline": rc.SetWriteDeadline(time.Now()),
		} {
			if err != http.ErrHandlerTimeout {
				t.Errorf("after %s, %s: %v, want %v", name, call, err, http.ErrHandlerTimeout)
			}
		}
		view.Header().Set("X-Late", "yes")
		view.WriteHeader(500)
		gate.Finish(under)
		if len(under.Header()) > 0 || len(seen.list) > 0 || w.Status() != 0 || w.Hijacked() || o.longLived > 0 {
			t.Errorf("after %s: %v %v, status %d", name, under.Header(), seen.list, w.Status())
		}
	}
}

// zeros never end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { return len(p), nil }

func TestShutSaysWhetherTheResponseHadBegun(t *testing.T) {
	for name, c := range map[string]struct {
		handle func(http.ResponseWriter)
		begun  bool
	}{
		"nothing":      {func(http.ResponseWriter) {}, false},
		"a header set": {func(w http.ResponseWriter) { w.Header().Set("X", "y") }, false},
		"early hints":  {func(w http.ResponseWriter) { w.Header().Set("X", "y"); w.Header().Set("Link", "z"); w.WriteHeader(103) }, false},
		"a status":     {func(w http.ResponseWriter) { w.WriteHeader(404) }, true},
		"a body":       {func(w http.ResponseWriter) { io.WriteString(w, "x") }, true},
		"a flush":      {func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, true},
	} {
		gate, under := new(respond.Gate), httptest.NewRecorder()
		under.Header().Set("X", "outside")
		w, _ := newWriter(under, gate)
		c.handle(w.View())
		if got := gate.Shut(under, never); got != c.begun {
			t.Errorf("%s: begun is %v, want %v", name, got, c.begun)
		}
		if got, want := under.Header(), (http.Header{"X": {"outside"}}); !c.begun && !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the header is %v, want it as it was outside", name, got)
		}
	}
}

// stuckWriter blocks in Write until it is freed.
type stuckWriter struct {
	*httptest.ResponseRecorder
	blocked, freed chan struct{}
}

// free has the writer go on, the first time it is called.
func (s stuckWriter) free() func() {
	var once sync.Once
	return func() { once.Do(func() { close(s.freed) }) }
}

func (s stuckWriter) Write(p []byte) (int, error) {
	close(s.blocked)
	<-s.freed
	return 0, io.ErrClosedPipe
}

func TestShutWaitsForTheCallInProgressAndHasItFreed(t *testing.T) {
	gate := new(respond.Gate)
	under := stuckWriter{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	w, _ := newWriter(under, gate)
	written := make(chan error)
	go func() {
		_, err := w.View().Write([]byte("x"))
		written <- err
	}()
	<-under.blocked
	rc := http.NewResponseController(w.View())
	if err := rc.SetWriteDeadline(time.Now()); err == http.ErrHandlerTimeout {
		t.Error("a deadline cannot be set while a write is blocked") // it is what would free it
	}
	if begun := gate.Shut(under, under.free()); !begun {
		t.Error("the response had begun")
	}
	if err := <-written; err != io.ErrClosedPipe {
		t.Errorf("the blocked write: %v, want what the writer below says", err)
	}
}

func TestShutHasACallFreedThatGetsStuckAnew(t *testing.T) {
	gate := new(respond.Gate)
	under := stuckWriter{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	w, _ := newWriter(under, gate)
	go w.View().Write([]byte("x"))
	<-under.blocked
	times := 0
	gate.Shut(under, func() {
		if times++; times == 3 {
			close(under.freed)
		}
	})
	if times < 3 {
		t.Errorf("asked %d times to free the call, want until it has returned", times)
	}
}

func TestACallThatWaitsForAnotherIsRefusedWhenTheGateIsShut(t *testing.T) {
	gate := new(respond.Gate)
	under := stuckWriter{httptest.NewRecorder(), make(chan struct{}), make(chan struct{})}
	w, _ := newWriter(under, gate)
	go w.View().Write([]byte("first"))
	<-under.blocked
	second := make(chan error)
	go func() {
		_, err := w.View().Write([]byte("second"))
		second <- err
	}()
	time.Sleep(10 * time.Millisecond) // by then it waits
	gate.Shut(under, under.free())
	if err := <-second; err != http.ErrHandlerTimeout {
		t.Errorf("the second write: %v, want %v", err, http.ErrHandlerTimeout)
	}
}

func TestFinishHandsOverHeadersOrTrailers(t *testing.T) {
	for name, c := range map[string]struct {
		handle func(w http.ResponseWriter)
		want   http.Header
	}{
		"nothing": {func(http.ResponseWriter) {}, http.Header{"Outside": {"o"}}},
		"headers": {func(w http.ResponseWriter) { w.Header().Set("A", "a") }, http.Header{"Outside": {"o"}, "A": {"a"}}},
		"deleted": {func(w http.ResponseWriter) { w.Header().Del("Outside") }, http.Header{}},
		"after early hints": {func(w http.ResponseWriter) {
			w.Header().Set("A", "a")
			w.WriteHeader(103)
			w.Header().Del("A")
		}, http.Header{"Outside": {"o"}}},
		"too late": {func(w http.ResponseWriter) { w.WriteHeader(200); w.Header().Set("A", "a") }, http.Header{"Outside": {"o"}}},
		"a declared trailer": {func(w http.ResponseWriter) {
			w.Header().Set("Trailer", "A")
			w.WriteHeader(200)
			w.Header().Set("A", "a")
		}, http.Header{"Outside": {"o"}, "Trailer": {"A"}, "A": {"a"}}},
		"an undeclared trailer": {func(w http.ResponseWriter) {
			w.WriteHeader(200)
			w.Header().Set(http.TrailerPrefix+"A", "a")
		}, http.Header{"Outside": {"o"}, http.TrailerPrefix + "A": {"a"}}},
	} {
		gate, under := new(respond.Gate), httptest.NewRecorder()
		under.Header().Set("Outside", "o")
		w, _ := newWriter(under, gate)
		c.handle(w.View())
		gate.Finish(under)
		if got := under.Header(); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestOutsideAndInsideShareNoValues(t *testing.T) {
	gate, under := new(respond.Gate), httptest.NewRecorder()
	under.Header().Set("X", "outside")
	under.Header()["Date"] = nil
	w, _ := newWriter(under, gate)
	inside := w.View().Header()
	if v, ok := inside["Date"]; !ok || v != nil {
		t.Errorf("Date is %v, %v; want the nil that keeps net/http from sending one", v, ok)
	}
	inside["X"][0] = "inside"
	if under.Header().Get("X") != "outside" {
		t.Error("a change inside shows outside before the response begins")
	}
}

// For the race detector: whatever the handler does while the guard takes over.
func TestAGuardMayTakeOverAtAnyMoment(t *testing.T) {
	for round := range 300 {
		gate, under := new(respond.Gate), httptest.NewRecorder()
		w, _ := newWriter(under, gate)
		var both sync.WaitGroup
		both.Go(func() {
			view := w.View()
			for i := range 20 {
				view.Header().Set("X-"+strconv.Itoa(i), "inside")
				switch {
				case round%3 == 0 && i == 10:
					view.WriteHeader(200)
				case round%3 == 1 && i%5 == 0:
					view.WriteHeader(103)
				case round%3 == 2 && i == 15:
					view.Write([]byte("x"))
				}
			}
			gate.Finish(under)
		})
		both.Go(func() {
			if !gate.Shut(under, func() {}) {
				under.Header().Set("X-Guard", "yes")
				under.WriteHeader(503)
			}
			w.Status()
			w.Bytes()
			w.FirstByte()
		})
		both.Wait()
		if under.Code == 503 && under.Header().Get("X-3") != "" {
			t.Fatalf("the guard's answer has the handler's headers: %v", under.Header())
		}
	}
}
