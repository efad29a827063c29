package chaos

// Blackout cuts connections off: the client sees "connection reset by peer". If it strikes a part of
// the requests of a protocol, it does so when such a request has begun; else it takes whole connections,
// before the backend is asked.
type Blackout struct{}

// Name is "blackout".
func (Blackout) Name() string { return "blackout" }

// Strike resets connections.
func (Blackout) Strike(e *Event) {
	switch e.Moment {
	case Connect, Open:
		if e.Requests && !e.Always {
			return
		}
		e.Fate = Break
	case Request:
		e.Fate = Break
	}
}
