// Package graph shows a profile as pprof does: as a call graph in Graphviz's language, drawn by Graphviz's
// dot where that is installed, and in pprof's own web pages.
//
//	dot, err := graph.DOT(ctx, p, "wall")
//	svg, err := graph.Draw(ctx, dot, "svg")
//
// It embeds github.com/google/pprof/driver, which is the one place where all of these are made. The driver
// is a command that was made callable: it keeps its options in package variables, saves what it
// fetches, searches the disk for binaries and prints. Here it gets a copy of the profile and nothing to
// read, write or print with, and one call is made at a time. A program that calls the driver itself must
// not do so at the same time, and must set each option that it depends on.
package graph

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/google/pprof/profile"
)

// nodeFraction and edgeFraction are the parts of the whole below which a function and a call are left out
// of the graph. They are geordi's, and pprof's defaults.
const (
	nodeFraction = "0.005"
	edgeFraction = "0.001"
)

// DOT gives the call graph of a profile in Graphviz's language, with the 80 functions that matter most, by
// one of the profile's sample types. An empty sampleType is the profile's default, or its last.
//
// It is the functions' only: the labels of samples, which pprof draws as nodes of their own, are left out, as
// they say of most functions only that it was this request. Of names longer than 256 bytes the middle is
// left out, and what cannot be seen in them is replaced. The profile is only read, so any number of calls
// may be made at once, also with the same profile; they wait for each other, until ctx ends.
func DOT(ctx context.Context, p *profile.Profile, sampleType string) ([]byte, error) {
	index, err := sampleIndex(p, sampleType)
	if err != nil {
		return nil, err
	}
	copied, err := clean(p)
	if err != nil {
		return nil, err
	}
	for _, s := range copied.Sample {
		s.Label, s.NumLabel, s.NumUnit = nil, nil, nil
	}
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("graph: waiting for its turn: %w", context.Cause(ctx))
	}
	// The unit that suits each number, as the page has it; pprof's own choice is the smallest for all.
	return compose(copied, settings{"sample_index": strconv.Itoa(index), "unit": "auto"})
}

// compose runs the driver for the graph's text. The caller has the turn.
func compose(copied *profile.Profile, set settings) ([]byte, error) {
	set["dot"] = "true"
	set["output"] = "graph.dot" // the name that the driver's Writer is asked for; no file has it
	var dot output
	if err := run(copied, set, &dot, nil); err != nil {
		return nil, err
	}
	return dot.Bytes(), nil
}

// sampleIndex finds a sample type by its name.
func sampleIndex(p *profile.Profile, sampleType string) (int, error) {
	if p == nil {
		return 0, fmt.Errorf("graph: there is no profile")
	}
	if len(p.SampleType) == 0 {
		return 0, fmt.Errorf("graph: the profile has no sample type")
	}
	if sampleType == "" {
		sampleType = p.DefaultSampleType
	}
	var accepted []string
	for i, t := range p.SampleType {
		if t == nil {
			return 0, fmt.Errorf("graph: sample type %d of the profile is nil", i)
		}
		if t.Type == sampleType {
			return i, nil
		}
		accepted = append(accepted, strconv.Quote(t.Type))
	}
	if sampleType == "" {
		return len(p.SampleType) - 1, nil
	}
	return 0, fmt.Errorf("graph: sample type %q: accepted are %s", sampleType, strings.Join(accepted, ", "))
}
