package chaos

import "time"

// Slicer passes bytes on in small pieces.
type Slicer struct {
	// AverageSize is how many bytes a piece has, at least 1.
	AverageSize int `attr:"average_size" unit:"B" help:"how many bytes a piece has, at least 1"`

	// SizeVariation makes that more or less by up to so much, at random. It is less than AverageSize.
	SizeVariation int `attr:"size_variation" unit:"B" help:"how many bytes more or less, at most; less than average_size"`

	// Delay is the time after each piece.
	Delay time.Duration `attr:"delay" unit:"us" help:"the time between the pieces"`
}

// Name is "slicer".
func (Slicer) Name() string { return "slicer" }

// Strike lets a piece pass.
func (s Slicer) Strike(e *Event) {
	if e.Moment != Write {
		return
	}
	size := s.AverageSize
	if s.SizeVariation > 0 {
		size += e.Rand().IntN(2*s.SizeVariation+1) - s.SizeVariation
	}
	take(e, int64(max(size, 1)))
	e.Pause = max(e.Pause, s.Delay)
}

// Validate says what is wrong with the fields: an [AttributeError].
func (s Slicer) Validate() error {
	if err := between(s, "average_size", s.AverageSize, 1, mostSize); err != nil {
		return err
	}
	if err := between(s, "size_variation", s.SizeVariation, 0, s.AverageSize-1); err != nil {
		return err
	}
	return lasting(s, "delay", s.Delay)
}

// mostSize is how many bytes a piece may be told to have.
const mostSize = 1_000_000_000
