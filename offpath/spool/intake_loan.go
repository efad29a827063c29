package spool

import (
	"errors"
	"net/http"
	"os"
	"sync"
)

// A loan is a body while a Publisher has it. Some read on for a while when they
// have returned, as an [http.Transport] does that was answered early: they would
// take what is the next handler's.
type loan struct {
	mu   sync.Mutex
	body *body
	over bool
}

func (l *loan) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return 0, http.ErrBodyReadAfterClose
	}
	return l.body.Read(p)
}

// end takes the body back. If it is being read at this moment, which lasts until
// the client sends more, breakOff ends that, and the body with it; nil waits. It
// reports whether the body was broken off.
func (l *loan) end(breakOff func()) bool {
	if l.mu.TryLock() {
		l.over = true
		l.mu.Unlock()
		return false
	}
	if breakOff != nil {
		breakOff()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	broken := breakOff != nil && errors.Is(l.body.end, os.ErrDeadlineExceeded)
	if broken {
		l.body.end = nil // it was us: the client was not too slow
	}
	return broken
}

// more reports whether there is more of a body than was read of it.
func (b *body) more() bool {
	var next [1]byte
	for b.end == nil && b.copyErr == nil {
		if n, _ := b.Read(next[:]); n > 0 {
			return true
		}
	}
	return false
}
