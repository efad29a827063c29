package chaos_test

import (
	"math"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

func TestTheStrengthOfASchedule(t *testing.T) {
	type at = map[time.Duration]float64
	const minute, never = time.Minute, 100000 * time.Hour
	hill := chaos.Schedule{Grow: minute, End: 2 * minute, Shrink: minute}
	wave := hill
	wave.Every = 3 * minute
	tests := []struct {
		name     string
		schedule chaos.Schedule
		want     at
	}{
		{"always", chaos.Schedule{}, at{0: 1, minute: 1, never: 1}},
		{"from a minute on", chaos.Schedule{Start: minute}, at{0: 0, minute - 1: 0, minute: 1, never: 1}},
		{"for a minute", chaos.Schedule{End: minute}, at{0: 1, minute - 1: 1, minute: 0, never: 0}},
		{"the second minute", chaos.Schedule{Start: minute, End: 2 * minute}, at{0: 0, minute: 1, 2*minute - 1: 1, 2 * minute: 0}},
		{"growing", chaos.Schedule{Grow: minute}, at{0: 0, 15 * second: 0.25, minute: 1, never: 1}},
		{"growing later", chaos.Schedule{Start: minute, Grow: minute}, at{minute: 0, 90 * second: 0.5, 2 * minute: 1}},
		{"growing and shrinking", hill, at{0: 0, 30 * second: 0.5, minute: 1, 90 * second: 0.5, 105 * second: 0.25, 2 * minute: 0, never: 0}},
		{"on top for a while", chaos.Schedule{Grow: minute, End: 3 * minute, Shrink: minute}, at{minute: 1, 2 * minute: 1, 150 * second: 0.5}},
		{"again and again", wave, at{30 * second: 0.5, 150 * second: 0, 210 * second: 0.5, 4 * minute: 1, 5 * minute: 0}},
		{"off and on", chaos.Schedule{Start: second, End: 2 * second, Every: 2 * second}, at{0: 0, second: 1, 2 * second: 0, 3 * second: 1, 4 * second: 0}},
	}
	for _, test := range tests {
		if err := test.schedule.Validate(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		for since, want := range test.want {
			if got := test.schedule.Strength(since); math.Abs(got-want) > 1e-9 {
				t.Errorf("%s: after %v it is %v, want %v", test.name, since, got, want)
			}
		}
	}
}

func TestSchedulesThatCannotBe(t *testing.T) {
	tests := []struct {
		schedule chaos.Schedule
		want     string
	}{
		{chaos.Schedule{Start: -1}, "chaos: Schedule.Start is -1ns, want 0 or more"},
		{chaos.Schedule{End: -1}, "chaos: Schedule.End is -1ns, want more than Start, or 0 for never"},
		{chaos.Schedule{Start: 2, End: 2}, "chaos: Schedule.End is 2ns, want more than Start, or 0 for never"},
		{chaos.Schedule{Every: 1}, "chaos: Schedule.Every is 1ns, want an End, and at least as much as that; or 0 for once"},
		{chaos.Schedule{End: 2, Every: 1}, "chaos: Schedule.Every is 1ns, want an End, and at least as much as that; or 0 for once"},
		{chaos.Schedule{Grow: -1}, "chaos: Schedule.Grow is -1ns, want from 0 to the time between Start and End"},
		{chaos.Schedule{Start: 1, End: 3, Grow: 3}, "chaos: Schedule.Grow is 3ns, want from 0 to the time between Start and End"},
		{chaos.Schedule{Shrink: 1}, "chaos: Schedule.Shrink is 1ns, want from 0 to what Grow leaves of the time between Start and End"},
		{chaos.Schedule{End: 3, Shrink: -1}, "chaos: Schedule.Shrink is -1ns, want from 0 to what Grow leaves of the time between Start and End"},
		{chaos.Schedule{End: 3, Grow: 2, Shrink: 2}, "chaos: Schedule.Shrink is 2ns, want from 0 to what Grow leaves of the time between Start and End"},
	}
	for _, test := range tests {
		err := chaos.Fault{Behavior: chaos.Dummy{}, Schedule: test.schedule}.Validate()
		if err == nil || err.Error() != test.want {
			t.Errorf("%+v: %v, want %s", test.schedule, err, test.want)
		}
	}
}

// Whatever the schedule, a strength is from 0 to 1, and nothing is divided by zero.
func FuzzSchedule(f *testing.F) {
	f.Add(int64(0), int64(0), int64(0), int64(0), int64(0), int64(0))
	f.Add(int64(1), int64(9), int64(20), int64(3), int64(3), int64(7))
	f.Add(int64(0), int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MaxInt64), int64(0), int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, start, end, every, grow, shrink, since int64) {
		d := func(n int64) time.Duration { return time.Duration(n) }
		s := chaos.Schedule{Start: d(start), End: d(end), Every: d(every), Grow: d(grow), Shrink: d(shrink)}
		if s.Validate() != nil || since < 0 {
			return
		}
		if got := s.Strength(d(since)); !(got >= 0 && got <= 1) {
			t.Errorf("%+v after %v: %v", s, d(since), got)
		}
	})
}
