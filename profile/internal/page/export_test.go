package page

import "time"

// What is decided apart from pages.
var (
	Span     = span
	Size     = size
	Base     = base
	Clip     = clip
	Visible  = visible
	Percent  = percent[time.Duration]
	FileName = fileName
	Ticks    = ticks
)

// HoldTurns keeps everyone from working with profiles until it is released.
func HoldTurns() (release func()) {
	for range cap(making) {
		making <- struct{}{}
	}
	return func() {
		for range cap(making) {
			<-making
		}
	}
}
