package chaos

import "time"

// Cut ends connections in the middle of what is said: after a number of bytes, after a time, or after
// whichever comes first. With neither it ends them at once.
type Cut struct {
	// Bytes is how many pass in the fault's direction. Zero is any number.
	Bytes int64 `attr:"bytes" unit:"B" help:"how many bytes pass; 0 is any number"`

	// After is how long a connection lives. Zero is for ever, if there are Bytes.
	After time.Duration `attr:"after" unit:"ms" help:"how long a connection lives; 0 is for ever, if there are bytes"`

	// Reset ends it with a reset, rather than in order: the client may lose what it has not read.
	Reset bool `attr:"reset" help:"end with a reset, rather than in order"`
}

// Name is "cut".
func (Cut) Name() string { return "cut" }

// Strike counts bytes, and gives a connection its time.
func (c Cut) Strike(e *Event) {
	fate := Close
	if c.Reset {
		fate = Break
	}
	switch {
	case e.Moment == Open && (c.After > 0 || c.Bytes == 0):
		e.Fate, e.Until = fate, c.After
	case e.Moment == Write && c.Bytes > 0:
		end(e, c.Bytes, fate)
	}
}

// end brings a fate over a connection once so many bytes have passed, and not more.
func end(e *Event, bytes int64, fate Fate) {
	if left := max(bytes-e.Passed, 0); left <= int64(room(e)) {
		e.Take, e.Fate = int(left), fate
	}
}

// Validate says what is wrong with the fields: an [AttributeError].
func (c Cut) Validate() error {
	if err := between(c, "bytes", c.Bytes, 0, mostBytes); err != nil {
		return err
	}
	return lasting(c, "after", c.After)
}

// LimitData closes connections when a number of bytes have passed: toxiproxy's [Cut].
type LimitData struct {
	// Bytes is how many pass in the fault's direction. Zero is none.
	Bytes int64 `attr:"bytes" unit:"B" help:"how many bytes pass"`
}

// Name is "limit_data".
func (LimitData) Name() string { return "limit_data" }

// Strike counts bytes.
func (l LimitData) Strike(e *Event) {
	if e.Moment == Write {
		end(e, l.Bytes, Close)
	}
}

// Validate says what is wrong with the fields: an [AttributeError].
func (l LimitData) Validate() error { return between(l, "bytes", l.Bytes, 0, mostBytes) }
