package chaos

// HalfOpen accepts connections and never relays them: the backend is not asked, and the client waits.
// Connections that stand are left alone.
type HalfOpen struct{}

// Name is "half_open".
func (HalfOpen) Name() string { return "half_open" }

// Strike forgets a new connection.
func (HalfOpen) Strike(e *Event) {
	if e.Moment == Connect {
		e.Fate = Swallow
	}
}
