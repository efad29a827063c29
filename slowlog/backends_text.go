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

// atFirst is how many backends the first lines of a report are about.
const atFirst = 3

// writeWords writes what the first lines of a report say of the backends.
func (r *Report) writeWords(b *strings.Builder) {
	shown := r.Backends[:min(len(r.Backends), atFirst)]
	for _, back := range shown {
		for _, s := range back.Sentences() {
			fmt.Fprintf(b, "%s\n", oneLine(s))
		}
	}
	if more := len(r.Backends) - len(shown) + r.MoreBackends; more > 0 {
		fmt.Fprintf(b, "and %d more backend%s\n", more, plural(more))
	}
}

// writeBackends writes the particulars. The fields that follow a backend are
// about it.
func (r *Report) writeBackends(field func(name, value string)) {
	for _, b := range r.Backends {
		field("backend", b.Summary())
		for _, c := range b.Running {
			field("call", c.String())
		}
		if b.MoreRunning != 0 {
			field("more calls", strconv.Itoa(b.MoreRunning))
		}
		for _, s := range b.Statements {
			field("statement", s.String())
		}
		if b.More != 0 {
			field("more statements", strconv.Itoa(b.More))
		}
	}
	if r.MoreBackends != 0 {
		field("more backends", strconv.Itoa(r.MoreBackends))
	}
}

var (
	backendForm   = regexp.MustCompile(`^(.*): (-?\d+) calls? in (\S+?)(?:, (-?\d+) errors?)?(?:, (-?\d+) refused)?$`)
	callForm      = regexp.MustCompile(`^(?:number (-?\d+), )?for ([^\s,:]+)(?:, (-?\d+) alike before)?(?:: (.*))?$`)
	statementForm = regexp.MustCompile(`^(-?\d+) calls? in ([^\s:]+):(?: (.*))?$`)
)

// backendField reads a field that is about backends. It is not ok if it is
// about something else.
func backendField(r *Report, name, value string) (ok bool, err error) {
	switch name {
	case "backend":
		b, err := backend(value)
		r.Backends = append(r.Backends, b)
		return true, err
	case "more backends":
		r.MoreBackends, err = strconv.Atoi(value)
		return true, err
	case "call", "more calls", "statement", "more statements":
	default:
		return false, nil
	}
	if len(r.Backends) == 0 {
		return true, errors.New("it is about a backend, and none comes before it")
	}
	b := &r.Backends[len(r.Backends)-1]
	switch name {
	case "call":
		c, err := call(value)
		b.Running = append(b.Running, c)
		return true, err
	case "more calls":
		b.MoreRunning, err = strconv.Atoi(value)
		return true, err
	case "statement":
		s, err := statement(value)
		b.Statements = append(b.Statements, s)
		return true, err
	}
	b.More, err = strconv.Atoi(value)
	return true, err
}

// backend reads "mysql: 3 calls in 1.5s, 2 errors, 1 refused".
func backend(s string) (b alert.Backend, err error) {
	m := backendForm.FindStringSubmatch(s)
	if m == nil {
		return b, fmt.Errorf(`%.100q is not like "mysql: 3 calls in 1.5s, 2 errors, 1 refused"`, s)
	}
	b.Name = m[1]
	var errs [4]error
	b.Calls, errs[0] = strconv.Atoi(m[2])
	b.Time, errs[1] = time.ParseDuration(m[3])
	b.Errors, errs[2] = strconv.Atoi(cmp.Or(m[4], "0"))
	b.Refused, errs[3] = strconv.Atoi(cmp.Or(m[5], "0"))
	return b, errors.Join(errs[:]...)
}

// call reads "number 3, for 1.5s, 2 alike before: SELECT 1".
func call(s string) (c alert.Call, err error) {
	m := callForm.FindStringSubmatch(s)
	if m == nil {
		return c, fmt.Errorf(`%.100q is not like "number 3, for 1.5s, 2 alike before: SELECT 1"`, s)
	}
	c.Statement = m[4]
	var errs [3]error
	c.Number, errs[0] = strconv.Atoi(cmp.Or(m[1], "0"))
	c.Elapsed, errs[1] = time.ParseDuration(m[2])
	c.Before, errs[2] = strconv.Atoi(cmp.Or(m[3], "0"))
	return c, errors.Join(errs[:]...)
}

// statement reads "3 calls in 1.5s: SELECT 1".
func statement(text string) (s alert.Statement, err error) {
	m := statementForm.FindStringSubmatch(text)
	if m == nil {
		return s, fmt.Errorf(`%.100q is not like "3 calls in 1.5s: SELECT 1"`, text)
	}
	s.Text = m[3]
	var errs [2]error
	s.Calls, errs[0] = strconv.Atoi(m[1])
	s.Time, errs[1] = time.ParseDuration(m[2])
	return s, errors.Join(errs[:]...)
}
