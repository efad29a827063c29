package chaos

import (
	"fmt"
	"time"
)

// Never as a Share means that a fault is there and does not strike.
const Never = -1

// A Fault is a [Behavior] with the circumstances under which it strikes.
type Fault struct {
	// Name tells faults of one proxy apart, in the API and in draws. Empty: the behavior's name and
	// the direction, "latency_downstream".
	Name string

	// Behavior is what happens. Nil is not accepted.
	Behavior Behavior

	// Direction is which bytes are meant, where it is about bytes. Zero is Downstream: those that the
	// client gets. Faults of requests and connections have none.
	Direction Direction

	// Share is how much of the traffic is struck, from 0 to 1: of requests, where the proxy's
	// protocol has any and the behavior is about them, else of connections. Zero is 1: all of it;
	// Never is none.
	Share float64

	// Schedule is when. Zero is always.
	Schedule Schedule
}

// Direction is which way bytes go.
type Direction int

const (
	Downstream Direction = iota // from the backend to the client
	Upstream                    // from the client to the backend
)

// String is "downstream" or "upstream".
func (d Direction) String() string {
	if d == Upstream {
		return "upstream"
	}
	return "downstream"
}

// ParseDirection reads what String writes; empty is Downstream.
func ParseDirection(s string) (Direction, error) {
	switch s {
	case "", "downstream":
		return Downstream, nil
	case "upstream":
		return Upstream, nil
	}
	return 0, fmt.Errorf("chaos: direction %q, want upstream or downstream", s)
}

// Validate says what is wrong with the fault: the field, and what is accepted.
func (f Fault) Validate() error {
	switch {
	case f.Behavior == nil:
		return fmt.Errorf("chaos: Fault.Behavior is nil, want one of those of this package, or your own")
	case f.Direction != Upstream && f.Direction != Downstream:
		return fmt.Errorf("chaos: Fault.Direction is %d, want Upstream or Downstream", f.Direction)
	case f.Share != Never && !(f.Share >= 0 && f.Share <= 1):
		return fmt.Errorf("chaos: Fault.Share is %v, want a number from 0 (which is all) to 1, or Never", f.Share)
	}
	if v, ok := f.Behavior.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return err
		}
	}
	return f.Schedule.Validate()
}

// name is the fault's Name, or what it is called without one.
func (f Fault) name() string {
	if f.Name != "" {
		return f.Name
	}
	return f.Behavior.Name() + "_" + f.Direction.String()
}

// strength gives how much of the fault there is after it has been set for a time, from 0 to 1.
func (f Fault) strength(since time.Duration) float64 {
	if f.Share == Never {
		return 0
	}
	return f.Schedule.Strength(since)
}

// share is what is struck at full strength.
func (f Fault) share() float64 {
	if f.Share == 0 {
		return 1
	}
	return max(f.Share, 0)
}
