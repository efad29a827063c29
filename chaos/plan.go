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

// scheduled says that what the faults do depends on the time.
func (pl *plan) scheduled() bool {
	return slices.ContainsFunc(pl.faults, func(a *active) bool { return a.Schedule != Schedule{} })
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
		f.Name = unused(f.name(), names)
		names[f.Name] = true
		same := slices.IndexFunc(before, func(a *active) bool { return reflect.DeepEqual(a.Fault, f) })
		if same >= 0 {
			all = append(all, before[same])
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

// unused gives a name that is not taken yet: itself, or with a number.
func unused(name string, taken map[string]bool) string {
	free := name
	for n := 2; taken[free]; n++ {
		free = fmt.Sprintf("%s_%d", name, n)
	}
	return free
}

// strike puts an event to the fault, and says whether its verdict has changed anything.
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

	delay, take, pause := e.Delay, e.Take, e.Pause
	size, first := len(e.Data), firstByte(e.Data)
	behavior.Strike(e)
	struck := e.Fate != Pass || e.Delay != delay || e.Take != take || e.Pause != pause ||
		len(e.Data) != size || firstByte(e.Data) != first
	if struck {
		a.struck.Add(1)
	}
	return struck
}

// firstByte tells whether data has been replaced.
func firstByte(data []byte) *byte {
	if len(data) == 0 {
		return nil
	}
	return &data[0]
}
