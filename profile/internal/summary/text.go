package summary

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/profile/internal/result"
)

const (
	topShares   = 5   // in a text
	topBackends = 10  // in a text
	maxLine     = 500 // characters of what is shown on one line
)

// Text is the result for a terminal: the sentence, what took longest, the backends, the goroutines, panics,
// and what is missing. Whatever the result has in it, no line is anything else than it seems, and nothing
// controls the terminal. One that is not done says how far it is.
func Text(res *result.Result) string {
	var b strings.Builder
	line := func(format string, args ...any) {
		b.WriteString(alert.OneLine(fmt.Sprintf(format, args...), maxLine))
		b.WriteByte('\n')
	}
	if asked := strings.TrimSpace(res.Method + " " + res.URI); asked != "" {
		line("%s", asked)
	}
	switch res.State {
	case result.Waits:
		line("The request waits for its turn. %s", res.Turn)
	case result.Runs:
		line("The request is being served.")
	case result.Reads:
		line("The trace is being read.")
	case result.Failed:
		line("There is no profile.")
	}
	if res.Sentence != "" {
		line("%s", res.Sentence)
	}
	if len(res.Shares) > 0 {
		fmt.Fprintf(&b, "\n%s\n", Top(res, topShares))
	}
	for i, back := range res.Backends {
		if i == topBackends {
			line("and %s more", count(len(res.Backends)-i, "backend"))
			break
		}
		line("%s", backend(back))
		if s, ok := most(back, len(res.Runs)); ok {
			b.WriteString("    ")
			line("the same statement %d times in %s%s: %s", s.Calls, duration(s.Time), each(len(res.Runs)), s.Text)
		}
	}
	if n := len(res.Timeline.Rows) + res.Timeline.More; n > 0 {
		line("%s", count(n, "goroutine"))
	}
	if n, first := panics(res.Runs); n > 0 {
		line("%s: %s", count(n, "panic"), first)
	}
	for _, p := range res.Problems {
		line("problem: %s", p)
	}
	return b.String()
}

// Top is the n largest shares, each on a line: how much of the time, how long, how often, what, and where.
func Top(res *result.Result, n int) string {
	shares := res.Shares[:min(max(n, 0), len(res.Shares))]
	times := make([]time.Duration, len(shares))
	for i, s := range shares {
		times[i] = s.Time
	}
	rows := make([][]string, len(shares))
	for i, p := range percents(times, res.Took) {
		s := shares[i]
		percent := fmt.Sprintf("%d %%", p)
		if 100*s.Time < res.Took {
			percent = "< 1 %"
		}
		rows[i] = []string{percent, duration(s.Time), count(s.Times, "time"), alert.OneLine(s.What, maxLine), alert.OneLine(s.Where, maxLine)}
	}
	return aligned(rows)
}

// aligned puts cells into columns: figures to the right, words to the left.
func aligned(rows [][]string) string {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			if i < 3 {
				fmt.Fprintf(&line, "%*s  ", widths[i], cell)
			} else {
				fmt.Fprintf(&line, "%-*s  ", widths[i], cell)
			}
		}
		b.WriteString(strings.TrimRight(line.String(), " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// backend is the counts of one: "mysql: 231 calls in 250 ms, 2 errors, 1 refused".
func backend(b result.Backend) string {
	s := fmt.Sprintf("%s: %s in %s", b.Name, count(b.Calls, "call"), duration(b.Time))
	if b.Errors > 0 {
		s += ", " + count(b.Errors, "error")
	}
	if b.Refused > 0 {
		s += fmt.Sprintf(", %d refused", b.Refused)
	}
	return s
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
