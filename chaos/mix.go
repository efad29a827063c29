package chaos

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/heeler-go/heeler/chaos/wire"
)

// A Mix is several behaviors of which at most one strikes at a time: each gets a share of the requests,
// or of the connections, and what is left over is good. That is what Vaurien's "20:delay,5:error"
// says.
//
// The requests that a behavior in it has seen, for a Warmup say, are those that the Mix has.
type Mix []Chance

// A Chance is how often a behavior strikes.
type Chance struct {
	Percent  float64 // from 0 to 100; those of a Mix have no more than 100 together
	Behavior Behavior
}

// Name is "mix".
func (Mix) Name() string { return "mix" }

// Strike leaves the event to the behavior that the seed picks, the same at each moment of a request.
func (m Mix) Strike(e *Event) {
	draw := e.Draw() * 100
	for i, c := range m {
		if draw -= c.Percent; draw >= 0 {
			continue
		}
		key, always := e.key, e.Always
		e.key = mix(key, saltPick+uint64(i)) // a Mix in a Mix must not draw the same again
		e.Always = always && c.Percent >= 100
		c.Behavior.Strike(e)
		if e.Fate == Unlisten && !e.Always {
			e.Fate = Break // the others are to get through
		}
		e.key, e.Always = key, always
		return
	}
}

// Scale makes each behavior weaker or, where it has no weaker form, rarer.
func (m Mix) Scale(strength float64) Behavior {
	weaker := make(Mix, len(m))
	for i, c := range m {
		if s, ok := c.Behavior.(Scaled); ok {
			c.Behavior = s.Scale(strength)
		} else {
			c.Percent *= min(max(strength, 0), 1)
		}
		weaker[i] = c
	}
	return weaker
}

// Validate says what is wrong with the percentages, or with a behavior.
func (m Mix) Validate() error {
	total := 0.0
	for _, c := range m {
		switch {
		case c.Behavior == nil:
			return fmt.Errorf("chaos: mix: a Behavior is nil, want one of those of this package, or your own")
		case !(c.Percent >= 0 && c.Percent <= 100):
			return &AttributeError{m.Name(), c.Behavior.Name(), percent(c.Percent), "from 0 to 100 percent"}
		}
		if v, ok := c.Behavior.(interface{ Validate() error }); ok {
			if err := v.Validate(); err != nil {
				return err
			}
		}
		total += c.Percent
	}
	if total > 100+1e-9 { // 33.3 and its like do not add up exactly
		return fmt.Errorf("chaos: mix: %v is %s percent in total, want no more than 100", m, percent(total))
	}
	return nil
}

// CheckProtocol says whether the protocol has the errors that a behavior wants to give.
func (m Mix) CheckProtocol(p wire.Protocol) error {
	for _, c := range m {
		if b, ok := c.Behavior.(interface{ CheckProtocol(wire.Protocol) error }); ok {
			if err := b.CheckProtocol(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// String writes what ParsePercents reads: "20:delay,5:error".
func (m Mix) String() string {
	var parts []string
	for _, c := range m {
		parts = append(parts, percent(c.Percent)+":"+c.Behavior.Name())
	}
	return strings.Join(parts, ",")
}

func percent(p float64) string { return strconv.FormatFloat(p, 'f', -1, 64) }
