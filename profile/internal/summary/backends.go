package summary

import (
	"cmp"
	"slices"
	"time"

	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/internal/stacks"
	"github.com/heeler-go/heeler/profile/internal/result"
)

const (
	maxBackends = 50 // that are kept, those with the most time
	maxKinds    = 20 // statements of each that are kept, the most frequent
)

// Backends are fit to be shown: without secrets, bounded, each with its statements in order. Fill does the
// same to those of its result; this is for results that there is no execution for. Doing it twice changes
// nothing more. The list that is passed in stays as it was.
func Backends(list []result.Backend, secrets redact.List) []result.Backend {
	return newTeller(stacks.Program{}, secrets).backends(list)
}

func (t *teller) backends(list []result.Backend) []result.Backend {
	list = first(list, maxBackends, func(a, b result.Backend) int { return cmp.Compare(b.Time, a.Time) })
	for i := range list {
		b := &list[i]
		b.Name = t.backend(b.Name)
		b.Statements = first(b.Statements, maxKinds, func(a, b result.Statement) int { return cmp.Compare(b.Calls, a.Calls) })
		for k := range b.Statements {
			b.Statements[k].Text = t.statement(b.Statements[k].Text)
		}
	}
	return list
}

// first is a sorted copy of a list, of at most n.
func first[T any](list []T, n int, compare func(a, b T) int) []T {
	list = slices.Clone(list)
	slices.SortStableFunc(list, compare)
	return list[:min(len(list), n)]
}

// most is the most frequent statement as it is in one of the runs, if there it is more than once.
func most(b result.Backend, runs int) (s result.Statement, ok bool) {
	for _, other := range b.Statements {
		if other.Calls > s.Calls {
			s = other
		}
	}
	runs = max(runs, 1)
	s.Calls, s.Time = s.Calls/runs, s.Time/time.Duration(runs)
	return s, s.Calls > 1
}
