package graph

// HoldTurn keeps everyone from the driver until it is released.
func HoldTurn() (release func()) {
	turn <- struct{}{}
	return func() { <-turn }
}
