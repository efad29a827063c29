package graph_test

import (
	"github.com/google/pprof/profile"
)

// shop is the profile of one request of a shop: 100 ms, most of it in the database.
func shop() *profile.Profile {
	p := &profile.Profile{
		SampleType: []*profile.ValueType{
			{Type: "wall", Unit: "nanoseconds"}, {Type: "running", Unit: "nanoseconds"}, {Type: "network", Unit: "nanoseconds"},
		},
		DefaultSampleType: "wall",
		TimeNanos:         1.7e18,
		DurationNanos:     100e6,
		Comments:          []string{"GET /cart"},
	}
	add(p, []int64{60e6, 0, 60e6}, "main.(*Store).query", "main.cart", "main.main")
	add(p, []int64{30e6, 30e6, 0}, "encoding/json.Marshal", "main.cart", "main.main")
	add(p, []int64{10e6, 10e6, 0}, "main.render", "main.main")
	return p
}

// add gives a profile a sample, whose functions are named the innermost first.
func add(p *profile.Profile, values []int64, functions ...string) *profile.Sample {
	s := &profile.Sample{Value: values, Label: map[string][]string{"goroutine": {"main.main #1"}}}
	for _, name := range functions {
		s.Location = append(s.Location, location(p, name))
	}
	p.Sample = append(p.Sample, s)
	return s
}

// location finds that of a function, or makes it.
func location(p *profile.Profile, function string) *profile.Location {
	for _, l := range p.Location {
		if l.Line[0].Function.Name == function {
			return l
		}
	}
	id := uint64(len(p.Location)) + 1
	f := &profile.Function{ID: id, Name: function, SystemName: function, Filename: "/src/shop/main.go", StartLine: 1}
	l := &profile.Location{ID: id, Address: id << 12, Line: []profile.Line{{Function: f, Line: int64(id)}}}
	p.Function, p.Location = append(p.Function, f), append(p.Location, l)
	return l
}
