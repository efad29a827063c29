package capture

import (
	"bytes"
	"errors"
	"runtime"
	"sync"
)

// errInside is of what would wait for itself.
var errInside = errors.New("capture: within Do of a recording that goes on, another or a trace would wait for it for ever; " +
	"Stop it first")

// theRunning are the functions that run in Do, also those whose recording has been stopped meanwhile.
var theRunning running

// running are functions in Do.
type running struct {
	mu  sync.Mutex
	all map[runner]int // that have begun and not ended; more than 1 if Do was called within Do
}

// A runner is a goroutine in Do of a recording.
type runner struct {
	goroutine string
	recording *Recording
}

func (r *running) begin(one runner) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = make(map[runner]int)
	}
	r.all[one]++
}

func (r *running) end(one runner) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all[one]--; r.all[one] == 0 {
		delete(r.all, one)
	}
}

// any says whether there are some.
func (r *running) any() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.all) > 0
}

// inside says whether this goroutine is in Do of a recording that has not been stopped.
func (r *running) inside() bool {
	id := goroutine()
	r.mu.Lock()
	defer r.mu.Unlock()
	for one := range r.all {
		if one.goroutine == id && !one.recording.isStopped() {
			return true
		}
	}
	return false
}

// goroutine is this one's number, which the runtime tells nowhere but at the head of a stack.
func goroutine() string {
	var head [40]byte
	id, _, _ := bytes.Cut(head[:runtime.Stack(head[:], false)], []byte(" ["))
	return string(id)
}
