package slack

// Escape is what becomes of an alert's words.
func Escape(s string, room int) (text string, left int) { return escape(s, room) }

// Code is what becomes of its stacks.
func Code(s string, room int) string { return code(s, room) }
