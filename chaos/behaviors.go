package chaos

import (
	"slices"
	"time"
)

// Behaviors are all that this package has and that have a name in the API, each with the attributes
// that it has there unless it is told others; in alphabetical order. A [Mix] has no attributes and is
// not among them.
//
// All of them are values: the caller may do with the list what it likes.
func Behaviors() []Behavior {
	return []Behavior{
		Abort{},
		Bandwidth{},
		Blackout{},
		Corrupt{Rate: 0.001},
		Cut{Bytes: 1000},
		Delay{Sleep: time.Second, Before: true},
		Dummy{},
		Error{},
		HalfOpen{},
		Hang{},
		Latency{},
		LimitConnections{Max: 10},
		LimitData{},
		Noop{},
		Refuse{},
		Reset{},
		ResetPeer{},
		Slicer{},
		SlowClose{},
		SlowConnect{Delay: time.Second},
		Timeout{},
		Transient{Agitate: 1},
	}
}

// ByName finds a behavior in a list by its Name; nil if there is none.
func ByName(all []Behavior, name string) Behavior {
	i := slices.IndexFunc(all, func(b Behavior) bool { return b.Name() == name })
	if i < 0 {
		return nil
	}
	return all[i]
}
