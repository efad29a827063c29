package capture

import (
	"context"
	"time"
)

// TryTracer starts the tracer and stops it again.
func TryTracer(ctx context.Context, patience time.Duration) error {
	t, err := startTracer(ctx, defaultMaxTrace, patience, nil)
	if err == nil {
		t.stop()
	}
	return err
}

// NewTape is a tape that never has enough of a trace, but no room for more than so many bytes.
func NewTape(most int64) *tape { return newTape(1<<40, most-1<<40) }

// NewShortTape is a tape that has enough at the first byte.
func NewShortTape() *tape { return newTape(1, slack) }

// Start starts the tracer.
func (t *tape) Start() error { return t.start() }

// Take stops the tracer and takes the trace off the tape.
func (t *tape) Take() ([]byte, string) {
	problem := t.stop()
	return t.bytes(), problem
}

// A Line is a line for something other than the tracer.
type Line = line

// Wait is wait, with what ends the turn.
func (l *line) Wait(ctx context.Context, who func(time.Time) string, told func([]string)) (leave func(), err error) {
	t, err := l.wait(ctx, who, told)
	if err != nil {
		return nil, err
	}
	return t.leave, nil
}
