package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
)

const (
	// maxHeadline is how many characters of a title a headline keeps.
	maxHeadline = 200
	// maxLine is how many characters of anything else a line has.
	maxLine = 4000
)

// Headline is the Title on one line, fit for a subject or a log record: at
// most 200 characters, with control and direction-changing characters made
// spaces, and "(×17)" after it when it stands for 17.
func (a Alert) Headline() string {
	title := OneLine(a.Title, maxHeadline)
	if title == "" {
		title = "alert"
	}
	if a.Count > 1 {
		return fmt.Sprintf("%s (×%d)", title, a.Count)
	}
	return title
}

// OneLine is s on one line of at most limit characters: runs of white space,
// control characters, line separators and invisible formatting characters
// become one space, invalid UTF-8 becomes U+FFFD, and what is cut off leaves
// an ellipsis. It is for sinks that put foreign text where a line break would
// mean something.
func OneLine(s string, limit int) string {
	var b strings.Builder
	n, last, space := 0, 0, false // characters written, where the last one began, one is due
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			space = n > 0
			continue
		}
		for _, c := range [...]rune{' ', r} {
			if c == ' ' && !space {
				continue
			}
			if n == limit {
				return b.String()[:last] + "…"
			}
			last = b.Len()
			b.WriteRune(c)
			n++
		}
		space = false
	}
	return b.String()
}

// Report is the whole alert as plain text: the headline, when it was seen,
// the tags, and then Text, or, where that is empty, the request, its backends
// and the stacks.
func (a Alert) Report() string {
	var b strings.Builder
	b.WriteString(a.Headline())
	b.WriteByte('\n')
	if !a.Time.IsZero() {
		fmt.Fprintf(&b, "Seen: %s\n", a.Time.UTC().Format("2006-01-02 15:04:05.000 UTC"))
	}
	if a.Count > 1 {
		fmt.Fprintf(&b, "Stands for: %d alike, of which this is the first\n", a.Count)
	}
	for _, k := range slices.Sorted(maps.Keys(a.Tags)) {
		fmt.Fprintf(&b, "%s: %s\n", OneLine(k, maxHeadline), OneLine(a.Tags[k], 1000))
	}
	if a.Text != "" {
		fmt.Fprintf(&b, "\n%s\n", strings.TrimRight(a.Text, "\n"))
		return b.String()
	}
	if a.Request != nil {
		a.Request.report(&b)
	}
	for _, back := range a.Backends {
		back.report(&b)
	}
	for _, s := range a.Stacks {
		s.report(&b)
	}
	return b.String()
}

func (r *Request) report(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s %s %s\n", OneLine(r.Method, 50), OneLine(r.URI, maxLine), r.Proto)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(b, "    %s: %s\n", OneLine(name, maxHeadline), OneLine(value, maxLine))
		}
	}
	line("ID", r.ID)
	if !r.Start.IsZero() {
		line("Start", r.Start.UTC().Format(time.RFC3339Nano))
	}
	line("Route", r.Route)
	line("Host", r.Host)
	line("From", r.RemoteAddr)
	for _, k := range slices.Sorted(maps.Keys(r.Header)) {
		line(k, r.Header[k])
	}
}

func (s Stack) report(b *strings.Builder) {
	fmt.Fprintf(b, "\n%s\n", s.Heading())
	for _, f := range s.Frames {
		mark := "   "
		if f.App {
			mark = " → "
		}
		fmt.Fprintf(b, "%s%s\n       %s:%d\n", mark, f.Func, f.File, f.Line)
		if f.Source != "" {
			fmt.Fprintf(b, "           %s\n", f.Source)
		}
	}
}

// Heading says in one line whose the stack is, what it does and how many
// stand there.
func (s Stack) Heading() string {
	h := OneLine(s.Name, maxHeadline)
	if s.State != "" {
		h += ": " + OneLine(s.State, maxHeadline)
	}
	if s.Count > 1 {
		h += fmt.Sprintf(" (×%d)", s.Count)
	}
	return h
}
