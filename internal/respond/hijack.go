package respond

import (
	"bufio"
	"net"
	"net/http"
	"runtime"
)

// A takeover is a hijack through the guards that are directly inside one
// another. It goes through them in a loop: calls in calls would be deep, and a
// stack that has grown for them stays as large for as long as the handler reads
// from its connection.
type takeover struct {
	innermost *Writer
	guards    []*Writer // from there outwards
	entered   int       // of these, how many have let it pass their gate
	admitted  int       // and how many have been asked, if they are Keepers, and have not refused
	conn      net.Conn
	rw        *bufio.ReadWriter
	err       error

	returned bool // take has
	panic    any
}

func (w *Writer) hijack() (net.Conn, *bufio.ReadWriter, error) {
	t := &takeover{innermost: w}
	defer t.leave()
	if w.isGuardedFurther() { // by one that is to be told on this goroutine
		t.take()
	} else {
		t.takeApart()
	}
	t.tell()
	return t.conn, t.rw, t.err
}

// isGuardedFurther reports whether there is a guard outside of somebody's writer.
func (w *Writer) isGuardedFurther() bool {
	for outer := w.outer(); outer != nil; outer = outer.outer() {
		w = outer
	}
	return next(w.under) != nil
}

// through collects the guards.
func (t *takeover) through() {
	for w := t.innermost; w != nil; w = w.outer() {
		t.guards = append(t.guards, w)
	}
}

// takeApart takes the connection on a goroutine of its own. What the server does
// for that, as to write a header, takes several times the stack that it takes
// to wait for a message, and here would double what each connection costs.
func (t *takeover) takeApart() {
	ended := make(chan struct{})
	go t.apart(ended)
	<-ended
	if t.panic != nil {
		panic(t.panic)
	}
	if !t.returned {
		runtime.Goexit()
	}
}

func (t *takeover) apart(ended chan<- struct{}) {
	defer close(ended)
	defer func() {
		if !t.returned {
			t.panic = recover()
		}
	}()
	t.take()
	t.returned = true
}

// take asks the guards and takes the connection from whoever is outside of them.
func (t *takeover) take() {
	t.through()
	for _, w := range t.guards {
		if w.gate != nil && !w.gate.enter() {
			t.err = http.ErrHandlerTimeout
			return
		}
		t.entered++
		if keeper, ok := w.seen.(Keeper); ok {
			if t.err = keeper.Admit(); t.err != nil {
				return
			}
		}
		t.admitted++
		if w.mute { // or the editor's answer would be lost in net/http's buffer
			http.NewResponseController(w.under).Flush()
		}
	}
	t.conn, t.rw, t.err = http.NewResponseController(t.guards[len(t.guards)-1].under).Hijack()
}

// tell tells the guards what has become of it, the outermost first.
func (t *takeover) tell() {
	for i := t.admitted - 1; i >= 0; i-- {
		w := t.guards[i]
		if t.err == nil {
			w.taken.Store(true)
			w.seen.LongLived()
			if w.gate != nil {
				w.gate.giveUp(w.under)
			}
		}
		if keeper, ok := w.seen.(Keeper); ok {
			t.conn = keeper.Keep(t.conn)
		}
	}
}

// leave opens the gates again, also after a panic.
func (t *takeover) leave() {
	for _, w := range t.guards[:t.entered] {
		if w.gate != nil {
			w.gate.leave()
		}
	}
}
