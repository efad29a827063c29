package chaos

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
)

// A plan is the faults of a proxy as they were set, and who listens. It never changes: connections look
// whether there is another one.
type plan struct {
	faults []*active
	said   func(Said) // nil: nobody listens
}

// list gives the faults as they were set, with their names.
func (pl *plan) list() []Fault {
	var all []Fault
	for _, a := range pl.faults {
		f := a.Fault
		f.Behavior = own(f.Behavior)
		all = append(all, f)
	}
	return all
}

// scheduled says that what the faults do depends on the time.
func (pl *plan) scheduled() bool {
	return slices.ContainsFunc(pl.faults, func(a *active) bool { return a.Schedule != Schedule{} })
}

// refuses says whether a fault wants that nobody listens.
func (pl *plan) refuses() bool {
	e := Event{Moment: Connect}
	for _, a := range pl.faults {
		a.strike(&e, time.Time{})
		if e.Fate != Pass {
			break
		}
	}
	return e.Fate == Unlisten
}

// An active fault is one that is set. It stays the same while others come and go.
type active struct {
	Fault
	key uint64    // what is drawn for it starts here
	set time.Time // when its schedule began

	seen   atomic.Uint64 // requests that it was asked about
	struck atomic.Uint64 // verdicts that it had a part in
}

// activate makes a plan's faults of what a user has set, keeping those that stay.
func activate(faults []Fault, before []*active, seed uint64, protocol wire.Protocol) ([]*active, error) {
	var all []*active
	names := map[string]bool{}
	for _, f := range faults {
		if err := check(f, protocol); err != nil {
			return nil, err
		}
		if f.Name != "" && names[f.Name] {
			return nil, fmt.Errorf("chaos: two faults have the Name %q, want names that differ, or none", f.Name)
		}
		names[f.Name] = true
	}
	known := map[string]*active{}
	for _, a := range before {
		known[a.Name] = a
	}
	for _, f := range faults {
		if f.Name == "" {
			f.Name = unused(f.name(), names)
			names[f.Name] = true
		}
		f.Behavior = own(f.Behavior)
		if a := known[f.Name]; a != nil && reflect.DeepEqual(a.Fault, f) {
			all = append(all, a)
			continue
		}
		all = append(all, &active{Fault: f, key: mixString(seed, f.Name), set: time.Now()})
	}
	return all, nil
}

// check says what is wrong with a fault of a proxy that speaks a protocol.
func check(f Fault, protocol wire.Protocol) error {
	if err := f.Validate(); err != nil {
		return err
	}
	if c, ok := f.Behavior.(interface{ CheckProtocol(wire.Protocol) error }); ok {
		return c.CheckProtocol(cmp.Or(protocol, wire.TCP))
	}
	return nil
}

// own gives a Behavior that nobody else can change. All of this package are values, but for Mix.
func own(b Behavior) Behavior {
	m, ok := b.(Mix)
	if !ok {
		return b
	}
	m = slices.Clone(m)
	for i := range m {
		m[i].Behavior = own(m[i].Behavior)
	}
	return m
}

// unused gives a name that is not taken yet: itself, or with a number.
func unused(name string, taken map[string]bool) string {
	free := name
	for n := 2; taken[free]; n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	return free
}

// strike puts an event to the fault, and says whether its verdict has changed anything. Whoever carries
// the verdict out counts it.
func (a *active) strike(e *Event, opened time.Time) bool {
	switch e.Moment {
	case Read, Write, End:
		if e.Direction != a.Direction {
			return false
		}
	}
	now := time.Now()
	strength := a.strength(now.Sub(a.set))
	if strength <= 0 {
		return false
	}
	if e.Moment == Request {
		e.Seen = a.seen.Add(1) - 1
	} else {
		e.Seen = a.seen.Load()
	}
	behavior, share := a.Behavior, a.share()
	if strength < 1 {
		if scaled, ok := behavior.(Scaled); ok {
			behavior = scaled.Scale(strength)
		} else {
			share *= strength
		}
	}
	e.key = mix(a.key, e.Conn)
	if e.Requests && (e.Moment == Request || e.Moment == Answer) {
		e.key = mix(e.key, e.Request)
	}
	e.Always = share >= 1
	if e.Conn == 0 && !e.Always {
		return false // it is asked about all connections
	}
	if !e.Always && unit(mix(e.key, saltShare)) >= share {
		return false
	}
	if opened.Before(a.set) {
		opened = a.set
	}
	e.Age = now.Sub(opened)

	delay, take, pause, rate := e.Delay, e.Take, e.Pause, e.Rate
	size, first := len(e.Data), firstByte(e.Data)
	behavior.Strike(e)
	if added := e.Delay - delay; added > e.most {
		e.by, e.most = a, added
	}
	if e.Pause != pause || e.Rate != rate {
		e.pausedBy = a
	}
	return e.Fate != Pass || e.Delay != delay || e.Take != take || e.Pause != pause || e.Rate != rate ||
		len(e.Data) != size || firstByte(e.Data) != first
}

// firstByte tells whether data has been replaced.
func firstByte(data []byte) *byte {
	if len(data) == 0 {
		return nil
	}
	return &data[0]
}
