package request

import (
	"slices"
	"sync"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

const (
	// maxBackends is how many backends are told apart in a request: names may
	// come from outside, as hosts that redirects lead to. Further ones are not
	// noted.
	maxBackends = 50
	// maxKinds is how many different statements to one backend are told apart
	// in a request. The calls beyond are counted, but not by statement.
	maxKinds = 100
	// maxRunning is how many calls in progress a copy of the tally has.
	maxRunning = 10
)

// A Call is one call to a backend on behalf of a request, embedded in the
// breaker's own record of it. Its fields are set before Begin.
type Call struct {
	Backend   string
	Statement string        // its fingerprint, without values; "" if there is none
	Start     time.Duration // on deadline's clock

	of             *tally
	next, prev     *Call
	number, before int32  // see Running; no larger, for the size of the breaker's record
	traced         uint64 // its number in the execution trace; 0 if it is in none
}

// A Result is what came of a call.
type Result int

const (
	Done    Result = iota // the backend did what it was asked for
	Failed                // it came to nothing
	Unknown               // nobody waited for it
)

// A tally is what a request has asked of its backends. The outermost record of
// the request has it, made at the first call.
type tally struct {
	mu       sync.Mutex
	backends []*backend
	first    *Call // of those in progress
	needs    []func() (name string, left time.Duration, ok bool)
}

type backend struct {
	Backend
	kinds   map[string]*Statement
	missing bool          // the request could not have it, and has not had it since
	until   time.Duration // when it may be worth trying again, on deadline's clock
}

// A Backend is the part of a tally that concerns one backend. The counts
// include the calls in progress; the time does not.
type Backend struct {
	Name    string
	Calls   int           // begun
	Errors  int           // of these, those that came to nothing
	Refused int           // calls that the breaker did not let through; not among Calls
	Time    time.Duration // that the calls took which have ended

	Statements []Statement // the most frequent first
	Running    []Running   // calls in progress, the oldest first; of many the ten oldest

	MoreRunning int // that are not among Running
}

// A Statement counts the calls with one fingerprint.
type Statement struct {
	Text  string
	Calls int
	Time  time.Duration
}

// A Running is a call in progress.
type Running struct {
	Statement string
	Start     time.Duration // on deadline's clock
	Number    int           // which of the backend's Calls it is, from 1
	Before    int           // calls with its statement that began earlier
}

// Begin enters a call that the request makes. It may be called on a nil record:
// then it is in no tally, but in an execution trace all the same.
func (rec *Record) Begin(c *Call) {
	defer c.traceBegin()
	if rec == nil {
		return
	}
	t := rec.outermost().shared()
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.backend(c.Backend)
	b.Calls++
	c.number, c.before = int32(b.Calls), 0
	if s := b.statement(c.Statement); s != nil {
		c.before = int32(s.Calls)
		s.Calls++
	}
	c.of = t
	if c.next = t.first; c.next != nil {
		c.next.prev = c
	}
	t.first = c
}

// End takes the call out again, if Begin entered it, and counts what it took. A
// call that was done makes up for earlier ones that were not.
func (c *Call) End(took time.Duration, r Result) {
	c.traceEnd()
	t := c.of
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c.unlink()
	b := t.backend(c.Backend)
	b.Time += took
	switch r {
	case Done:
		b.missing = false
	case Failed:
		b.Errors++
	}
	if s := b.statement(c.Statement); s != nil {
		s.Time += took
	}
}

// Forget takes the call out, if Begin entered it, as if it had not been made.
func (c *Call) Forget() {
	c.traceEnd()
	t := c.of
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c.unlink()
	for later := t.first; later != nil; later = later.next {
		if later.Backend != c.Backend || later.number < c.number {
			continue
		}
		later.number--
		if later.Statement == c.Statement && later.before > 0 {
			later.before--
		}
	}
	b := t.backend(c.Backend)
	b.Calls--
	if s := b.kinds[c.Statement]; s != nil {
		if s.Calls--; s.Calls == 0 {
			delete(b.kinds, c.Statement)
		}
	}
}

// unlink takes the call out of those in progress. The tally's mu is held.
func (c *Call) unlink() {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		c.of.first = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	}
	c.of, c.next, c.prev = nil, nil, nil
}

// Refuse notes that a backend's breaker did not let a call through, and for how
// long it will not, as far as it knows. It may be called on a nil record.
func (rec *Record) Refuse(name string, left time.Duration) { rec.miss(name, left, 1) }

// Unavailable notes that a backend was not there for the request, and when it
// may be worth trying again. It may be called on a nil record.
func (rec *Record) Unavailable(name string, left time.Duration) { rec.miss(name, left, 0) }

// CountRefused counts a refusal as Refuse does and says no more: the request may
// not need what was refused. It may be called on a nil record.
func (rec *Record) CountRefused(name string) {
	if rec == nil {
		return
	}
	t := rec.outermost().shared()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.backend(name).Refused++
}

func (rec *Record) miss(name string, left time.Duration, refused int) {
	if rec == nil {
		return
	}
	t := rec.outermost().shared()
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.backend(name)
	b.Refused += refused
	b.missing, b.until = true, deadline.Now()+left
}

// Need says that the request cannot be answered without a backend. Its calls
// may be out of sight, on a connection of a pool, so failing is asked whether
// any has failed since. It may be called on a nil record.
func (rec *Record) Need(failing func() (name string, left time.Duration, ok bool)) {
	if rec == nil {
		return
	}
	t := rec.outermost().shared()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.needs = append(t.needs, failing)
}

// Refusal says which backend the request could not have: one that refused a
// call or was unavailable, and has done nothing for it since, or one that the
// request needs and that fails. Of several it is the one that will take the
// longest. It is not ok if there is none.
func (rec *Record) Refusal() (name string, left time.Duration, ok bool) {
	t := rec.outermost().tally.Load()
	if t == nil {
		return "", 0, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := deadline.Now()
	for _, b := range t.backends {
		if b.missing && (!ok || b.until-now > left) {
			name, left, ok = b.Name, max(0, b.until-now), true
		}
	}
	for _, failing := range t.needs {
		if n, l, fails := failing(); fails && (!ok || l > left) {
			name, left, ok = n, l, true
		}
	}
	return name, left, ok
}

// Backends is a copy of the tally as of now, in the order of first use. It is
// nil if the request has made no call.
func (rec *Record) Backends() []Backend {
	t := rec.outermost().tally.Load()
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	list := make([]Backend, len(t.backends))
	for i, b := range t.backends {
		list[i] = b.Backend
		for _, s := range b.kinds {
			list[i].Statements = append(list[i].Statements, *s)
		}
		slices.SortFunc(list[i].Statements, moreFrequent)
		for c := t.first; c != nil; c = c.next { // the youngest first
			if c.Backend == b.Name {
				list[i].Running = append(list[i].Running, Running{c.Statement, c.Start, int(c.number), int(c.before)})
			}
		}
		slices.Reverse(list[i].Running)
		shown := min(len(list[i].Running), maxRunning)
		list[i].MoreRunning = len(list[i].Running) - shown
		list[i].Running = slices.Clip(list[i].Running[:shown])
	}
	return list
}

func moreFrequent(a, b Statement) int {
	if a.Calls != b.Calls {
		return b.Calls - a.Calls
	}
	if a.Text < b.Text {
		return -1
	}
	return 1
}

// backend finds the part of the tally for a backend. If there is no room for one
// more, it is one that nobody will see. t.mu is held.
func (t *tally) backend(name string) *backend {
	for _, b := range t.backends { // there are few
		if b.Name == name {
			return b
		}
	}
	b := &backend{Backend: Backend{Name: name}}
	if len(t.backends) < maxBackends {
		t.backends = append(t.backends, b)
	}
	return b
}

func (b *backend) statement(text string) *Statement {
	if text == "" {
		return nil
	}
	s := b.kinds[text]
	if s == nil && len(b.kinds) < maxKinds {
		if b.kinds == nil {
			b.kinds = make(map[string]*Statement)
		}
		s = &Statement{Text: text}
		b.kinds[text] = s
	}
	return s
}

func (rec *Record) outermost() *Record {
	for rec.Outer != nil {
		rec = rec.Outer
	}
	return rec
}

// shared is the tally, made if there is none.
func (rec *Record) shared() *tally {
	if t := rec.tally.Load(); t != nil {
		return t
	}
	rec.tally.CompareAndSwap(nil, new(tally))
	return rec.tally.Load()
}
