package chaos

import (
	"time"
)

// Bandwidth is a narrow line: bytes pass at a rate.
type Bandwidth struct {
	// Rate is in bytes per second. Zero stops them, and loses none.
	Rate int64 `attr:"rate" unit:"KB/s" help:"how fast bytes pass; 0 stops them"`
}

// stroke is how much time the bytes that pass at once are worth, at most.
const stroke = 100 * time.Millisecond

// Name is "bandwidth".
func (Bandwidth) Name() string { return "bandwidth" }

// Strike lets some bytes pass and then a while go by.
func (b Bandwidth) Strike(e *Event) {
	switch {
	case e.Moment != Write:
	case b.Rate <= 0:
		take(e, 0)
		e.Pause = max(e.Pause, stroke)
	default:
		take(e, max(b.Rate/int64(time.Second/stroke), 1))
		if e.Rate == 0 || b.Rate < e.Rate {
			e.Rate = b.Rate
		}
	}
}

// Scale gives a wider line. A line that is stopped is.
func (b Bandwidth) Scale(strength float64) Behavior {
	b.Rate = int64(min(float64(b.Rate)/max(strength, 1e-6), mostBytes))
	return b
}

// Validate says what is wrong with the fields: an [AttributeError].
func (b Bandwidth) Validate() error { return between(b, "rate", b.Rate, 0, mostBytes) }

// mostBytes is how many bytes a behavior may be told, a petabyte: no rounding can hurt.
const mostBytes = 1_000_000_000_000_000
