package slowlog

import (
	"bytes"
	"errors"
	"runtime/trace"
	"sync"
	"time"
)

const (
	traceAge   = 5 * time.Second
	traceBytes = 16 << 20
)

// A tracer keeps the last seconds of the execution trace.
type tracer struct {
	mu       sync.Mutex
	recorder *trace.FlightRecorder
	err      error // why there is none
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
	var b bytes.Buffer
	if _, err := t.recorder.WriteTo(&b); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
