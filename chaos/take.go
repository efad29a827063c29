package chaos

// room is how much of its Data an event lets go so far.
func room(e *Event) int {
	switch {
	case e.Take < 0:
		return 0
	case e.Take == 0:
		return len(e.Data)
	}
	return min(e.Take, len(e.Data))
}

// take lets go no more than n bytes.
func take(e *Event, n int64) {
	switch {
	case n >= int64(room(e)):
	case n <= 0:
		e.Take = -1
	default:
		e.Take = int(n)
	}
}
