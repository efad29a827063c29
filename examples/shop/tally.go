package main

import (
	"net/http"
	"slices"
	"time"
)

// A phase is what the crowd met in one part of the tour.
type phase struct {
	start               time.Time // just before the fault was put on MySQL
	withSQL, withoutSQL tally
}

// atOnce is within what time an answer comes that has waited for nothing.
const atOnce = tourPatience / 10

// firstRefusal is the first 503 in the phase that came at once, for a page with SQL: how long after
// its start, or never.
func (p *phase) firstRefusal() (time.Duration, bool) {
	return p.withSQL.first(p.start, func(a answer) bool { return a.status == http.StatusServiceUnavailable && a.took < atOnce })
}

// firstPage is the first page with SQL that was served, likewise.
func (p *phase) firstPage() (time.Duration, bool) {
	return p.withSQL.first(p.start, answer.ok)
}

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

// ok says whether it is the page that was asked for.
func (a answer) ok() bool { return a.err == nil && a.status == http.StatusOK }

// first is when, counted from start, the first of the answers came that are so.
func (t *tally) first(start time.Time, so func(answer) bool) (time.Duration, bool) {
	var first time.Duration
	found := false
	for _, a := range t.answers {
		if after := a.at.Sub(start); so(a) && (!found || after < first) {
			first, found = after, true
		}
	}
	return first, found
}

// asked are the answers to requests that were made since then.
func (t *tally) asked(since time.Time) tally {
	var later tally
	for _, a := range t.answers {
		if !a.at.Add(-a.took).Before(since) {
			later.answers = append(later.answers, a)
			later.took = append(later.took, a.took)
		}
	}
	slices.Sort(later.took)
	return later
}

// served is the part of all pages that were served, 0 to 1.
func (t *tally) served() float64 {
	if len(t.answers) == 0 {
		return 0
	}
	return float64(t.status(http.StatusOK)) / float64(len(t.answers))
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
