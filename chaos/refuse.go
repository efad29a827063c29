package chaos

// Refuse is a backend that is down: nobody listens. Connections that stand are reset.
type Refuse struct{}

// Name is "refuse".
func (Refuse) Name() string { return "refuse" }

// Strike refuses what is new and resets what stands.
func (Refuse) Strike(e *Event) {
	switch e.Moment {
	case Connect:
		e.Fate = Unlisten
	case Open:
		e.Fate = Break
	}
}
