package respond

// An eventEnd is where an event stream has got to: what may follow depends on it.
type eventEnd uint8

const (
	noEvents      eventEnd = iota // it is none
	betweenEvents                 // an empty line has ended the last event
	betweenLines                  // of an event that has not ended
	withinLine

	afterCR eventEnd = 1 << 7 // what comes next is a part of the line's end if it is LF
)

// lineEnds is the length of two line ends at the most.
const lineEnds = len("\r\n\r\n")

// after is where the stream is after b. A line ends with CR, LF or both.
func (e eventEnd) after(b []byte) eventEnd {
	for _, c := range b[max(0, len(b)-lineEnds):] { // so many say it all, whatever was before
		switch {
		case c == '\n' && e&afterCR != 0:
			e &^= afterCR
		case c != '\n' && c != '\r':
			e = withinLine
		default:
			if e &^= afterCR; e == withinLine {
				e = betweenLines
			} else {
				e = betweenEvents
			}
			if c == '\r' {
				e |= afterCR
			}
		}
	}
	return e
}

// LastLine is what a line is to be written as that is the last one of an event
// stream: the client sets an event aside that the handler has left incomplete, and
// the line is not to become a part of it, nor to end it.
func (w *Writer) LastLine(line string) string {
	switch w.events &^ afterCR {
	case withinLine:
		return "\n" + line + "\n"
	case betweenLines:
		return line + "\n"
	}
	return line + "\n\n"
}
