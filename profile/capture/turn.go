package capture

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// tracerLine is the line before the execution tracer. The process has one tracer, so there is one line.
var tracerLine line

// A line is where those stand that want something of which there is one. The first has it.
type line struct {
	mu      sync.Mutex
	tickets []*ticket
}

// A ticket is a place in a line.
type ticket struct {
	line    *line
	who     func(now time.Time) string // says who has it; called under the line's lock
	changed chan struct{}              // somebody before has left or says something else; holds one
}

// wait joins the line and returns when it is the ticket's turn. While it is not, told, if it is not nil,
// is told who is before: at once, and whenever that reads differently, which it looks after every second.
func (l *line) wait(ctx context.Context, who func(time.Time) string, told func(before []string)) (*ticket, error) {
	if err := ended(ctx); err != nil {
		return nil, err
	}
	t := l.join(who)
	mine := false
	defer func() { // told may panic
		if !mine {
			t.leave()
		}
	}()
	var tick <-chan time.Time
	if told != nil {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		tick = ticker.C
	}
	var last []string
	for !t.first() {
		if told != nil {
			if before := t.before(time.Now()); len(before) > 0 && !slices.Equal(before, last) {
				told(slices.Clone(before))
				last = before
			}
		}
		select {
		case <-t.changed:
		case <-tick:
		case <-ctx.Done():
			return nil, ended(ctx)
		}
	}
	mine = true
	return t, nil
}

// ended is the error of a context that has ended before it was its turn.
func ended(ctx context.Context) error {
	err := ctx.Err()
	if err == nil {
		return nil
	}
	if cause := context.Cause(ctx); cause != err {
		return fmt.Errorf("capture: ended before its turn: %w (%w)", cause, err)
	}
	return fmt.Errorf("capture: ended before its turn: %w", err)
}

func (l *line) join(who func(time.Time) string) *ticket {
	t := &ticket{line: l, who: who, changed: make(chan struct{}, 1)}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tickets = append(l.tickets, t)
	return t
}

func (t *ticket) first() bool {
	t.line.mu.Lock()
	defer t.line.mu.Unlock()
	return t.line.tickets[0] == t
}

func (t *ticket) before(now time.Time) []string {
	t.line.mu.Lock()
	defer t.line.mu.Unlock()
	var names []string
	for _, other := range t.line.tickets {
		if other == t {
			break
		}
		names = append(names, other.who(now))
	}
	return names
}

// leave ends the ticket's turn, or its wait.
func (t *ticket) leave() {
	t.line.mu.Lock()
	defer t.line.mu.Unlock()
	at := slices.Index(t.line.tickets, t)
	t.line.tickets = slices.Delete(t.line.tickets, at, at+1)
	t.line.wake(at)
}

// tell changes what the ticket's who says.
func (t *ticket) tell(change func()) {
	t.line.mu.Lock()
	defer t.line.mu.Unlock()
	change()
	t.line.wake(slices.Index(t.line.tickets, t) + 1)
}

// wake has the tickets from a place on look at who is before them. The line must be locked.
func (l *line) wake(from int) {
	for _, t := range l.tickets[from:] {
		select {
		case t.changed <- struct{}{}:
		default: // it has not yet looked since the last time
		}
	}
}
