package chaos

// LimitConnections is a backend that has no room for more connections: new ones are reset.
type LimitConnections struct {
	// Max is how many may stand at once. Zero is none.
	Max int `attr:"max" help:"how many connections may stand at once"`
}

// Name is "limit_connections".
func (LimitConnections) Name() string { return "limit_connections" }

// Strike resets a new connection if there are enough.
func (l LimitConnections) Strike(e *Event) {
	if e.Moment == Connect && e.Open > l.Max {
		e.Fate = Break
	}
}

// Validate says what is wrong with the fields: an [AttributeError].
func (l LimitConnections) Validate() error { return between(l, "max", l.Max, 0, mostRequests) }
