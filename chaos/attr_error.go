package chaos

import (
	"fmt"
	"time"
)

// Longest is the longest time that a behavior can be told, in whatever unit.
const Longest = 1000 * time.Hour

// An AttributeError says which attribute of a behavior cannot be what it was told to be.
type AttributeError struct {
	Behavior  string // the Name of the behavior
	Attribute string // its name in the API: "average_size" for Slicer.AverageSize
	Got       string // what it was told to be
	Want      string // what is accepted
}

func (e *AttributeError) Error() string {
	return fmt.Sprintf("chaos: %s: %s is %s, want %s", e.Behavior, e.Attribute, e.Got, e.Want)
}

// between says that an attribute must be a number from least to most.
func between[T int | int64 | float64](b Behavior, attribute string, got, least, most T) error {
	if got >= least && got <= most {
		return nil
	}
	want := fmt.Sprintf("a number from %v to %v", least, most)
	return &AttributeError{b.Name(), attribute, fmt.Sprint(got), want}
}

// lasting says that an attribute must be a time that passes.
func lasting(b Behavior, attribute string, got time.Duration) error {
	if got >= 0 && got <= Longest {
		return nil
	}
	return &AttributeError{b.Name(), attribute, got.String(), fmt.Sprintf("a time from 0 to %v", Longest)}
}

// scaled is a part of a time.
func scaled(d time.Duration, strength float64) time.Duration {
	return time.Duration(float64(d) * min(max(strength, 0), 1))
}
