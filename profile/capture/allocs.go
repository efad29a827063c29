package capture

import (
	"bytes"
	"fmt"
	"reflect"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"

	"github.com/google/pprof/profile"
)

// allocs counts what is allocated under the frame of run. Allocations have no goroutine and no labels,
// but the runtime keeps their stacks.
type allocs struct {
	rate   int                        // runtime.MemProfileRate as it was
	before map[string]*profile.Sample // by stack and size
	others bool                       // functions of earlier recordings run on
}

const othersProblem = "A function that was recorded earlier has not ended: " +
	"what it allocated meanwhile is among the allocations, as the runtime cannot tell them apart."

// newAllocs takes the profile of before the recording, for those that were recorded earlier.
func newAllocs() (*allocs, error) {
	p, err := memProfile()
	if err != nil {
		return nil, fmt.Errorf("capture: counting allocations: %w", err)
	}
	return &allocs{before: marked(p)}, nil
}

func (a *allocs) start() { a.rate = setRate(1) }

// stop puts the rate back, unless somebody else has set it meanwhile, and says what is missing; "" if nothing.
func (a *allocs) stop() (problem string) {
	if now := setRate(a.rate); now != 1 {
		setRate(now)
		return "Something else in the program has set runtime.MemProfileRate: allocations are missing."
	}
	return ""
}

// profile is what was allocated between start and stop.
func (a *allocs) profile() (*profile.Profile, error) {
	p, err := memProfile()
	if err != nil {
		return nil, err
	}
	after := marked(p)
	p.Sample = nil
	for stack, s := range after {
		if b := a.before[stack]; b != nil {
			s.Value[0] -= b.Value[0]
			s.Value[1] -= b.Value[1]
		}
		if s.Value[0] > 0 {
			p.Sample = append(p.Sample, s)
		}
	}
	p.SampleType = []*profile.ValueType{{Type: "alloc_objects", Unit: "count"}, {Type: "alloc_space", Unit: "bytes"}}
	p.DefaultSampleType = "alloc_space"
	p.Comments = nil
	return p.Compact(), nil
}

// setRate sets how the runtime samples allocations, and returns how it did. The runtime itself reads the
// variable without a lock at each allocation, and so does runtime/pprof when it writes a heap profile, which
// the race detector would report.
//
//go:norace
func setRate(rate int) (before int) {
	before, runtime.MemProfileRate = runtime.MemProfileRate, rate
	return before
}

// memProfile is the process's memory profile as it counts. The runtime publishes what was allocated up to
// two collections later. runtime/pprof scales what it writes by the rate, as if that had been the same all
// the time, so it has to be 1 meanwhile. runtime.MemProfile does not, but cuts stacks at 32 frames.
func memProfile() (*profile.Profile, error) {
	runtime.GC()
	runtime.GC()
	var b bytes.Buffer
	rate := setRate(1)
	err := pprof.Lookup("allocs").WriteTo(&b, 0)
	setRate(rate)
	if err != nil {
		return nil, err
	}
	return profile.Parse(&b)
}

// marked are the samples below the frame of run, by stack and size, with what is outside of that frame cut away,
// and with the two values of what was allocated.
func marked(p *profile.Profile) map[string]*profile.Sample {
	marks := map[uint64]bool{} // locations by ID
	name := runtime.FuncForPC(reflect.ValueOf(run).Pointer()).Name()
	for _, l := range p.Location {
		for _, line := range l.Line {
			if line.Function.Name == name {
				marks[l.ID] = true
			}
		}
	}
	found := map[string]*profile.Sample{}
	for _, s := range p.Sample {
		stack := inside(s.Location, marks)
		if len(stack) == 0 || ofTracer(stack[len(stack)-1]) {
			continue
		}
		key := keyOf(stack, s.NumLabel["bytes"])
		if found[key] == nil {
			found[key] = &profile.Sample{Location: stack, Value: make([]int64, 2), NumLabel: s.NumLabel, NumUnit: s.NumUnit}
		}
		found[key].Value[0] += s.Value[0]
		found[key].Value[1] += s.Value[1]
	}
	return found
}

// inside is the part of a stack, innermost first, that is below the outermost mark; nil if there is none.
func inside(stack []*profile.Location, marks map[uint64]bool) []*profile.Location {
	for i := len(stack) - 1; i >= 0; i-- {
		if marks[stack[i].ID] {
			return stack[:i]
		}
	}
	return nil
}

// ofTracer says whether run has called it for the region's sake.
func ofTracer(l *profile.Location) bool {
	return len(l.Line) > 0 && strings.HasPrefix(l.Line[len(l.Line)-1].Function.Name, "runtime/trace.")
}

// keyOf tells stacks apart, and on one stack the sizes of objects, which the runtime counts apart.
func keyOf(stack []*profile.Location, sizes []int64) string {
	key := fmt.Appendf(nil, "%d: ", sizes)
	for _, l := range stack {
		key = strconv.AppendUint(key, l.Address, 16)
		key = append(key, ' ')
	}
	return string(key)
}
