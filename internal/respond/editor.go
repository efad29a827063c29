package respond

// An Editor has a say in the response before it begins.
type Editor interface {
	// Edit is called once, on the handler's goroutine, with the status that the
	// handler gives; not for informational ones, and not for a connection that
	// is hijacked first. It may change the header of the writer below. If it
	// answers there itself, it returns the status of that; else 0.
	Edit(status int) (instead int)

	// Discard is given the length of what the handler writes after Edit has
	// answered, and says what the handler is told of it.
	Discard(n int) (int, error)
}

// InitEditor makes the observer one that is an editor, too, between Init and the
// first use.
func (w *Writer) InitEditor(o interface {
	Observer
	Editor
}) {
	w.seen, w.edits = o, true
}

// edited lets the editor have its say, and reports whether it has answered.
func (w *Writer) edited(code int) bool {
	if !w.edits {
		return false
	}
	instead := w.seen.(Editor).Edit(code)
	if instead != 0 {
		w.mute = true
		w.commit(instead)
	}
	return w.mute
}
