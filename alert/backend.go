package alert

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// A Backend is what a request had asked of one backend when the alert was
// made, without values.
type Backend struct {
	Name    string        `json:"name"`
	Calls   int           `json:"calls"`             // begun
	Errors  int           `json:"errors,omitempty"`  // of these, those that came to nothing
	Refused int           `json:"refused,omitempty"` // calls that its breaker did not let through; not among Calls
	Time    time.Duration `json:"time_ns"`           // that the calls took, those in progress until then

	// Statements count the calls by what they asked for, the most frequent
	// first. More counts further ones that were left out.
	Statements []Statement `json:"statements,omitempty"`
	More       int         `json:"more,omitempty"`
	// Running are the calls in progress, the oldest first; of many the ten
	// oldest. MoreRunning counts the others.
	Running     []Call `json:"running,omitempty"`
	MoreRunning int    `json:"more_running,omitempty"`
}

// A Statement counts calls that are alike but for their values.
type Statement struct {
	Text  string        `json:"text"` // without values: SELECT * FROM book WHERE id = ?
	Calls int           `json:"calls"`
	Time  time.Duration `json:"time_ns"` // that they took, those in progress until then
}

// A Call is one in progress.
type Call struct {
	Statement string        `json:"statement,omitempty"` // empty if it has none
	Elapsed   time.Duration `json:"elapsed_ns"`          // since it began
	Number    int           `json:"number,omitempty"`    // which of the Backend's Calls it is, from 1; 0 if that is not known
	Before    int           `json:"before,omitempty"`    // calls of the request with the same statement that began earlier
}

const (
	// unnamed is a backend without a name.
	unnamed = "unnamed"
	// repeated is how many times the same statement is worth a word: by then a
	// loop makes the calls, and one call for all would do.
	repeated = 10
	// maxStatement is how many characters of a statement a sentence has.
	maxStatement = 120
)

// Sentences say it in words, each on one line of some 300 characters
// at most:
//
//	in call 231 to mysql for 4.9s: SELECT * FROM repo WHERE id = ? (the same statement 230 times before)
//	mysql: 231 calls in 8.1s, 2 errors
//
// or, when no call is in progress,
//
//	mysql: 230 calls in 3.2s; the same statement 228 times: SELECT * FROM repo WHERE id = ?
//
// That a statement was repeated is said of 10 times and more.
func (b Backend) Sentences() []string {
	var list []string
	said := ""
	if calls := b.InProgress(); calls != "" {
		c := b.Running[0]
		if len(b.Running) > 1 {
			calls += ", the oldest"
		}
		s := fmt.Sprintf("in %s for %s", calls, Short(c.Elapsed))
		statement := OneLine(c.Statement, maxStatement)
		if statement != "" {
			s += ": " + statement
		}
		if c.Before >= repeated {
			s += fmt.Sprintf(" (the same statement %d times before)", c.Before)
			said = statement
		}
		list = append(list, s)
	}
	s := b.Summary()
	if often, ok := b.Repeated(); ok {
		if text := OneLine(often.Text, maxStatement); text != said && text != "" {
			s += fmt.Sprintf("; the same statement %d times: %s", often.Calls, text)
		}
	}
	return append(list, s)
}

// Summary is the counts on one line: "mysql: 231 calls in 8.1s, 2 errors, 1
// refused".
func (b Backend) Summary() string {
	s := fmt.Sprintf("%s: %s in %s", b.name(), count(b.Calls, "call"), Short(b.Time))
	if b.Errors != 0 {
		s += ", " + count(b.Errors, "error")
	}
	if b.Refused != 0 {
		s += fmt.Sprintf(", %d refused", b.Refused)
	}
	return s
}

// name is the backend's on one line, never empty.
func (b Backend) name() string { return cmp.Or(OneLine(b.Name, 100), unnamed) }

// InProgress names the calls in progress on one line: "call 231 to mysql", "3
// calls to mysql". It is empty if there is none.
func (b Backend) InProgress() string {
	switch n := len(b.Running); {
	case n == 0:
		return ""
	case n+b.MoreRunning > 1:
		return fmt.Sprintf("%d calls to %s", n+b.MoreRunning, b.name())
	case b.Running[0].Number == 0:
		return "a call to " + b.name()
	default:
		return fmt.Sprintf("call %d to %s", b.Running[0].Number, b.name())
	}
}

// Repeated is the most frequent statement. It is ok if there were 10 calls
// with it or more.
func (b Backend) Repeated() (s Statement, ok bool) {
	if len(b.Statements) == 0 || b.Statements[0].Calls < repeated {
		return s, false
	}
	return b.Statements[0], true
}

// String is the statement on one line: "230 calls in 3.2s: SELECT 1".
func (s Statement) String() string {
	return fmt.Sprintf("%s in %s: %s", count(s.Calls, "call"), Short(s.Time), OneLine(s.Text, maxLine))
}

// String is the call on one line: "number 231, for 4.9s, 230 alike before:
// SELECT 1".
func (c Call) String() string {
	s := ""
	if c.Number != 0 {
		s = fmt.Sprintf("number %d, ", c.Number)
	}
	s += "for " + Short(c.Elapsed)
	if c.Before != 0 {
		s += fmt.Sprintf(", %d alike before", c.Before)
	}
	if statement := OneLine(c.Statement, maxLine); statement != "" {
		s += ": " + statement
	}
	return s
}

// count is "1 call", "2 calls".
func count(n int, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// Short is a duration as exact as a reader can use: to the millisecond, below
// 10 ms to the microsecond.
func Short(d time.Duration) string {
	if d.Abs() < 10*time.Millisecond {
		return d.Round(time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}

// sentences are all the backends'.
func sentences(backends []Backend) (list []string) {
	for _, b := range backends {
		list = append(list, b.Sentences()...)
	}
	return list
}

// report writes the backend into a report on an alert without a text.
func (b Backend) report(out *strings.Builder) {
	fmt.Fprintf(out, "\n%s\n", b.Summary())
	for _, c := range b.Running {
		fmt.Fprintf(out, "    now %s\n", c)
	}
	if b.MoreRunning != 0 {
		fmt.Fprintf(out, "    and %d more now\n", b.MoreRunning)
	}
	for _, s := range b.Statements {
		fmt.Fprintf(out, "    %s\n", s)
	}
	if b.More != 0 {
		fmt.Fprintf(out, "    and %d more\n", b.More)
	}
}
