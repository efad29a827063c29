package slowlog

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
)

// Text is the report for people: what and where on the first lines, then the
// particulars, then the stacks in the form of a Go traceback, which editors
// make links of. [Parse] reads it back.
func (r *Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "slow request: %s %s\n", oneLine(r.Method), oneLine(r.URI))
	fmt.Fprintf(&b, "after %v: %s\n\n", r.Elapsed.Round(time.Millisecond), oneLine(r.Where()))

	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%-11s %s\n", name+":", oneLine(value))
		}
	}
	field("id", r.ID)
	field("start", r.Start.UTC().Format(time.RFC3339Nano))
	field("taken", r.Taken.UTC().Format(time.RFC3339Nano))
	field("elapsed", r.Elapsed.String())
	if r.Deadline != 0 {
		field("deadline", r.Deadline.String())
	}
	field("capture", strconv.Itoa(r.Capture))
	field("route", r.Route)
	field("host", r.Host)
	field("client", r.RemoteAddr)
	field("proto", r.Proto)
	if r.Status != 0 {
		field("response", fmt.Sprintf("%d after %v, %d bytes", r.Status, r.FirstByte, r.Bytes))
	}
	if r.End != nil {
		field("end", fmt.Sprintf("%s after %v, status %d", r.End.Outcome, r.End.Duration, r.End.Status))
	}
	field("server", r.Server)
	field("pid", strconv.Itoa(r.PID))
	field("goroutines", strconv.Itoa(r.Goroutines))
	field("problem", r.Problem)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "header %s: %s\n", oneLine(name), oneLine(r.Header[name]))
	}
	for _, s := range r.Stacks {
		writeStack(&b, s)
	}
	if r.More > 0 {
		fmt.Fprintf(&b, "\nand %d more goroutines\n", r.More)
	}
	return b.String()
}

// writeStack writes the frames as Go does; the source line of the
// application's own follows with a mark.
func writeStack(b *strings.Builder, s alert.Stack) {
	fmt.Fprintf(b, "\ngoroutines: %d [%s] %s\n", s.Count, oneLine(s.State), oneLine(s.Name))
	for _, f := range s.Frames {
		fmt.Fprintf(b, "%s(...)\n\t%s:%d\n", oneLine(f.Func), oneLine(f.File), f.Line)
		if f.App {
			fmt.Fprintf(b, "\t> %s\n", oneLine(f.Source))
		}
	}
}
