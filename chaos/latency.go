package chaos

import (
	"math"
	"time"
)

// Latency is a long way: every byte arrives later, and none is slower for it, as long as no more than
// 4 MiB are on that way.
type Latency struct {
	// Latency is how much later. Zero is not at all.
	Latency time.Duration `attr:"latency" unit:"ms" help:"how much later bytes arrive"`

	// Jitter makes that more or less by up to so much, at random. Bytes stay in order. A Jitter above
	// Latency makes some arrive at once.
	Jitter time.Duration `attr:"jitter" unit:"ms" help:"how much more or less than that, at most"`
}

// Name is "latency".
func (Latency) Name() string { return "latency" }

// Strike holds up what has come in.
func (l Latency) Strike(e *Event) {
	if e.Moment != Read {
		return
	}
	late := l.Latency
	if l.Jitter > 0 {
		late += time.Duration(math.Round((2*e.Rand().Float64() - 1) * float64(l.Jitter)))
	}
	e.Delay += max(late, 0)
}

// Scale gives a shorter way.
func (l Latency) Scale(strength float64) Behavior {
	l.Latency, l.Jitter = scaled(l.Latency, strength), scaled(l.Jitter, strength)
	return l
}

// Validate says what is wrong with the fields: an [AttributeError].
func (l Latency) Validate() error {
	if err := lasting(l, "latency", l.Latency); err != nil {
		return err
	}
	return lasting(l, "jitter", l.Jitter)
}
