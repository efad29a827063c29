package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/heeler-go/heeler/slowlog"
)

// A check is something that should hold, and how it does not: empty if it does.
type check struct{ name, problem string }

// judge prints what should hold, and fails with what does not.
func judge(seen sighting, out io.Writer) error {
	var failed []error
	for _, c := range seen.checks() {
		if c.problem == "" {
			fmt.Fprintf(out, "  ok      %s\n", c.name)
			continue
		}
		fmt.Fprintf(out, "  FAILED  %s: %s\n", c.name, c.problem)
		failed = append(failed, fmt.Errorf("this should hold, and does not: %s: %s", c.name, c.problem))
	}
	return errors.Join(failed...)
}

// checks are what the tour is there to prove.
func (s *sighting) checks() []check {
	hung := &s.phases[during]
	return []check{
		{"before, every page is answered 200", allOK(s.phases[before])},
		{"while MySQL hangs, every page with SQL is answered 503 with Retry-After", allRefused(hung.withSQL)},
		{fmt.Sprintf("and each of them within %v of the limit", tourMargin), allInTime(hung.withSQL)},
		{"while MySQL hangs, pages without SQL are unharmed", allUnharmed(hung.withoutSQL)},
		{"a report shows where the search hangs, from before its deadline", searchReported(s.reports)},
		{"somebody was alerted", atLeastOne(s.alerts.Delivered)},
		{"after, every page is answered 200 again, with no restart", allOK(s.phases[after])},
	}
}

// each looks for the first answer that is not as it should be.
func (t *tally) each(problem func(answer) string) string {
	if len(t.answers) == 0 {
		return "there was no request"
	}
	for _, a := range t.answers {
		if a.err != nil {
			return fmt.Sprintf("%s: %v", a.path, a.err)
		}
		if p := problem(a); p != "" {
			return a.path + " " + p
		}
	}
	return ""
}

func allOK(p phase) string {
	ok := func(a answer) string {
		if a.status != http.StatusOK {
			return fmt.Sprintf("was answered %d", a.status)
		}
		return ""
	}
	if problem := p.withSQL.each(ok); problem != "" {
		return problem
	}
	return p.withoutSQL.each(ok)
}

func allRefused(t tally) string {
	return t.each(func(a answer) string {
		switch {
		case a.status != http.StatusServiceUnavailable:
			return fmt.Sprintf("was answered %d", a.status)
		case a.retryAfter == "":
			return "was answered 503 without Retry-After"
		}
		return ""
	})
}

func allInTime(t tally) string {
	return t.each(func(a answer) string {
		if a.took > tourLimit+tourMargin {
			return "took " + human(a.took)
		}
		return ""
	})
}

func allUnharmed(t tally) string {
	if t.unharmed() {
		return ""
	}
	return fmt.Sprintf("%d of %d were answered 200, p99 was %s",
		t.status(http.StatusOK), len(t.answers), human(t.quantile(0.99)))
}

func atLeastOne(alerts int64) string {
	if alerts == 0 {
		return "no alert was delivered"
	}
	return ""
}

// searchHandler is how the name of the function ends in which a hung search is.
const searchHandler = "(*shop).search"

func searchReported(reports []slowlog.Report) string {
	if len(reports) == 0 {
		return "there is no report"
	}
	if searchReport(reports) == nil {
		return fmt.Sprintf("none of %d reports does", len(reports))
	}
	return ""
}

// searchReport finds a report on a search that was taken in time and that has the search's handler
// on a stack.
func searchReport(reports []slowlog.Report) *slowlog.Report {
	for i, r := range reports {
		if !strings.HasPrefix(r.URI, "/search") || r.Elapsed >= r.Deadline {
			continue
		}
		for _, stack := range r.Stacks {
			for _, frame := range stack.Frames {
				if strings.HasSuffix(frame.Func, searchHandler) {
					return &reports[i]
				}
			}
		}
	}
	return nil
}
