package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
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
	hung, restored := &s.phases[during], &s.phases[after]
	return []check{
		{"before, every page is answered 200", allOK(s.phases[before])},
		{"while MySQL hangs, every page with SQL is answered 503 with Retry-After", allRefused(hung.withSQL)},
		{fmt.Sprintf("and each of them within %v, a call's %v and a margin", tourPatience+tourMargin, tourPatience), allInTime(hung.withSQL)},
		{fmt.Sprintf("the first that comes at once does so within %v of the hang", tourLimit), within(tourLimit)(hung.firstRefusal())},
		{"and most of them come at once", mostAtOnce(hung.withSQL)},
		{"while MySQL hangs, all pages without SQL are served, unharmed", allUnharmed(hung.withoutSQL)},
		{"a report shows in which call to MySQL the search hangs, and where, from before its deadline", searchReported(s.reports)},
		{"a report shows that the page of all authors asks MySQL the same over and over", authorsReported(s.authors, s.reports)},
		{"a profile of that page says that it waits for MySQL, and for what over and over", authorsProfiled(s.profile)},
		{"somebody was alerted", atLeastOne(s.alerts.Delivered)},
		{fmt.Sprintf("after the restore, the first good page with SQL comes within %v", tourRecovery), within(tourRecovery)(restored.firstPage())},
		{"and from then on every page is answered 200 again, with no restart", allOK(restored.recovered())},
	}
}

// recovered is the phase from the first good page with SQL on. Pages without SQL have no excuse before.
func (p *phase) recovered() phase {
	well := *p
	if after, ok := p.firstPage(); ok {
		well.withSQL = p.withSQL.asked(p.start.Add(after))
	}
	return well
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
	if problem := p.withSQL.each(served); problem != "" {
		return problem
	}
	return p.withoutSQL.each(served)
}

func served(a answer) string {
	if a.status != http.StatusOK {
		return fmt.Sprintf("was answered %d", a.status)
	}
	return ""
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
		if a.took > tourPatience+tourMargin {
			return "took " + human(a.took)
		}
		return ""
	})
}

// within judges when something came, if it did.
func within(limit time.Duration) func(time.Duration, bool) string {
	return func(after time.Duration, ok bool) string {
		switch {
		case !ok:
			return "there was none"
		case after > limit:
			return "it came after " + human(after)
		}
		return ""
	}
}

func mostAtOnce(t tally) string {
	if median := t.quantile(0.5); len(t.answers) == 0 || median >= atOnce {
		return "their median was " + human(median)
	}
	return ""
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

// searchReport finds the first report on a search that was taken in time, and that has the search's
// handler on a stack and a call to MySQL in progress.
func searchReport(reports []slowlog.Report) *slowlog.Report {
	for i, r := range slices.Backward(reports) {
		if !strings.HasPrefix(r.URI, "/search") || r.Elapsed >= r.Deadline || !calling("mysql", r.Backends) {
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

// calling says whether there is a call in progress to the backend.
func calling(name string, backends []alert.Backend) bool {
	return slices.ContainsFunc(backends, func(b alert.Backend) bool { return b.Name == name && len(b.Running) > 0 })
}

func authorsReported(asked tally, reports []slowlog.Report) string {
	if problem := asked.each(served); problem != "" {
		return problem
	}
	if authorsReport(reports) == nil {
		return fmt.Sprintf("none of %d reports does", len(reports))
	}
	return ""
}

// authorsProfiled looks for what the page of all authors spends its time with: 31 statements, 30 alike.
func authorsProfiled(profile string) string {
	for _, want := range []string{"% waiting for mysql", "the same statement 30 times"} {
		if !strings.Contains(profile, want) {
			return fmt.Sprintf("it does not say %q", want)
		}
	}
	return ""
}

// authorsReport finds the report on all authors that tells of the same statement over and over.
func authorsReport(reports []slowlog.Report) *slowlog.Report {
	for i, r := range reports {
		for _, b := range r.Backends {
			if _, often := b.Repeated(); often && r.URI == authors.path {
				return &reports[i]
			}
		}
	}
	return nil
}
