package control

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// A Schedule is a chaos.Schedule as JSON has it: {"start": "1m", "end": 90000}. A string is a duration,
// a number counts milliseconds; what is zero is left out.
type Schedule chaos.Schedule

// times are the fields by their names.
func (s *Schedule) times() map[string]*time.Duration {
	return map[string]*time.Duration{
		"start": &s.Start, "end": &s.End, "every": &s.Every, "grow": &s.Grow, "shrink": &s.Shrink,
	}
}

// MarshalJSON writes durations.
func (s Schedule) MarshalJSON() ([]byte, error) {
	all := map[string]string{}
	for name, time := range s.times() {
		if *time != 0 {
			all[name] = time.String()
		}
	}
	return json.Marshal(all)
}

// UnmarshalJSON reads durations and milliseconds. Its errors are of type *Error.
func (s *Schedule) UnmarshalJSON(data []byte) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(data, &given); err != nil {
		return refusal(http.StatusBadRequest, "schedule", "schedule is %.40s, want an object", data)
	}
	times := s.times()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		field := "schedule." + name
		known, ok := times[name]
		if !ok {
			return refusal(http.StatusBadRequest, field, "%s is not known, want one of %s",
				field, strings.Join(slices.Sorted(maps.Keys(times)), ", "))
		}
		if *known, ok = parseTime(given[name]); !ok {
			return refusal(http.StatusBadRequest, field, "%s is %.40s, want \"1m30s\", or milliseconds up to %v",
				field, given[name], chaos.Longest)
		}
	}
	return nil
}

func parseTime(data []byte) (time.Duration, bool) {
	var (
		text string
		ms   float64
	)
	if bytes.HasPrefix(data, []byte(`"`)) {
		if json.Unmarshal(data, &text) != nil {
			return 0, false
		}
		d, err := time.ParseDuration(text)
		return d, err == nil && d.Abs() <= chaos.Longest
	}
	if json.Unmarshal(data, &ms) != nil || math.Abs(ms) > float64(chaos.Longest/time.Millisecond) {
		return 0, false
	}
	return time.Duration(ms * float64(time.Millisecond)), true
}
