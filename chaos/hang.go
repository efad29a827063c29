package chaos

// Hang reads requests and answers none of them: the connection stays open and never speaks again. Where
// answers may overtake each other, only the requests that it strikes stay without one.
type Hang struct{}

// Name is "hang".
func (Hang) Name() string { return "hang" }

// Strike swallows requests.
func (Hang) Strike(e *Event) {
	if e.Moment == Request {
		e.Fate = Swallow
	}
}
