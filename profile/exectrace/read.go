package exectrace

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"golang.org/x/exp/trace"
)

// Read reads an execution trace, of the Go versions that golang.org/x/exp/trace knows, and returns what
// became of the region with the given type, as [runtime/trace.WithRegion] calls its name. It is an error
// if nobody entered it.
//
// A trace that was cut off in the middle of the region gives what there is, with Truncated set, as does one
// in which the region's goroutines changed their state more than a million times. One that
// somebody forged may keep Read busy for ever: it is for a program's own traces.
func Read(r io.Reader, region string) (*Execution, error) {
	return read(r, region, maxIntervals)
}

func read(r io.Reader, region string, limit int) (*Execution, error) {
	events, err := trace.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("exectrace: %w", err)
	}
	rd := &reader{
		region:  region,
		members: map[trace.GoID]*member{},
		stacks:  interned{known: map[trace.Stack]*Stack{}, same: map[string]*Stack{}, both: map[[2]*Stack]*Stack{}},
		calls:   map[uint64]int{},
		pauses:  map[pauseKey]trace.Time{},
	}
	for rd.intervals < limit {
		e, readErr := events.ReadEvent()
		if readErr != nil {
			if readErr != io.EOF {
				err = readErr
			}
			break
		}
		rd.last = e.Time()
		rd.event(&e)
	}
	if !rd.begun {
		if err != nil {
			return nil, fmt.Errorf("exectrace: nobody entered the region %q in this trace, which is damaged: %w", region, err)
		}
		return nil, fmt.Errorf("exectrace: nobody entered the region %q in this trace", region)
	}
	return rd.finish(), nil
}

// maxIntervals is how many intervals an execution has at most: with what is made of them they take a few
// hundred bytes each.
const maxIntervals = 1 << 20

// A reader goes through the events once.
type reader struct {
	region string
	begun  bool       // somebody has entered it
	zero   trace.Time // when that was
	last   trace.Time // of the event read last
	open   int        // how many are inside
	end    time.Duration

	x       Execution
	members map[trace.GoID]*member // that are alive, or inside the region
	stacks  interned

	intervals int // of all goroutines

	calls  map[uint64]int          // that have not ended, by number: their place in x.Calls
	pauses map[pauseKey]trace.Time // that have not ended: when they began
}

func (rd *reader) at(t trace.Time) time.Duration { return max(0, time.Duration(t-rd.zero)) }

func (rd *reader) event(e *trace.Event) {
	switch e.Kind() {
	case trace.EventRegionBegin:
		if e.Region().Type == rd.region {
			rd.enter(e)
		}
	case trace.EventRegionEnd:
		if e.Region().Type == rd.region {
			rd.leave(e)
		}
	case trace.EventStateTransition:
		if st := e.StateTransition(); st.Resource.Kind == trace.ResourceGoroutine {
			rd.transition(e, st)
		}
		return
	case trace.EventStackSample:
		rd.sample(e)
		return
	case trace.EventRangeBegin, trace.EventRangeActive, trace.EventRangeEnd:
		rd.span(e)
	case trace.EventLog:
		rd.log(e)
	}
	if m := rd.members[e.Goroutine()]; m != nil {
		m.passes(rd.at(e.Time()), rd.stack(m, e.Stack()))
	}
}

// enter begins a run on the goroutine that the event is of.
func (rd *reader) enter(e *trace.Event) {
	if !rd.begun {
		rd.begun, rd.zero = true, e.Time()
	}
	id := e.Goroutine()
	if m := rd.members[id]; m != nil { // it is inside already, or a child of one that is
		m.deep++
		return
	}
	m := rd.add(id, e.Time())
	m.outside = frames(e.Stack())
	for len(m.outside) > 0 && strings.HasPrefix(m.outside[0].Func, tracing) {
		m.outside = m.outside[1:]
	}
	m.run = len(rd.x.Runs)
	rd.x.Runs = append(rd.x.Runs, Run{Span: Span{From: m.From, To: -1}, Goroutine: int64(id)})
	m.turn(m.From, Running, rd.stack(m, e.Stack()))
	rd.open++
}

func (rd *reader) leave(e *trace.Event) {
	m := rd.members[e.Goroutine()]
	if m == nil {
		return
	}
	if m.deep > 0 || m.run < 0 {
		m.deep--
		return
	}
	now := rd.at(e.Time())
	m.end(now, rd.stack(m, e.Stack()))
	m.To, m.Ended = now, true
	rd.over(m)
}

// over ends the part that a goroutine has in the execution.
func (rd *reader) over(m *member) {
	delete(rd.members, trace.GoID(m.ID))
	if m.run < 0 {
		return
	}
	rd.x.Runs[m.run].To = m.To
	rd.end = m.To
	rd.open--
}

func (rd *reader) add(id trace.GoID, t trace.Time) *member {
	m := &member{Goroutine: &Goroutine{ID: int64(id), Span: Span{From: rd.at(t), To: -1}}, rd: rd, run: -1}
	m.since = m.From
	rd.members[id] = m
	rd.x.Goroutines = append(rd.x.Goroutines, m.Goroutine)
	return m
}

// transition is a change of a goroutine's state.
func (rd *reader) transition(e *trace.Event, st trace.StateTransition) {
	id := st.Resource.Goroutine()
	from, to := st.Goroutine()
	now := rd.at(e.Time())
	m := rd.members[id]
	if from == trace.GoNotExist {
		parent := rd.members[e.Goroutine()]
		if parent == nil || m != nil {
			return
		}
		if parent.passes(now, rd.stack(parent, e.Stack())); rd.start(parent, id, e, st) {
			m = rd.members[id]
			m.turn(now, stateOf(to, st.Reason, m.entry), m.entry)
		}
		return
	}
	if waker := rd.members[e.Goroutine()]; waker != nil && waker != m {
		waker.passes(now, rd.stack(waker, e.Stack()))
	}
	if m == nil || from == to || from == trace.GoUndetermined {
		return
	}
	stack := rd.stack(m, st.Stack)
	if to == trace.GoNotExist {
		m.exit(now)
		rd.over(m)
		return
	}
	if from == trace.GoWaiting && e.Goroutine() != trace.NoGoroutine && e.Goroutine() != id {
		m.woken = rd.waker(m.state, e)
	}
	m.turn(now, stateOf(to, st.Reason, stack), stack)
}

// coroutine is what those begin with that iter.Pull makes.
const coroutine = "runtime.corostart"

// start adds a goroutine that a member has started. The runtime's own are nobody's: whoever happens to
// need the garbage collector first starts its workers.
func (rd *reader) start(parent *member, id trace.GoID, e *trace.Event, st trace.StateTransition) bool {
	entry := rd.stack(nil, st.Stack)
	name := ""
	if entry != nil {
		name = entry.Frames[len(entry.Frames)-1].Func
	}
	if strings.HasPrefix(name, "runtime.") && name != coroutine {
		return false
	}
	m := rd.add(id, e.Time())
	m.Parent, m.Func, m.entry = parent.ID, name, entry
	m.By = rd.stack(parent, e.Stack())
	return true
}

// waker is who ends a wait in the given state. Whoever starts the world again, or helps the garbage collector,
// looks in passing for what the network has for others; it is not who sent it. Who closes a connection, or
// sets its deadline, does so through internal/poll.
func (rd *reader) waker(s State, e *trace.Event) *Waker {
	m := rd.members[e.Goroutine()]
	stack := rd.stack(m, e.Stack())
	if s == Network && !stack.throughPoll() {
		return nil
	}
	return &Waker{ID: int64(e.Goroutine()), Own: m != nil, Stack: stack}
}

func (s *Stack) throughPoll() bool {
	return s != nil && slices.ContainsFunc(s.Frames, func(f Frame) bool { return strings.HasPrefix(f.Func, "internal/poll.") })
}

func (rd *reader) sample(e *trace.Event) {
	m := rd.members[e.Goroutine()]
	if m == nil || e.Time() < rd.zero {
		return
	}
	rd.x.Samples = append(rd.x.Samples, Sample{At: rd.at(e.Time()), Goroutine: m.ID, Stack: rd.stack(m, e.Stack())})
}
