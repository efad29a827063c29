package chaos

import "time"

// Reset ends connections, also those that stand, on both sides with a real RST: "connection
// reset by peer". Nobody has to say anything for that.
type Reset struct {
	// After is how long a connection lives. Zero ends it as soon as the backend is reached.
	After time.Duration `attr:"after" unit:"ms" help:"how long a connection lives"`
}

// Name is "reset".
func (Reset) Name() string { return "reset" }

// Strike gives a connection its time.
func (r Reset) Strike(e *Event) {
	if e.Moment == Open {
		e.Fate, e.Until = Break, r.After
	}
}

// Validate says what is wrong with the fields: an [AttributeError].
func (r Reset) Validate() error { return lasting(r, "after", r.After) }

// ResetPeer is [Reset] under the names that toxiproxy has for it and for its attribute.
type ResetPeer struct {
	After time.Duration `attr:"timeout" unit:"ms" help:"how long a connection lives"`
}

// Name is "reset_peer".
func (ResetPeer) Name() string { return "reset_peer" }

// Strike gives a connection its time.
func (r ResetPeer) Strike(e *Event) { Reset(r).Strike(e) }

// Validate says what is wrong with the fields: an [AttributeError].
func (r ResetPeer) Validate() error { return lasting(r, "timeout", r.After) }
