package chaos

// Dummy does nothing: all is good.
type Dummy struct{}

// Name is "dummy".
func (Dummy) Name() string { return "dummy" }

// Strike leaves everything as it is.
func (Dummy) Strike(*Event) {}

// Noop is [Dummy] under toxiproxy's name for it.
type Noop struct{ Dummy }

// Name is "noop".
func (Noop) Name() string { return "noop" }
