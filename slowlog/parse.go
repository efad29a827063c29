package slowlog

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
)

// Parse reads the text form of a report, as it stands in a file of alert.Dir
// or in an e-mail. What stands before the report's first line is passed over,
// so that the whole file can be given. The error names the line that is not
// understood. Parse never panics, whatever the text.
func Parse(text string) (*Report, error) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	p := parser{lines: strings.Split(text, "\n"), r: new(Report)}
	for !strings.HasPrefix(p.peek(), firstLine) {
		if !p.more() {
			return nil, fmt.Errorf("slowlog: not a report: no line begins with %q", firstLine)
		}
		p.next()
	}
	if err := p.report(); err != nil {
		return nil, fmt.Errorf("slowlog: report, line %d: %w", p.at, err)
	}
	return p.r, nil
}

const firstLine = "slow request: "

type parser struct {
	lines []string
	at    int // lines taken
	r     *Report
}

func (p *parser) more() bool { return p.at < len(p.lines) }

func (p *parser) peek() string {
	if !p.more() {
		return ""
	}
	return p.lines[p.at]
}

func (p *parser) next() string {
	line := p.peek()
	p.at++
	return line
}

func (p *parser) report() error {
	method, uri, ok := strings.Cut(strings.TrimPrefix(p.next(), firstLine), " ")
	if !ok {
		return fmt.Errorf("a method and a URI are wanted")
	}
	p.r.Method, p.r.URI = method, uri
	if !strings.HasPrefix(p.peek(), "after ") {
		return fmt.Errorf(`a line that begins with "after " is wanted, not %q`, p.next())
	}
	p.next()
	for p.more() {
		switch line := p.next(); {
		case line == "":
		case strings.HasPrefix(line, "goroutines: ") && strings.Contains(line, "["):
			if err := p.stack(line); err != nil {
				return err
			}
		case strings.HasPrefix(line, "and "):
			if _, err := fmt.Sscanf(line, "and %d more goroutines", &p.r.More); err != nil || p.r.More < 1 {
				return fmt.Errorf("how many more goroutines? %q", line)
			}
		case strings.HasPrefix(line, "header "):
			name, value, ok := strings.Cut(line[len("header "):], ":")
			if !ok {
				return fmt.Errorf("a header without a colon: %q", line)
			}
			if p.r.Header == nil {
				p.r.Header = make(map[string]string)
			}
			p.r.Header[name] = strings.TrimSpace(value)
		default:
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				return fmt.Errorf("a name and a colon are wanted: %q", line)
			}
			if err := p.field(name, strings.TrimSpace(value)); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

func (p *parser) field(name, value string) (err error) {
	r := p.r
	switch name {
	case "id":
		r.ID = value
	case "start":
		r.Start, err = time.Parse(time.RFC3339Nano, value)
	case "taken":
		r.Taken, err = time.Parse(time.RFC3339Nano, value)
	case "elapsed":
		r.Elapsed, err = time.ParseDuration(value)
	case "deadline":
		r.Deadline, err = time.ParseDuration(value)
	case "capture":
		r.Capture, err = strconv.Atoi(value)
	case "route":
		r.Route = value
	case "host":
		r.Host = value
	case "client":
		r.RemoteAddr = value
	case "proto":
		r.Proto = value
	case "response":
		err = p.response(value)
	case "end":
		err = p.end(value)
	case "server":
		r.Server = value
	case "pid":
		r.PID, err = strconv.Atoi(value)
	case "goroutines":
		r.Goroutines, err = strconv.Atoi(value)
	case "problem":
		r.Problem = value
	default:
		err = fmt.Errorf("no such field in a report")
	}
	return err
}

// response reads "200 after 1.5s, 30 bytes".
func (p *parser) response(s string) (err error) {
	status, rest, _ := strings.Cut(s, " after ")
	after, bytes, _ := strings.Cut(rest, ", ")
	if p.r.Status, err = strconv.Atoi(status); err != nil {
		return err
	}
	if p.r.FirstByte, err = time.ParseDuration(after); err != nil {
		return err
	}
	p.r.Bytes, err = strconv.ParseInt(strings.TrimSuffix(bytes, " bytes"), 10, 64)
	return err
}

// end reads "answered after 1.5s, status 200".
func (p *parser) end(s string) (err error) {
	outcome, rest, _ := strings.Cut(s, " after ")
	after, status, _ := strings.Cut(rest, ", status ")
	e := &End{Outcome: Outcome(outcome)}
	if e.Duration, err = time.ParseDuration(after); err != nil {
		return err
	}
	if e.Status, err = strconv.Atoi(status); err != nil {
		return err
	}
	p.r.End = e
	return nil
}

// stack reads "goroutines: 2 [asleep] started by the request" and the frames
// below.
func (p *parser) stack(line string) error {
	count, rest, _ := strings.Cut(strings.TrimPrefix(line, "goroutines: "), " [")
	state, name, ok := strings.Cut(rest, "]")
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 || !ok {
		return fmt.Errorf("not a stack's first line: %q", line)
	}
	s := alert.Stack{Count: n, State: state, Name: strings.TrimSpace(name)}
	for p.peek() != "" {
		fn, ok := strings.CutSuffix(p.next(), "(...)")
		place, ok2 := strings.CutPrefix(p.next(), "\t")
		colon := strings.LastIndexByte(place, ':')
		if !ok || !ok2 || colon < 0 {
			return fmt.Errorf("a call and its place are wanted")
		}
		f := alert.Frame{Func: fn, File: place[:colon]}
		if f.Line, err = strconv.Atoi(place[colon+1:]); err != nil {
			return fmt.Errorf("the line number of %s: %w", fn, err)
		}
		if source, ok := strings.CutPrefix(p.peek(), "\t> "); ok {
			p.next()
			f.App, f.Source = true, source
		}
		s.Frames = append(s.Frames, f)
	}
	p.r.Stacks = append(p.r.Stacks, s)
	return nil
}
