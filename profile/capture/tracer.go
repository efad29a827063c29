package capture

import (
	"context"
	"fmt"
	"io"
	"runtime/trace"
	"sync"
	"time"
)

const (
	// patience is how long a recording waits for the tracer while something outside of this package has it.
	patience = 10 * time.Second
	// retry is how often it tries.
	retry = 50 * time.Millisecond
	// chunk is how much of a trace is stored in one piece. The runtime writes at most 64 KiB at once.
	chunk = 256 << 10
	// slack is how much is kept of what comes in after there was enough. In a process that has no CPU to spare
	// the runtime holds back far more than that.
	slack = 64 << 20
)

// A HeldError is what Start returns if something that does not go through this package kept the execution
// tracer, such as net/http/pprof's own handler or a test's -trace flag. The function was not run.
type HeldError struct {
	Waited time.Duration // for the tracer, after it was this recording's turn
	Err    error         // what runtime/trace says
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("capture: something else in this process has had the execution tracer for %v (%v); "+
		"it can be had when that has called trace.Stop", e.Waited.Round(time.Millisecond), e.Err)
}

// Unwrap returns what runtime/trace says.
func (e *HeldError) Unwrap() error { return e.Err }

// startTracer begins a trace. While something outside of this package has the tracer it waits, until the
// context ends or for as long as patience says.
func startTracer(ctx context.Context, enough int64, patience time.Duration, told func([]string)) (*tape, error) {
	began := time.Now()
	for {
		if err := ended(ctx); err != nil {
			return nil, err
		}
		t := newTape(enough, slack)
		err := t.start()
		if err == nil {
			return t, nil
		}
		if waited := time.Since(began); waited >= patience {
			return nil, &HeldError{Waited: waited, Err: err}
		}
		if told != nil {
			told([]string{"something else in this process that has the execution tracer"})
			told = nil
		}
		select {
		case <-time.After(retry):
		case <-ctx.Done():
		}
	}
}

// A tape is a trace that is being written. Only the runtime writes on it, never twice at once, and nobody
// reads it before the tracer is stopped, which is after the last write: so it needs no lock.
type tape struct {
	began  time.Time
	enough int64 // bytes
	slack  int64 // bytes that are kept after that
	size   int64
	whole  int64 // bytes that can be read without the rest
	chunks [][]byte
	full   bool // not all was kept

	started chan struct{} // closed when the tracer can be stopped, which may be after the first writes
	once    sync.Once     // for stopping the tracer
	cutting sync.WaitGroup
	cut     string // says when it was stopped as there was enough; "" if it was not
	lost    bool   // somebody else has stopped the tracer
}

func newTape(enough, slack int64) *tape {
	return &tape{began: time.Now(), enough: enough, slack: slack, started: make(chan struct{})}
}

func (t *tape) start() error {
	err := trace.Start(t)
	if err == nil {
		close(t.started)
	}
	return err
}

// Write takes what the runtime writes.
func (t *tape) Write(p []byte) (int, error) {
	if t.size < t.enough && t.size+int64(len(p)) >= t.enough {
		// The tracer stops when all is written, so not in here.
		t.cutting.Add(1)
		go t.cutOff(fmt.Sprintf("%v after its beginning, at %d bytes",
			time.Since(t.began).Round(time.Millisecond), t.size+int64(len(p))))
	}
	if t.full = t.full || t.size-t.enough > t.slack-int64(len(p)); t.full {
		return len(p), nil
	}
	t.size += int64(len(p))
	if len(p) == 1 { // the sign that a generation of the trace has ended, and nothing else is as short
		t.whole = t.size
	}
	for rest := p; len(rest) > 0; {
		last := len(t.chunks) - 1
		if last < 0 || len(t.chunks[last]) == cap(t.chunks[last]) {
			t.chunks = append(t.chunks, make([]byte, 0, chunk))
			last++
		}
		c := t.chunks[last]
		n := copy(c[len(c):cap(c)], rest)
		t.chunks[last], rest = c[:len(c)+n], rest[n:]
	}
	return len(p), nil
}

func (t *tape) cutOff(when string) {
	defer t.cutting.Done()
	<-t.started
	t.once.Do(func() {
		t.halt()
		t.cut = when
	})
}

func (t *tape) halt() { t.lost = !stopTracer() }

// stopTracer stops a trace of this package, and says whether it was still on: whoever else calls trace.Stop
// ends it too. A trace.Stop too many would then end a flight recorder's, as of Go 1.26.
func stopTracer() (was bool) {
	if !trace.IsEnabled() {
		return false
	}
	was = trace.Start(io.Discard) != nil // there can be one only
	trace.Stop()
	return was
}

// stop stops the tracer, if that was not done already, and says what the trace lacks; "" if nothing.
func (t *tape) stop() (problem string) {
	t.once.Do(t.halt)
	t.cutting.Wait()
	switch {
	case t.full:
		return fmt.Sprintf("The trace had become too large, and more came in before it could be ended: what came after %d bytes is missing.", t.whole)
	case t.lost:
		return "Something else in the program has stopped the execution tracer: what came after that is missing."
	case t.cut != "":
		return "The trace had become too large and was ended " + t.cut + ": what came after that is missing."
	}
	return ""
}

// bytes takes the trace off the tape, chunk by chunk, so that it is hardly anywhere twice. If not all was
// kept it is what can be read of it.
func (t *tape) bytes() []byte {
	end := t.size
	if t.full {
		end = t.whole
	}
	all := make([]byte, 0, t.size)
	for i, c := range t.chunks {
		all = append(all, c...)
		t.chunks[i] = nil
	}
	t.chunks = nil
	return all[:end]
}
