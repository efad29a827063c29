package chaos

import "time"

// SlowConnect lets a client wait before the backend is asked at all. The client's connection stands:
// what it says meanwhile is kept.
type SlowConnect struct {
	// Delay is how long. Zero is not at all.
	Delay time.Duration `attr:"delay" unit:"ms" help:"how much later the backend is asked for a connection"`
}

// Name is "slow_connect".
func (SlowConnect) Name() string { return "slow_connect" }

// Strike holds up a new connection.
func (s SlowConnect) Strike(e *Event) {
	if e.Moment == Connect {
		e.Delay += s.Delay
	}
}

// Scale gives a shorter delay.
func (s SlowConnect) Scale(strength float64) Behavior {
	return SlowConnect{Delay: scaled(s.Delay, strength)}
}

// Validate says what is wrong with the fields: an [AttributeError].
func (s SlowConnect) Validate() error { return lasting(s, "delay", s.Delay) }
