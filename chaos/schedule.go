package chaos

import (
	"fmt"
	"time"
)

// A Schedule says when a fault strikes, counted from when it was set. The zero Schedule is always.
//
//	chaos.Schedule{Grow: time.Minute, End: 2 * time.Minute, Shrink: time.Minute}
//
// lets a delay grow for a minute and shrink for another. A behavior that has no weaker form strikes
// more, and then less often.
type Schedule struct {
	// Start is when the fault begins. Zero is at once.
	Start time.Duration

	// End is when it is over, after Start. Zero is never.
	End time.Duration

	// Every repeats the whole, for ever: it is at least End. Zero is once.
	Every time.Duration

	// Grow is how long the fault takes after Start to reach its full strength.
	Grow time.Duration

	// Shrink is how long before End it begins to get weaker. It needs an End.
	Shrink time.Duration
}

// A ScheduleError says which field of a [Schedule] cannot be what it is.
type ScheduleError struct {
	Field string // "Start"
	Got   time.Duration
	Want  string // what is accepted
}

func (e *ScheduleError) Error() string {
	return fmt.Sprintf("chaos: Schedule.%s is %v, want %s", e.Field, e.Got, e.Want)
}

// Validate says what is wrong with the schedule: a [ScheduleError].
func (s Schedule) Validate() error {
	bad := func(field string, got time.Duration, want string) error {
		return &ScheduleError{field, got, want}
	}
	switch {
	case s.Start < 0:
		return bad("Start", s.Start, "0 or more")
	case s.End < 0 || s.End != 0 && s.End <= s.Start:
		return bad("End", s.End, "more than Start, or 0 for never")
	case s.Every < 0 || s.Every != 0 && (s.End == 0 || s.Every < s.End):
		return bad("Every", s.Every, "an End, and at least as much as that; or 0 for once")
	case s.Grow < 0 || s.End != 0 && s.Grow > s.End-s.Start:
		return bad("Grow", s.Grow, "from 0 to the time between Start and End")
	case s.Shrink < 0 || s.Shrink != 0 && s.End == 0 || s.Shrink > max(s.End-s.Start-s.Grow, 0):
		return bad("Shrink", s.Shrink, "from 0 to what Grow leaves of the time between Start and End")
	}
	return nil
}

// Strength gives how much of the fault there is at a time since it was set: 0 is none, 1 is all.
func (s Schedule) Strength(since time.Duration) float64 {
	if s.Every > 0 {
		since %= s.Every
	}
	switch {
	case since < s.Start || s.End != 0 && since >= s.End:
		return 0
	case since < s.Start+s.Grow:
		return float64(since-s.Start) / float64(s.Grow)
	case s.End != 0 && since > s.End-s.Shrink:
		return float64(s.End-since) / float64(s.Shrink)
	}
	return 1
}
