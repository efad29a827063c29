package exectrace

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/internal/stacks"
)

// The sample types of a profile next to one for each State.
const (
	wall    = "wall"
	samples = "samples"
	cpu     = "cpu"

	// samplePeriod is the CPU profiler's, in nanoseconds: 100 times in a second, as runtime/pprof sets it.
	samplePeriod = 10_000_000
)

// Profile is the execution as go tool pprof reads it, of github.com/google/pprof/profile, whose Write
// writes a file. Its sample types are wall, the time of all goroutines; a part of it for each [State]; and
// what the CPU profiler counted, as samples and as cpu. All but samples are in nanoseconds.
//
// Samples have labels: goroutine, the function it was started with, or "request" for one that entered the
// region, and its ID; waker, who ended the wait; and backend, the one that was called. What is known of no
// stack is at the function that the goroutine was started with, or at "unknown".
func (x *Execution) Profile() *profile.Profile {
	b := builder{
		p: &profile.Profile{
			DefaultSampleType: wall,
			PeriodType:        &profile.ValueType{Type: cpu, Unit: "nanoseconds"},
			Period:            samplePeriod,
		},
		functions: map[[2]string]*profile.Function{},
		locations: map[Frame]*profile.Location{},
		stacks:    map[*Stack][]*profile.Location{},
		samples:   map[sampleKey]*profile.Sample{},
	}
	names := map[int64]string{} // of goroutines
	for _, run := range x.Runs {
		b.p.DurationNanos += int64(run.Length())
	}
	b.types()
	w := newWalker(x)
	var steps []Step
	for _, g := range x.Goroutines {
		name := fmt.Sprintf("%s #%d", stacks.Short(g.Func), g.ID)
		if g.Parent == 0 {
			name = fmt.Sprintf("request #%d", g.ID)
		}
		for _, i := range g.Intervals {
			steps = w.split(steps[:0], g, i, nil)
			for _, step := range steps {
				b.add(step, name, g)
			}
		}
		names[g.ID] = name
	}
	for _, s := range x.Samples {
		values := b.sample(sampleKey{stack: s.Stack, goroutine: names[s.Goroutine]}, nil).Value
		values[len(values)-2]++
		values[len(values)-1] += samplePeriod
	}
	return b.p
}

// A builder makes a profile of what it is given.
type builder struct {
	p         *profile.Profile
	mapping   *profile.Mapping
	functions map[[2]string]*profile.Function // by name and file
	locations map[Frame]*profile.Location
	stacks    map[*Stack][]*profile.Location
	samples   map[sampleKey]*profile.Sample
}

// A sampleKey tells samples apart: what is alike in all of it is counted as one.
type sampleKey struct {
	stack                     *Stack
	goroutine, waker, backend string
}

func (b *builder) types() {
	// pprof would look for symbols in the program's file if the mapping did not say that they are there.
	b.mapping = &profile.Mapping{ID: 1, HasFunctions: true, HasFilenames: true, HasLineNumbers: true, HasInlineFrames: true}
	if name, err := os.Executable(); err == nil {
		b.mapping.File = filepath.Base(name)
	}
	b.p.Mapping = []*profile.Mapping{b.mapping}
	b.p.SampleType = append(b.p.SampleType, &profile.ValueType{Type: wall, Unit: "nanoseconds"})
	for _, s := range States() {
		b.p.SampleType = append(b.p.SampleType, &profile.ValueType{Type: s.String(), Unit: "nanoseconds"})
	}
	b.p.SampleType = append(b.p.SampleType,
		&profile.ValueType{Type: samples, Unit: "count"}, &profile.ValueType{Type: cpu, Unit: "nanoseconds"})
}

func (b *builder) add(s Step, goroutine string, g *Goroutine) {
	key := sampleKey{stack: s.Stack, goroutine: goroutine}
	if s.Waker != nil {
		key.waker = s.Waker.name()
	}
	if s.Call != nil {
		key.backend = s.Call.Backend
	}
	values := b.sample(key, g).Value
	values[0] += int64(s.Length())
	values[1+int(s.State)] += int64(s.Length())
}

func (b *builder) sample(key sampleKey, g *Goroutine) *profile.Sample {
	if s := b.samples[key]; s != nil {
		return s
	}
	s := &profile.Sample{Value: make([]int64, len(b.p.SampleType)), Label: map[string][]string{}}
	if s.Location = b.stack(key.stack); s.Location == nil {
		name := "unknown"
		if g != nil && g.Func != "" {
			name = g.Func
		}
		s.Location = []*profile.Location{b.location(Frame{Func: name})}
	}
	for label, value := range map[string]string{"goroutine": key.goroutine, "waker": key.waker, "backend": key.backend} {
		if value != "" {
			s.Label[label] = []string{value}
		}
	}
	b.samples[key] = s
	b.p.Sample = append(b.p.Sample, s)
	return s
}

func (b *builder) stack(s *Stack) []*profile.Location {
	if s == nil {
		return nil
	}
	if known, ok := b.stacks[s]; ok {
		return known
	}
	var all []*profile.Location
	for _, f := range s.Frames {
		all = append(all, b.location(f))
	}
	b.stacks[s] = all
	return all
}

func (b *builder) location(f Frame) *profile.Location {
	if l := b.locations[f]; l != nil {
		return l
	}
	name := [2]string{f.Func, f.File}
	fn := b.functions[name]
	if fn == nil {
		fn = &profile.Function{ID: uint64(len(b.p.Function) + 1), Name: f.Func, SystemName: f.Func, Filename: f.File}
		b.functions[name] = fn
		b.p.Function = append(b.p.Function, fn)
	}
	l := &profile.Location{
		ID: uint64(len(b.p.Location) + 1), Mapping: b.mapping, Address: f.PC,
		Line: []profile.Line{{Function: fn, Line: int64(f.Line)}},
	}
	b.locations[f] = l
	b.p.Location = append(b.p.Location, l)
	return l
}

// name is that of the function that the waker was started with.
func (w *Waker) name() string {
	if w.Stack == nil {
		return fmt.Sprintf("goroutine #%d", w.ID)
	}
	return fmt.Sprintf("%s #%d", stacks.Short(w.Stack.Frames[len(w.Stack.Frames)-1].Func), w.ID)
}
