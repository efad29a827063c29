package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile/internal/result"
)

// A choice is a sample type of the profile that the page can count by.
type choice struct {
	kind
	Type  string
	Total string // of all samples, in its unit
	On    bool   // the page counts by it
}

// A counted is a profile, and the sample type that the page counts by.
type counted struct {
	*profile.Profile
	index   int // of the sample type
	unit    string
	total   int64
	choices []choice
}

// making is held by two requests at most while they work with a profile: one with 100,000 stacks takes some
// hundred MiB and all of a CPU for a second, and the program has other work to do.
var making = make(chan struct{}, 2)

// begin waits until a profile may be worked with. It is to be released before an answer is sent, as that takes as
// long as a client likes.
func begin(ctx context.Context) (release func(), err error) {
	select {
	case making <- struct{}{}:
		return func() { <-making }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("profile: waiting for other pages: %w", context.Cause(ctx))
	}
}

// read reads a result's profile, to count by a sample type; "" is the profile's own choice.
func read(res *result.Result, by string) (*counted, error) {
	if len(res.Profile) == 0 {
		return nil, errors.New("profile: there is none")
	}
	p, err := profile.ParseData(res.Profile)
	if err != nil {
		return nil, fmt.Errorf("profile: it cannot be read: %w", err)
	}
	if len(p.SampleType) == 0 {
		return nil, errors.New("profile: it counts nothing")
	}
	names := make([]string, len(p.SampleType))
	for i, t := range p.SampleType {
		names[i] = t.Type
	}
	if by == "" {
		by = p.DefaultSampleType
		if !slices.Contains(names, by) {
			by = names[0]
		}
	}
	c := &counted{Profile: p, index: slices.Index(names, by)}
	if c.index < 0 {
		return nil, choiceError(fmt.Sprintf("profile: by=%q is not counted here; accepted are %s", by, strings.Join(names, ", ")))
	}
	totals := make([]int64, len(names))
	for _, s := range p.Sample {
		for i, v := range s.Value {
			totals[i] += max(v, 0)
		}
	}
	c.unit, c.total = p.SampleType[c.index].Unit, totals[c.index]
	for i, t := range p.SampleType {
		if totals[i] > 0 || i == c.index {
			c.choices = append(c.choices, choice{kindOf(t.Type), t.Type, amount(totals[i], t.Unit), i == c.index})
		}
	}
	return c, nil
}

// A choiceError says that the page was asked to count by something that the profile does not have.
type choiceError string

func (e choiceError) Error() string { return string(e) }

// notCounted answers who asked to count by something that the profile does not have, and says whether it is so.
func notCounted(w http.ResponseWriter, r *http.Request, err error) bool {
	var unknown choiceError
	if !errors.As(err, &unknown) {
		return false
	}
	apologise(w, r, http.StatusBadRequest, apology{Title: "The profile does not count that", Text: unknown.Error()})
	return true
}

// by is the name of the sample type that is counted.
func (c *counted) by() string { return c.SampleType[c.index].Type }

// A site is a call on a stack.
type site struct {
	function string
	file     string
	line     int64
}

// stack lists the calls of a sample, the outermost first. It reuses buf.
func stack(s *profile.Sample, buf []site) []site {
	buf = buf[:0]
	for i := len(s.Location) - 1; i >= 0; i-- {
		l := s.Location[i]
		if len(l.Line) == 0 {
			buf = append(buf, site{function: fmt.Sprintf("%#x", l.Address)})
		}
		for j := len(l.Line) - 1; j >= 0; j-- { // inlined calls come first
			if f := l.Line[j].Function; f != nil {
				buf = append(buf, site{f.Name, f.Filename, l.Line[j].Line})
			}
		}
	}
	return buf
}
