package respond_test

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/internal/respond"
)

var errFull = errors.New("full")

// A keeper has so many places.
type keeper struct {
	observer
	places int
	conn   net.Conn // what it gives the handler
}

func (k *keeper) Admit() error {
	if k.places == 0 {
		return errFull
	}
	k.places--
	return nil
}

func (k *keeper) Keep(conn net.Conn) net.Conn {
	if conn == nil {
		k.places++
		return nil
	}
	return k.conn
}

// foreign is somebody else's middleware.
type foreign struct{ http.ResponseWriter }

func (f foreign) Unwrap() http.ResponseWriter { return f.ResponseWriter }

// opaque is one that shows nothing of what is below.
type opaque struct{ http.ResponseWriter }

// around puts a writer of o's around w.
func around(w http.ResponseWriter, o respond.Observer, gate *respond.Gate) http.ResponseWriter {
	writer := new(respond.Writer)
	writer.Init(w, o, gate)
	return writer.View()
}

func TestAStreamIsDeclaredToAllGuardsAround(t *testing.T) {
	var outer, middle, inner observer
	w := around(foreign{around(around(last(new(calls)), &outer, nil), &middle, new(respond.Gate))}, &inner, nil)
	if err := respond.Stream(foreign{w}); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]*observer{"outer": &outer, "middle": &middle, "inner": &inner} {
		if o.longLived != 1 {
			t.Errorf("the %s guard was told %d times, want once", name, o.longLived)
		}
	}
	var hidden observer
	for _, w := range []http.ResponseWriter{httptest.NewRecorder(), opaque{around(last(new(calls)), &hidden, nil)}} {
		if err := respond.Stream(w); err != nil || hidden.longLived > 0 {
			t.Errorf("%T: %v, a hidden guard was told %d times", w, err, hidden.longLived)
		}
	}
}

func TestAStreamThatOneGuardRefusesIsLetGoByNone(t *testing.T) {
	var outer observer
	first, second := &keeper{places: 1}, &keeper{places: 0}
	w := around(around(around(last(new(calls)), second, nil), &outer, nil), first, nil)
	if err := respond.Stream(w); err != errFull {
		t.Errorf("%v, want %v", err, errFull)
	}
	if outer.longLived+first.longLived+second.longLived > 0 {
		t.Error("a guard has let the request go")
	}
	if first.places != 1 {
		t.Errorf("the first keeper has %d places left, want its one back", first.places)
	}

	gate := new(respond.Gate)
	w = around(around(last(new(calls)), &outer, nil), first, gate)
	gate.Close()
	if err := respond.Stream(w); err != http.ErrHandlerTimeout || outer.longLived > 0 || first.places != 1 {
		t.Errorf("a response that was taken away: %v, told %d, places %d", err, outer.longLived, first.places)
	}
}

// slowKeeper takes its time to admit.
type slowKeeper struct {
	keeper
	asked, answer chan struct{}
}

func (k *slowKeeper) Admit() error {
	close(k.asked)
	<-k.answer
	return nil
}

func TestAResponseIsTakenAwayBeforeOrAfterItIsDeclaredAStreamButNotMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &slowKeeper{asked: make(chan struct{}), answer: make(chan struct{})}
		gate, under := new(respond.Gate), httptest.NewRecorder()
		w := around(around(under, k, nil), new(observer), gate)
		declared := make(chan error, 1)
		go func() { declared <- respond.Stream(w) }()
		<-k.asked
		var away atomic.Bool
		go func() {
			gate.Shut(under, func() {})
			away.Store(true)
		}()
		time.Sleep(time.Minute)
		if away.Load() {
			t.Error("it is taken away before all guards have let it go")
		}
		close(k.answer)
		time.Sleep(time.Minute)
		if err := <-declared; err != nil || !away.Load() {
			t.Errorf("%v, taken away: %v", err, away.Load())
		}
		if err := respond.Stream(w); err != http.ErrHandlerTimeout {
			t.Errorf("%v, want %v", err, http.ErrHandlerTimeout)
		}
	})
}

// taken is a writer whose connection can be had, or not.
type taken struct {
	http.ResponseWriter
	conn net.Conn
	err  error
}

func (t taken) Hijack() (net.Conn, *bufio.ReadWriter, error) { return t.conn, nil, t.err }

func TestAKeeperRefusesAHijackOrHandsOnAConnection(t *testing.T) {
	theirs, ours := net.Pipe()
	defer theirs.Close()
	defer ours.Close()
	k := &keeper{places: 1, conn: ours}
	w := around(taken{httptest.NewRecorder(), nil, errFull}, k, nil)
	if conn, _, err := w.(http.Hijacker).Hijack(); conn != nil || err != errFull || k.longLived != 0 || k.places != 1 {
		t.Errorf("a failed hijack: %v, %v, told %d, places %d", conn, err, k.longLived, k.places)
	}

	w = around(taken{httptest.NewRecorder(), theirs, nil}, k, nil)
	conn, _, err := http.NewResponseController(w).Hijack()
	if conn != ours || err != nil || k.longLived != 1 || k.places != 0 {
		t.Errorf("a hijack: %v, %v, told %d, places %d", conn, err, k.longLived, k.places)
	}

	w = around(taken{httptest.NewRecorder(), theirs, nil}, k, nil)
	if conn, _, err := w.(http.Hijacker).Hijack(); conn != nil || err != errFull || k.longLived != 1 || respond.Begun(w) {
		t.Errorf("one too many: %v, %v, told %d, begun %v", conn, err, k.longLived, respond.Begun(w))
	}
}
