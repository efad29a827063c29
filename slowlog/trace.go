package slowlog

import (
	"bytes"
	"errors"
	"runtime/trace"
	"sync"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

const (
	traceAge   = 5 * time.Second
	traceBytes = 16 << 20
	// traceRest is how many times as long as it took to write a trace out none
	// is written: 5 % of one core at most.
	traceRest = 20
)

// A tracer keeps the last seconds of the execution trace.
type tracer struct {
	mu       sync.Mutex
	recorder *trace.FlightRecorder
	err      error         // why there is none
	next     time.Duration // when one may be written again, on deadline's clock
}

func (t *tracer) start() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recorder = trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: traceAge, MaxBytes: traceBytes})
	if t.err = t.recorder.Start(); t.err != nil {
		t.recorder = nil
	}
}

func (t *tracer) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.recorder != nil {
		t.recorder.Stop()
		t.recorder, t.err = nil, errors.New("the flight recorder was stopped by Close")
	}
}

func (t *tracer) snapshot() ([]byte, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.recorder == nil {
		return nil, t.err
	}
	start := deadline.Now()
	if start < t.next {
		return nil, errors.New("the last one was written just before")
	}
	var b bytes.Buffer
	_, err := t.recorder.WriteTo(&b)
	t.next = deadline.Now() + traceRest*(deadline.Now()-start)
	if err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
