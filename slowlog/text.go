package slowlog

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/heeler-go/heeler/alert"
)

const (
	textTime = "2006-01-02T15:04:05.000Z07:00"
	noSource = "(no source here)" // the application's frame, but its file is not on this machine
)

// Text is the report for people: what, how long and where on the first lines,
// with the calls to backends in words, then the particulars, then the stacks in the form of a Go traceback, in which
// editors find the files. The application's own frames are those with a source
// line. Times are to the millisecond. [Parse] reads it back.
func (r *Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s %s\n", firstLine, oneLine(r.Method), oneLine(r.URI))
	fmt.Fprintf(&b, "after %s: %s\n", alert.Short(r.Elapsed), oneLine(r.Where()))
	if s, ok := r.handler(); ok {
		if f := culprit(s); f != nil {
			fmt.Fprintf(&b, "at %s\n", oneLine(fmt.Sprintf("%s:%d %s", f.File, f.Line, f.Source)))
		}
	}
	r.writeWords(&b)
	b.WriteByte('\n')
	r.writeFields(&b)
	for _, s := range r.Stacks {
		writeStack(&b, s)
	}
	if r.More > 0 {
		fmt.Fprintf(&b, "\nand %d more stacks\n", r.More)
	}
	return b.String()
}

func (r *Report) writeFields(b *strings.Builder) {
	field := func(name, value string) {
		if value = oneLine(value); value != "" {
			fmt.Fprintf(b, "%-11s %s\n", name+":", value)
		}
	}
	field("id", r.ID)
	field("start", r.Start.UTC().Format(textTime))
	field("taken", r.Taken.UTC().Format(textTime))
	field("elapsed", alert.Short(r.Elapsed))
	if r.Deadline != 0 {
		field("deadline", alert.Short(r.Deadline))
	}
	field("capture", strconv.Itoa(r.Capture))
	field("route", r.Route)
	field("host", r.Host)
	field("client", r.RemoteAddr)
	field("proto", r.Proto)
	if r.Status != 0 {
		field("response", fmt.Sprintf("%d after %s, %d bytes", r.Status, alert.Short(r.FirstByte), r.Bytes))
	}
	if r.End != nil {
		end := fmt.Sprintf("%s after %s, status %d", r.End.Outcome, alert.Short(r.End.Duration), r.End.Status)
		if r.End.Calls != 0 {
			end += fmt.Sprintf(", backend calls %d", r.End.Calls)
		}
		field("end", end)
	}
	field("server", r.Server)
	field("pid", strconv.Itoa(r.PID))
	field("goroutines", strconv.Itoa(r.Goroutines))
	field("problem", r.Problem)
	r.writeBackends(field)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		if shown := oneLine(name); shown != "" {
			field("header "+shown, r.Header[name])
		}
	}
}

// writeStack writes the frames as Go does; the source line of the
// application's own follows with a mark.
func writeStack(b *strings.Builder, s alert.Stack) {
	fmt.Fprintf(b, "\n%d goroutine%s [%s]: %s\n", s.Count, plural(s.Count), oneLine(s.State), oneLine(s.Name))
	for _, f := range s.Frames {
		fmt.Fprintf(b, "%s(...)\n\t%s:%d\n", oneLine(f.Func), oneLine(f.File), f.Line)
		if source := oneLine(f.Source); source != "" {
			fmt.Fprintf(b, "\t> %s\n", source)
		} else if f.App {
			fmt.Fprintf(b, "\t> %s\n", noSource)
		}
	}
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
