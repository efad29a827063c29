package breaker

import "fmt"

// A State says whether a breaker lets calls through.
type State int

const (
	Closed   State = iota // calls go through
	Open                  // calls are refused
	HalfOpen              // a few calls go through as probes
)

// String is the state in words: "closed", "open" or "half-open".
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Open:
		return "open"
	case HalfOpen:
		return "half-open"
	}
	return fmt.Sprintf("State(%d)", int(s))
}

// MarshalText is the state in words.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *State) UnmarshalText(text []byte) error {
	for state := Closed; state <= HalfOpen; state++ {
		if string(text) == state.String() {
			*s = state
			return nil
		}
	}
	return fmt.Errorf("breaker: state %.40q; it must be closed, open or half-open", text)
}
