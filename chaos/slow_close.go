package chaos

import "time"

// SlowClose lets it take its time until one side hears that the other has said all.
type SlowClose struct {
	// Delay is how long. Zero is not at all.
	Delay time.Duration `attr:"delay" unit:"ms" help:"how much later the end of the data is told"`
}

// Name is "slow_close".
func (SlowClose) Name() string { return "slow_close" }

// Strike holds up the end.
func (s SlowClose) Strike(e *Event) {
	if e.Moment == End {
		e.Delay += s.Delay
	}
}

// Scale gives a shorter delay.
func (s SlowClose) Scale(strength float64) Behavior {
	return SlowClose{Delay: scaled(s.Delay, strength)}
}

// Validate says what is wrong with the fields: an [AttributeError].
func (s SlowClose) Validate() error { return lasting(s, "delay", s.Delay) }
