package faults_test

import (
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// A row is a fault as it is set for the table.
type row struct {
	behavior chaos.Behavior

	// want is what each client must see, if that is the same for all.
	want string

	// late is how long a good answer takes at least.
	late time.Duration

	// both says that the fault is set in both directions.
	both bool

	// denies says that requests get the server's own error, in the client's own type.
	denies bool

	// coded says that it is the error that the backend has for the table.
	coded bool

	// breaks says that the connection is reset while the client does not look: what it tells of that is
	// a matter of chance.
	breaks bool

	// noise says that bytes are random ones: what a client tells of them is.
	noise bool

	// calls are made while there is the fault; 0 is one.
	calls int
}

// standing are the faults as they strike a connection which is there when they are set.
var standing = []row{
	{behavior: chaos.Dummy{}, want: "good"},
	{behavior: chaos.Noop{}, want: "good"},
	{behavior: chaos.Delay{Sleep: delay, Before: true}, late: delay, want: "good, late"},
	{behavior: chaos.Delay{Sleep: delay}, late: delay, want: "good, late"},
	{behavior: chaos.Latency{Latency: delay}, late: delay, want: "good, late"},
	{behavior: chaos.Bandwidth{Rate: 10_000}, late: delay, both: true, want: "good, late"},
	{behavior: chaos.Bandwidth{}, want: "timeout"},
	{behavior: chaos.Slicer{AverageSize: 512, Delay: 50 * time.Millisecond}, late: delay, both: true, want: "good, late"},
	{behavior: chaos.Error{}, denies: true},
	{behavior: chaos.Error{}, denies: true, coded: true},
	{behavior: chaos.Error{Warmup: 1}, denies: true, calls: 2},
	{behavior: chaos.Transient{Agitate: 2}, denies: true, calls: 3},
	{behavior: chaos.Error{Inject: true}, noise: true},
	{behavior: chaos.Corrupt{Rate: 1}, noise: true},
	{behavior: chaos.Hang{}, want: "timeout"},
	{behavior: chaos.Abort{}},
	{behavior: chaos.Cut{Bytes: 20}},
	{behavior: chaos.Cut{Bytes: 20, Reset: true}},
	{behavior: chaos.LimitData{Bytes: 20}},
	{behavior: chaos.Timeout{}, want: "timeout"},
	{behavior: chaos.Timeout{Timeout: delay}},
	{behavior: chaos.Blackout{}, breaks: true, want: broken},
	{behavior: chaos.Reset{}, breaks: true, want: broken},
	{behavior: chaos.ResetPeer{}, breaks: true, want: broken},
	{behavior: chaos.Refuse{}, breaks: true, want: broken},
	{behavior: chaos.HalfOpen{}, want: "good"},
	{behavior: chaos.SlowConnect{Delay: delay}, want: "good"},
	{behavior: chaos.LimitConnections{}, want: "good"},
	{behavior: chaos.SlowClose{Delay: delay}, want: "good"},
}

// connecting are those that a client meets which connects after they are set.
var connecting = []row{
	{behavior: chaos.SlowConnect{Delay: delay}, late: delay, want: "good, late"},
	{behavior: chaos.HalfOpen{}, want: "timeout"},
	{behavior: chaos.LimitConnections{}, breaks: true, want: broken},
	{behavior: chaos.Blackout{}, breaks: true, want: broken},
	{behavior: chaos.Reset{}, breaks: true, want: broken},
	{behavior: chaos.Refuse{}, want: "refused"},
}

func (r row) name() string { return r.behavior.Name() }

// faults are what is set for a row.
func (r row) faults(b backend) []chaos.Fault {
	behavior := r.behavior
	if r.coded {
		behavior = chaos.Error{Code: b.code}
	}
	all := []chaos.Fault{{Behavior: behavior}}
	if r.both {
		all = append(all, chaos.Fault{Behavior: behavior, Direction: chaos.Upstream})
	}
	return all
}

// expect says what is wrong with a cell, whatever the page has there.
func expect(t *testing.T, b backend, r row, c cell) {
	complain := func(want string) {
		t.Errorf("%s with %s: the client saw %q and then its connection was %s, want %s", b.name, r.label(), c.saw, c.next, want)
	}
	typed, _, _ := strings.Cut(b.want, " ")
	if b.mute && r.denies {
		typed, r.coded, r.denies = "", false, false // there is noise in the place of an error
	}
	switch {
	case r.want != "" && c.saw != r.want:
		complain(r.want)
	case r.coded && c.saw != b.want:
		complain(b.want)
	case r.denies && !strings.Contains(c.saw, typed):
		complain(typed)
	case (r.denies || strings.HasPrefix(r.want, "good")) && c.next != kept && !(r.denies && b.drops):
		complain("it kept")
	}
}

func TestEachFaultHasARow(t *testing.T) {
	had := map[string]bool{}
	for _, r := range append(standing, connecting...) {
		had[r.name()] = true
	}
	for _, b := range chaos.Behaviors() {
		if !had[b.Name()] {
			t.Errorf("no client has been seen with %s", b.Name())
		}
	}
}
