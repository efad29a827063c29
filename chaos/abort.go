package chaos

// Abort lets the backend do its work, and resets the connection when the answer begins: the
// client cannot know whether its request was carried out.
type Abort struct{}

// Name is "abort".
func (Abort) Name() string { return "abort" }

// Strike lets a request pass, to be cut off at its answer.
func (Abort) Strike(e *Event) {
	if e.Moment == Request {
		e.Fate = Sever
	}
}
