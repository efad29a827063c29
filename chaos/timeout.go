package chaos

import "time"

// Timeout loses all bytes of its direction, and closes the connection after a while, whether any come
// or not. A connection that has lost bytes is also closed when the fault is taken away: what came then would
// be taken for what is missing.
type Timeout struct {
	// Timeout is how long the connection lives from when the fault met it. Zero is for ever.
	Timeout time.Duration `attr:"timeout" unit:"ms" help:"when the connection is closed; 0 is never"`
}

// Name is "timeout".
func (Timeout) Name() string { return "timeout" }

// Strike loses bytes, and gives a connection its time.
func (t Timeout) Strike(e *Event) {
	switch {
	case e.Moment == Write:
		e.Fate = Swallow
	case e.Moment == Open && t.Timeout > 0:
		e.Fate, e.Until = Close, t.Timeout
	}
}

// Validate says what is wrong with the fields: an [AttributeError].
func (t Timeout) Validate() error { return lasting(t, "timeout", t.Timeout) }
