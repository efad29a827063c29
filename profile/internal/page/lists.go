package page

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/heeler-go/heeler/profile/internal/result"
)

const statementRows = 20 // of one backend

// A backend is what the page shows of the calls to one.
type backend struct {
	result.Backend
	Statements []statement
	More       int // statements that have no row
}

// A statement is one row of a backend's table.
type statement struct {
	result.Statement
	Repeated bool // so often that one call would probably do
}

// backends describes the calls of some runs, the backend that took the longest first.
func backends(all []result.Backend, runs int) []backend {
	var described []backend
	for _, b := range all {
		d := backend{Backend: b}
		for i, s := range b.Statements {
			if i == statementRows {
				d.More = len(b.Statements) - i
				break
			}
			d.Statements = append(d.Statements, statement{s, s.Calls/max(runs, 1) >= result.Repeated})
		}
		described = append(described, d)
	}
	slices.SortStableFunc(described, func(a, b backend) int { return cmp.Compare(b.Time, a.Time) })
	return described
}

// A pauses is what the page shows of the pauses of one sort.
type pauses struct {
	What        string
	World       bool
	Count       int
	Total, Most time.Duration
}

// describePauses sums the pauses up by what they were, the longest first.
func describePauses(all []result.Pause) []pauses {
	type sort struct {
		what  string
		world bool
	}
	sums := make(map[sort]*pauses)
	for _, p := range all {
		s := sums[sort{p.What, p.World}]
		if s == nil {
			s = &pauses{What: p.What, World: p.World}
			sums[sort{p.What, p.World}] = s
		}
		s.Count++
		s.Total += p.To - p.From
		s.Most = max(s.Most, p.To-p.From)
	}
	var described []pauses
	for s := range maps.Values(sums) {
		described = append(described, *s)
	}
	slices.SortFunc(described, func(a, b pauses) int {
		return cmp.Or(cmp.Compare(b.Total, a.Total), cmp.Compare(a.What, b.What))
	})
	return described
}

// problems are what the page warns of first.
func problems(res *result.Result) []string {
	var all []string
	for _, run := range res.Runs {
		if run.Panic != "" {
			all = append(all, "The handler panicked: "+clip(run.Panic, 1000))
			break
		}
	}
	return append(all, res.Problems...)
}
