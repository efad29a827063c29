package page

import (
	"cmp"
	"maps"
	"slices"
)

const topRows = 40 // of the table of functions

// A function is a row of the table.
type function struct {
	Name, File  string
	Flat, Cum   string // in the unit
	FlatP, CumP string // of the total
	flat, cum   int64
}

// top are the functions in which most was spent, in themselves first, and how many more there are.
func (c *counted) top() (rows []function, more int) {
	all := make(map[string]*function)
	seen := make(map[string]bool)
	var calls []site
	for _, s := range c.Sample {
		value := s.Value[c.index]
		if value <= 0 {
			continue
		}
		calls = stack(s, calls)
		clear(seen) // a function that calls itself counts once
		for i, call := range calls {
			f := all[call.function]
			if f == nil {
				f = &function{Name: call.function, File: call.file}
				all[call.function] = f
			}
			if i == len(calls)-1 {
				f.flat += value
			}
			if !seen[call.function] {
				seen[call.function] = true
				f.cum += value
			}
		}
	}
	sorted := slices.SortedFunc(maps.Values(all), func(a, b *function) int {
		return cmp.Or(cmp.Compare(b.flat, a.flat), cmp.Compare(b.cum, a.cum), cmp.Compare(a.Name, b.Name))
	})
	for _, f := range sorted[:min(len(sorted), topRows)] {
		f.Flat, f.FlatP = amount(f.flat, c.unit), percent(f.flat, c.total)
		f.Cum, f.CumP = amount(f.cum, c.unit), percent(f.cum, c.total)
		rows = append(rows, *f)
	}
	return rows, len(sorted) - len(rows)
}
