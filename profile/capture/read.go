package capture

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile/exectrace"
)

// A Capture is what was recorded.
type Capture struct {
	// Region is the name of the trace's region that f is in, each time that it was called.
	Region string
	// Trace is the execution trace, of all of the process, for go tool trace. Its size is bounded by
	// Options.MaxTrace.
	Trace []byte
	// Began is when f was first called; zero if it never was.
	Began time.Time
	// Allocs are f's allocations, as sample types alloc_objects and alloc_space, with the stacks from f
	// inwards. It is nil if they were not asked for, or could not be had. The type is that of
	// github.com/google/pprof/profile.
	Allocs *profile.Profile
	// Problems say what is missing or not exact, and why, each in a sentence. Nil if nothing is.
	Problems []string
}

func (c *Capture) note(problem string) {
	if problem != "" {
		c.Problems = append(c.Problems, problem)
	}
}

// Read reads the trace. The profile, of github.com/google/pprof/profile, is that of
// [exectrace.Execution.Profile] with Allocs added as two more sample types; its Write writes a file for
// go tool pprof. There is an error if f was never called, or if the trace is of a version of Go that
// exectrace cannot read; Trace may be opened with go tool trace even so.
//
// It leaves the capture as it is, and may be called from several goroutines at once.
func (c *Capture) Read() (*exectrace.Execution, *profile.Profile, error) {
	if c.Began.IsZero() {
		return nil, nil, errors.New("capture: nothing was recorded: Do was not called before Stop")
	}
	x, err := exectrace.Read(bytes.NewReader(c.Trace), c.Region)
	if err != nil {
		return nil, nil, fmt.Errorf("capture: reading the trace: %w", err)
	}
	p := x.Profile()
	p.TimeNanos = c.Began.UnixNano()
	if c.Allocs != nil {
		if p, err = join(p, c.Allocs); err != nil {
			return nil, nil, fmt.Errorf("capture: adding the allocations: %w", err)
		}
	}
	return x, p, nil
}

// join is a profile with the samples and the sample types of both. What it says of itself otherwise is
// what p says.
func join(p, more *profile.Profile) (*profile.Profile, error) {
	more = more.Copy()
	own, others := len(p.SampleType), len(more.SampleType)
	p.SampleType = append(p.SampleType, more.SampleType...)
	more.SampleType = p.SampleType
	for _, s := range p.Sample {
		s.Value = append(s.Value, make([]int64, others)...)
	}
	for _, s := range more.Sample {
		s.Value = append(make([]int64, own), s.Value...)
	}
	more.PeriodType, more.Period = p.PeriodType, p.Period
	more.TimeNanos, more.DurationNanos = p.TimeNanos, 0
	return profile.Merge([]*profile.Profile{p, more})
}
