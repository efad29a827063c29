package chaos

// AbortAnswers lets the backend do its work, and resets the connection when the answer begins: the
// client cannot know whether its request was carried out.
type AbortAnswers struct{}

// Name is "abort".
func (AbortAnswers) Name() string { return "abort" }

// Strike lets a request pass, to be cut off at its answer.
func (AbortAnswers) Strike(e *Event) {
	if e.Moment == Request {
		e.Fate = Abort
	}
}
