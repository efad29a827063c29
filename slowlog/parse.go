package slowlog

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
)

const firstLine = "slow request: "

// Parse reads the text form of a report, as it stands in a file of alert.Dir or
// in an e-mail. What stands before its first line is passed over, as is what
// follows after its last stack, so the whole file can be given. Whatever is not in the text, such as the trace, is zero. The error
// names the line that is not understood; the text may be anything.
func Parse(text string) (*Report, error) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	p := parser{lines: strings.Split(text, "\n")}
	for !strings.HasPrefix(p.peek(), firstLine) {
		if !p.more() {
			return nil, fmt.Errorf("slowlog: not a report: no line begins with %q", firstLine)
		}
		p.next()
	}
	r := new(Report)
	if err := p.report(r); err != nil {
		return nil, fmt.Errorf("slowlog: report, line %d: %w", p.at, err)
	}
	return r, nil
}

type parser struct {
	lines []string
	at    int // lines taken, thus the number of the last one
}

func (p *parser) more() bool { return p.at < len(p.lines) }

// peek is the next line, empty where there is none.
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

func (p *parser) report(r *Report) error {
	var ok bool
	if r.Method, r.URI, ok = strings.Cut(oneLine(strings.TrimPrefix(p.next(), firstLine)), " "); !ok {
		return errors.New("a method and a URI are wanted")
	}
	for p.peek() != "" { // where it was: the stacks say so, too
		p.next()
	}
	p.next()
	for p.peek() != "" {
		if err := setField(r, p.next()); err != nil {
			return err
		}
	}
	for p.more() {
		if p.next(); stackLine.MatchString(p.peek()) {
			s, err := p.stack()
			if err != nil {
				return err
			}
			r.Stacks = append(r.Stacks, s)
			continue
		}
		if more := moreLine.FindStringSubmatch(p.peek()); more != nil {
			p.next()
			var err error
			r.More, err = strconv.Atoi(more[1])
			return err
		}
		break // something else follows in the mail
	}
	return nil
}

// setField reads "name: value" into the report.
func setField(r *Report, line string) (err error) {
	name, value, ok := strings.Cut(line, ":")
	name, value = oneLine(name), oneLine(value)
	if !ok {
		return fmt.Errorf("a name and a colon are wanted, not %.100q", line)
	}
	if header, ok := strings.CutPrefix(name, "header "); ok {
		if r.Header == nil {
			r.Header = make(map[string]string)
		}
		r.Header[header] = value
		return nil
	}
	switch name {
	case "id":
		r.ID = value
	case "start":
		r.Start, err = instant(value)
	case "taken":
		r.Taken, err = instant(value)
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
		err = response(r, value)
	case "end":
		r.End, err = end(value)
	case "server":
		r.Server = value
	case "pid":
		r.PID, err = strconv.Atoi(value)
	case "goroutines":
		r.Goroutines, err = strconv.Atoi(value)
	case "problem":
		r.Problem = value
	default:
		if ok, err = backendField(r, name, value); !ok {
			return fmt.Errorf("there is no field %.100q in a report", name)
		}
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// instant reads a time that can be written again: UTC, with a year of four
// digits.
func instant(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if t = t.UTC(); err == nil && (t.Year() < 0 || t.Year() > 9999) {
		err = fmt.Errorf("the year of %q is not from 0 to 9999", s)
	}
	return t, err
}

var responseForm = regexp.MustCompile(`^(-?\d+) after (\S+), (-?\d+) bytes$`)

// response reads "200 after 1.5s, 30 bytes".
func response(r *Report, s string) (err error) {
	m := responseForm.FindStringSubmatch(s)
	if m == nil {
		return fmt.Errorf(`%.100q is not like "200 after 1.5s, 30 bytes"`, s)
	}
	var errs [3]error
	r.Status, errs[0] = strconv.Atoi(m[1])
	r.FirstByte, errs[1] = time.ParseDuration(m[2])
	r.Bytes, errs[2] = strconv.ParseInt(m[3], 10, 64)
	return errors.Join(errs[:]...)
}

var endForm = regexp.MustCompile(`^(.+) after (\S+), status (-?\d+)(?:, backend calls (-?\d+))?$`)

// end reads "answered after 1.5s, status 200, backend calls 3".
func end(s string) (*End, error) {
	m := endForm.FindStringSubmatch(s)
	if m == nil {
		return nil, fmt.Errorf(`%.100q is not like "answered after 1.5s, status 200"`, s)
	}
	e := &End{Outcome: Outcome(m[1])}
	var errs [3]error
	e.Duration, errs[0] = time.ParseDuration(m[2])
	e.Status, errs[1] = strconv.Atoi(m[3])
	e.Calls, errs[2] = strconv.Atoi(cmp.Or(m[4], "0"))
	return e, errors.Join(errs[:]...)
}

var (
	stackLine = regexp.MustCompile(`^(\d+) goroutines? \[(.*?)\]:(.*)$`)
	moreLine  = regexp.MustCompile(`^and (\d+) more stacks$`)
	placeLine = regexp.MustCompile(`^\t(.*):(\d+)$`)
)

// stack reads "2 goroutines [asleep]: started by the request" and the frames
// below.
func (p *parser) stack() (s alert.Stack, err error) {
	m := stackLine.FindStringSubmatch(p.next())
	s.State, s.Name = oneLine(m[2]), oneLine(m[3])
	if s.Count, err = strconv.Atoi(m[1]); err != nil {
		return s, err
	}
	for p.peek() != "" {
		f, err := p.frame()
		if err != nil {
			return s, err
		}
		s.Frames = append(s.Frames, f)
	}
	return s, nil
}

// frame reads a call, its place, and the source line of the application's.
func (p *parser) frame() (f alert.Frame, err error) {
	call := p.next()
	var ok bool
	if f.Func, ok = strings.CutSuffix(call, "(...)"); !ok {
		return f, fmt.Errorf(`a call that ends in "(...)" is wanted, not %.100q`, call)
	}
	f.Func = oneLine(f.Func)
	place := p.next()
	m := placeLine.FindStringSubmatch(place)
	if m == nil {
		return f, fmt.Errorf("a tab, a file, a colon and a line number are wanted, not %.100q", place)
	}
	f.File = oneLine(m[1])
	if f.Line, err = strconv.Atoi(m[2]); err != nil {
		return f, err
	}
	if source, ok := strings.CutPrefix(p.peek(), "\t>"); ok {
		p.next()
		f.App = true
		if f.Source = oneLine(source); f.Source == noSource {
			f.Source = ""
		}
	}
	return f, nil
}
