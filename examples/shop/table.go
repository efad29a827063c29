package main

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/profile"
)

// print shows what was seen: a table, how long it took to get over it, two of the reports,
// and a profile.
func (s *sighting) print(out io.Writer) {
	row := func(group, name string, cell func(*phase) string) {
		fmt.Fprintf(out, "%-17s %-10s", group, name)
		for i := range s.phases {
			fmt.Fprintf(out, "%14s", cell(&s.phases[i]))
		}
		fmt.Fprintln(out)
	}
	rows := func(group string, of func(*phase) *tally) {
		row(group, "requests", func(p *phase) string { return fmt.Sprint(len(of(p).answers)) })
		row("", "median", func(p *phase) string { return human(of(p).quantile(0.5)) })
		row("", "p99", func(p *phase) string { return human(of(p).quantile(0.99)) })
		row("", "200", func(p *phase) string { return fmt.Sprint(of(p).status(http.StatusOK)) })
		row("", "503", func(p *phase) string { return fmt.Sprint(of(p).status(http.StatusServiceUnavailable)) })
	}
	fmt.Fprintf(out, "%-28s%14s%14s%14s\n", "", "before", "MySQL hangs", "after")
	rows("pages with SQL", func(p *phase) *tally { return &p.withSQL })
	fmt.Fprintln(out)
	rows("pages without SQL", func(p *phase) *tally { return &p.withoutSQL })
	row("", "unharmed?", func(p *phase) string {
		if p.withoutSQL.unharmed() {
			return "yes"
		}
		return "NO"
	})
	fmt.Fprintln(out)
	since := func(after time.Duration, ok bool) string {
		if !ok {
			return "never"
		}
		return human(after)
	}
	line := func(what, value string) { fmt.Fprintf(out, "%-56s%14s\n", what, value) }
	hung, restored := &s.phases[during], &s.phases[after]
	line("from the hang to the first 503 that comes at once", since(hung.firstRefusal()))
	line("pages without SQL that are served during the outage", percent(hung.withoutSQL.served()))
	line("from the restore to the first good page with SQL", since(restored.firstPage()))
	s.printReports(out)
	fmt.Fprint(out, "The admin had that page profiled, by adding ?"+profile.DefaultParam+" to its address:\n\n")
	lines := strings.Split(strings.TrimSpace(s.profile), "\n")
	excerpt(out, lines, 0, len(lines)-1)
	fmt.Fprintln(out)
}

// percent writes a share, rounded down: 100 % is all.
func percent(share float64) string { return fmt.Sprintf("%.1f %%", math.Floor(share*1000)/10) }

// printReports tells of the reports, and shows what two of them say: of a search that hung, how it
// begins, and the stack down to the search's handler, without most of what lies between the shop and
// the network; and of all authors, how it begins.
func (s *sighting) printReports(out io.Writer) {
	inTime := 0
	for _, r := range s.reports {
		if r.Elapsed < r.Deadline {
			inTime++
		}
	}
	fmt.Fprintf(out, "\nslowlog made %d reports, %d of them before the deadline. %d went out as alerts; %d alike are held back, to be folded.\n",
		len(s.reports), inTime, s.alerts.Delivered, s.alerts.Waiting)
	if r := searchReport(s.reports); r != nil {
		fmt.Fprint(out, "From one on a search while MySQL hung:\n\n")
		lines := strings.Split(strings.TrimSpace(r.Text()), "\n")
		stack := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "1 goroutine [") })
		own := slices.IndexFunc(lines, func(l string) bool { return strings.HasPrefix(l, "\t> ") }) - 2 // its function, place and source
		handler := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, searchHandler) }) + 2
		if stack < 0 || own < stack || handler < own || handler >= len(lines) {
			stack, own, handler = 0, 0, len(lines)-1 // not as expected: all of it
		}
		excerpt(out, lines, 0, slices.Index(lines, "")-1)
		excerpt(out, lines, stack, min(stack+4, own-1))
		excerpt(out, lines, own, handler)
		fmt.Fprintln(out)
	}
	if r := authorsReport(s.reports); r != nil {
		fmt.Fprint(out, "From the one on all authors, when MySQL was only a little slow:\n\n")
		lines := strings.Split(r.Text(), "\n")
		excerpt(out, lines, 0, slices.Index(lines, "")-1)
		fmt.Fprintln(out)
	}
}

// excerpt prints the lines from first to last, and dots before it if it does not begin the text.
func excerpt(out io.Writer, lines []string, first, last int) {
	if first > 0 {
		fmt.Fprintln(out, "  | …")
	}
	for _, line := range lines[first : last+1] {
		fmt.Fprintln(out, "  | "+strings.ReplaceAll(line, "\t", "    "))
	}
}

// human writes a duration in the unit that suits it.
func human(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
	}
	return fmt.Sprintf("%.2f s", d.Seconds())
}
