package graph

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/google/pprof/profile"
)

// maxText is about how many bytes of a name are kept. Go's own are shorter, without their type parameters;
// a longer one would be a box of that width in the graph.
const maxText = 256

// clean copies a profile for the driver, which changes what it is given. The profile's own Copy writes into
// the original, so two at once would be a race. The copy has nothing that makes the driver look at the disk
// (build IDs) or leads elsewhere (the URL of documentation), nothing that the driver would put
// unescaped into Graphviz's language, and no hole that it would stumble over.
func clean(p *profile.Profile) (*profile.Profile, error) {
	c := cleaner{
		to: &profile.Profile{
			DefaultSampleType: quoted(p.DefaultSampleType),
			TimeNanos:         p.TimeNanos,
			DurationNanos:     p.DurationNanos,
			Period:            p.Period,
		},
		mappings:  make(map[*profile.Mapping]*profile.Mapping),
		locations: make(map[*profile.Location]*profile.Location, len(p.Location)),
		functions: make(map[*profile.Function]*profile.Function, len(p.Function)),
	}
	if t := p.PeriodType; t != nil {
		c.to.PeriodType = &profile.ValueType{Type: quoted(t.Type), Unit: quoted(t.Unit)}
	}
	for i, t := range p.SampleType {
		if t == nil {
			return nil, fmt.Errorf("graph: sample type %d of the profile is nil", i)
		}
		c.to.SampleType = append(c.to.SampleType, &profile.ValueType{Type: quoted(t.Type), Unit: quoted(t.Unit)})
	}
	for _, comment := range p.Comments {
		c.to.Comments = append(c.to.Comments, text(comment))
	}
	if len(p.Mapping) > 0 {
		c.mapping(p.Mapping[0]) // the program's own, which the pages take their title from
	}
	for i, s := range p.Sample {
		if s == nil || len(s.Value) != len(p.SampleType) {
			return nil, fmt.Errorf("graph: sample %d of the profile has not one value for each of %d sample types",
				i, len(p.SampleType))
		}
		if err := c.sample(s); err != nil {
			return nil, fmt.Errorf("graph: sample %d of the profile %w", i, err)
		}
	}
	return c.to, nil
}

// A cleaner remembers what it has copied.
type cleaner struct {
	to        *profile.Profile
	mappings  map[*profile.Mapping]*profile.Mapping
	locations map[*profile.Location]*profile.Location
	functions map[*profile.Function]*profile.Function
}

func (c *cleaner) sample(from *profile.Sample) error {
	s := &profile.Sample{
		Value:    append([]int64(nil), from.Value...),
		Location: make([]*profile.Location, 0, len(from.Location)),
		Label:    make(map[string][]string, len(from.Label)),
		NumLabel: make(map[string][]int64, len(from.NumLabel)),
		NumUnit:  make(map[string][]string, len(from.NumUnit)),
	}
	for _, l := range from.Location {
		if l == nil {
			return fmt.Errorf("has a location that is nil")
		}
		s.Location = append(s.Location, c.location(l))
	}
	for key, values := range from.Label {
		for _, value := range values {
			s.Label[quoted(key)] = append(s.Label[quoted(key)], quoted(value))
		}
	}
	for key, values := range from.NumLabel {
		if _, twice := s.NumLabel[quoted(key)]; twice {
			continue // a name that differs only in what quoted replaces
		}
		s.NumLabel[quoted(key)] = append([]int64(nil), values...)
		if units := from.NumUnit[key]; len(units) == len(values) {
			for _, unit := range units {
				s.NumUnit[quoted(key)] = append(s.NumUnit[quoted(key)], quoted(unit))
			}
		}
	}
	c.to.Sample = append(c.to.Sample, s)
	return nil
}

func (c *cleaner) location(from *profile.Location) *profile.Location {
	if l, known := c.locations[from]; known {
		return l
	}
	l := &profile.Location{
		ID:       uint64(len(c.to.Location)) + 1,
		Mapping:  c.mapping(from.Mapping),
		Address:  from.Address,
		IsFolded: from.IsFolded,
	}
	for _, line := range from.Line {
		if line.Function != nil {
			l.Line = append(l.Line, profile.Line{
				Function: c.function(line.Function), Line: line.Line, Column: line.Column,
			})
		}
	}
	c.locations[from] = l
	c.to.Location = append(c.to.Location, l)
	return l
}

func (c *cleaner) function(from *profile.Function) *profile.Function {
	if f, known := c.functions[from]; known {
		return f
	}
	f := &profile.Function{
		ID:         uint64(len(c.to.Function)) + 1,
		Name:       text(from.Name),
		SystemName: text(from.SystemName),
		Filename:   quoted(from.Filename),
		StartLine:  from.StartLine,
	}
	c.functions[from] = f
	c.to.Function = append(c.to.Function, f)
	return f
}

func (c *cleaner) mapping(from *profile.Mapping) *profile.Mapping {
	if from == nil {
		return nil
	}
	if m, known := c.mappings[from]; known {
		return m
	}
	m := &profile.Mapping{
		ID:              uint64(len(c.to.Mapping)) + 1,
		Start:           from.Start,
		Limit:           from.Limit,
		Offset:          from.Offset,
		File:            quoted(from.File),
		HasFunctions:    from.HasFunctions,
		HasFilenames:    from.HasFilenames,
		HasLineNumbers:  from.HasLineNumbers,
		HasInlineFrames: from.HasInlineFrames,
	}
	c.mappings[from] = m
	c.to.Mapping = append(c.to.Mapping, m)
	return m
}

// text makes a name that can be shown: of a bounded length, in UTF-8, on one line, from left to right. Of a
// long one the middle is left out, as what tells one closure from another is at the end.
func text(s string) string {
	if len(s) > maxText {
		s = s[:maxText/2] + "…" + s[len(s)-maxText/2:]
	}
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// quoted is text for where pprof puts it between double quotes without escaping it.
func quoted(s string) string {
	return strings.NewReplacer(`"`, `'`, `\`, `/`).Replace(text(s))
}
