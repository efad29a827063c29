package exectrace

import (
	"encoding/binary"
	"strings"

	"golang.org/x/exp/trace"
)

// tracing begins the names of what enters a region.
const tracing = "runtime/trace."

// interned gives equal stacks the same pointer. A trace has a handle for each, but only within one of the
// generations that it consists of.
type interned struct {
	known map[trace.Stack]*Stack
	same  map[string]*Stack
	both  map[[2]*Stack]*Stack // what is between two
}

// of is the stack with the given frames, nil if there are none.
func (in *interned) of(frames []Frame) *Stack {
	if len(frames) == 0 {
		return nil
	}
	key := make([]byte, 0, 16*len(frames))
	for _, f := range frames {
		key = binary.LittleEndian.AppendUint64(key, f.PC)
		key = binary.LittleEndian.AppendUint32(key, uint32(f.Line))
		key = append(key, f.Func...)
	}
	s := in.same[string(key)]
	if s == nil {
		s = &Stack{Frames: frames}
		in.same[string(key)] = s
	}
	return s
}

// frames copies those of a stack in a trace.
func frames(s trace.Stack) []Frame {
	if s == trace.NoStack {
		return nil
	}
	var all []Frame
	for f := range s.Frames() {
		all = append(all, Frame{PC: f.PC, Func: f.Func, File: f.File, Line: int(f.Line)})
	}
	if n := len(all); n > 1 && all[n-1].Func == "runtime.goexit" { // only the profiler's have it
		all = all[:n-1]
	}
	return all
}

// stack is one of a member's, without what is outside of the region; m may be nil for one of a stranger's.
func (rd *reader) stack(m *member, s trace.Stack) *Stack {
	if s == trace.NoStack {
		return nil
	}
	known := rd.stacks.known
	if m != nil && len(m.outside) > 0 {
		if m.known == nil {
			m.known = map[trace.Stack]*Stack{}
		}
		known = m.known
	}
	if found, ok := known[s]; ok {
		return found
	}
	all := frames(s)
	if m != nil {
		all = inside(all, m.outside)
	}
	found := rd.stacks.of(all)
	known[s] = found
	return found
}

// inside takes off the outermost frames that were there when the region was entered, and what entered it. A
// stack that is too deep has lost them already.
func inside(all, outside []Frame) []Frame {
	n := len(all) - len(outside)
	if n < 0 || len(outside) == 0 {
		return all
	}
	for i, f := range outside {
		if all[n+i].Func != f.Func {
			return all
		}
	}
	for n > 0 && strings.HasPrefix(all[n-1].Func, tracing) {
		n--
	}
	return all[:n]
}

// between is what is known of a goroutine that was at a and is at b now, and ran in the meantime: the calls
// that both have in common, counted from the outermost. It has not left them, or has come back to the very
// same place. Those by which it waited at a, or waits or wakes others at b, are not among them: the time is
// that after the one and before the other. Where it was is nil if that is not known.
func (in *interned) between(a, b *Stack) *Stack {
	both := [2]*Stack{a, b}
	s, known := in.both[both]
	if !known {
		s = in.common(a, b)
		in.both[both] = s
	}
	return s
}

func (in *interned) common(a, b *Stack) *Stack {
	switch {
	case b == nil:
		return in.begun(a)
	case a == nil:
		return in.begun(b)
	}
	i, j := len(a.Frames), len(b.Frames)
	for i > 0 && j > 0 && a.Frames[i-1] == b.Frames[j-1] {
		i, j = i-1, j-1
	}
	// The calls part here, within one function if it is still the same one.
	if i > 0 && j > 0 && a.Frames[i-1].Func == b.Frames[j-1].Func {
		j--
	}
	for j+1 < len(b.Frames) && b.Frames[j].waits() {
		j++
	}
	return in.of(b.Frames[j:])
}

// begun is the stack of a goroutine of which is known only that it has been at s: it has not come back from
// the outermost call.
func (in *interned) begun(s *Stack) *Stack {
	if s == nil {
		return nil
	}
	return in.of(s.Frames[s.first():])
}

// first is the place of the outermost call that is not one to a starter.
func (s *Stack) first() int {
	n := len(s.Frames) - 1
	for n > 0 && starters[s.Frames[n].Func] {
		n--
	}
	return n
}

// waits says whether the call may be one by which goroutines wait, or wake others.
func (f Frame) waits() bool {
	for _, of := range []string{"runtime.", "sync.", "internal/", "syscall.", "time.Sleep", tracing} {
		if strings.HasPrefix(f.Func, of) {
			return true
		}
	}
	return false
}

// mostSampled is how deep a stack of the CPU profiler's is at the most. What is nearly so deep may have lost
// its outermost calls.
const mostSampled = 60

// begins says whether the sample s was taken in the call that known begins with. The profiler does not find
// all callers of what is written in assembly, or is the kernel's.
func (s *Stack) begins(known *Stack) bool {
	switch {
	case s == nil:
		return false
	case known == nil || len(s.Frames) >= mostSampled:
		return true
	}
	return s.Frames[len(s.Frames)-1].Func == known.Frames[len(known.Frames)-1].Func
}
