package chaos

// Transient gives errors to the first requests, and is good from then on: as a backend that has just
// been started, or a lock that is about to be released.
type Transient struct {
	// Agitate is how many requests, of all connections, are struck since the fault was set. Zero is
	// none.
	Agitate int `attr:"agitate" help:"how many requests get errors before all is good"`

	// Error is what they get. Its Warmup is a part of Agitate.
	Error
}

// Name is "transient".
func (Transient) Name() string { return "transient" }

// Strike leaves the first requests to the Error.
func (t Transient) Strike(e *Event) {
	if before(e) < uint64(t.Agitate) {
		t.Error.Strike(e)
	}
}

// Validate says what is wrong with the fields: an [AttributeError].
func (t Transient) Validate() error {
	if err := between(t, "agitate", t.Agitate, 0, mostRequests); err != nil {
		return err
	}
	return between(t, "warmup", t.Warmup, 0, mostRequests)
}
