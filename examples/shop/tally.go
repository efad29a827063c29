package main

import (
	"net/http"
	"slices"
	"time"
)

// A phase is what the crowd met in one part of the tour.
type phase struct{ withSQL, withoutSQL tally }

// A tally is a heap of answers.
type tally struct {
	answers []answer
	took    []time.Duration // of all of them, in order
}

func (t *tally) add(answers ...[]answer) {
	t.answers = slices.Concat(append(answers, t.answers)...)
	t.took = nil
	for _, a := range t.answers {
		t.took = append(t.took, a.took)
	}
	slices.Sort(t.took)
}

// status counts the whole answers with a status.
func (t *tally) status(code int) int {
	n := 0
	for _, a := range t.answers {
		if a.err == nil && a.status == code {
			n++
		}
	}
	return n
}

// quantile is the time within which that part of the answers came, 0 to 1; zero if there were none.
func (t *tally) quantile(part float64) time.Duration {
	if len(t.took) == 0 {
		return 0
	}
	return t.took[int(part*float64(len(t.took)-1)+0.5)]
}

// unharmed says whether all was well, and by far: noise on the machine is no harm.
func (t *tally) unharmed() bool {
	return len(t.answers) > 0 && t.status(http.StatusOK) == len(t.answers) && t.quantile(0.99) < tourLimit/2
}
