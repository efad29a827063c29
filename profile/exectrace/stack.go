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

// common is the stack of the calls that a and b have in common, counted from the outermost: who was at a
// and later at b has not left them in between, or has come back to the very same place.
func (in *interned) common(a, b *Stack) *Stack {
	if a == b || b == nil {
		return a
	}
	if a == nil {
		return b
	}
	i, j := len(a.Frames), len(b.Frames)
	for i > 0 && j > 0 && a.Frames[i-1] == b.Frames[j-1] {
		i, j = i-1, j-1
	}
	// The calls part here, within one function if it is still the same one.
	if i > 0 && j > 0 && a.Frames[i-1].Func == b.Frames[j-1].Func {
		j--
	}
	return in.of(b.Frames[j:])
}

// mostSampled is how deep a stack of the CPU profiler's is at the most. What is nearly so deep may have lost
// its outermost calls.
const mostSampled = 60

// extends says whether the sample s was taken in calls from known. The profiler does not find all callers of
// what is written in assembly, or is the kernel's.
func (s *Stack) extends(known *Stack) bool {
	switch {
	case s == nil:
		return false
	case known == nil || len(s.Frames) >= mostSampled:
		return true
	}
	n := len(s.Frames) - len(known.Frames)
	if n < 0 {
		return false
	}
	for i, f := range known.Frames {
		if s.Frames[n+i].Func != f.Func {
			return false
		}
	}
	return true
}
