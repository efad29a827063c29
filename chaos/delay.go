package chaos

import "time"

// Delay makes a backend slow: it holds up each answer or, with Before, each request.
type Delay struct {
	// Sleep is how long. Zero is not at all.
	Sleep time.Duration `attr:"sleep" unit:"s" help:"how long"`

	// Before says that the backend hears of a request only after Sleep. Without, it does its work at
	// once, and the answer to it is late.
	Before bool `attr:"before" help:"hold up the request, rather than the answer"`
}

// Name is "delay".
func (Delay) Name() string { return "delay" }

// Strike holds up requests or answers.
func (d Delay) Strike(e *Event) {
	if e.Moment == Request && d.Before || e.Moment == Answer && !d.Before {
		e.Delay += d.Sleep
	}
}

// Scale gives a shorter delay.
func (d Delay) Scale(strength float64) Behavior {
	d.Sleep = scaled(d.Sleep, strength)
	return d
}

// Validate says what is wrong with the fields: an [AttributeError].
func (d Delay) Validate() error { return lasting(d, "sleep", d.Sleep) }
