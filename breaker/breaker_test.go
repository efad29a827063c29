package breaker_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

func TestTheZeroBreakerWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b breaker.Breaker
		if err := b.Do(t.Context(), succeeds); err != nil {
			t.Fatal(err)
		}
		if err := b.Do(t.Context(), fails); err != errDown {
			t.Fatalf("error %v, want what the call returned", err)
		}
		trip(t, &b)
		if refusal := wantRefusal(t, &b); refusal.Name != "backend" {
			t.Errorf("named %q", refusal.Name)
		}
	})
}

func TestDoGivesTheResult(t *testing.T) {
	b := &breaker.Breaker{Name: "mysql", TripAfter: 1}
	v, err := breaker.Do(t.Context(), b, func(context.Context) (int, error) { return 42, nil })
	if v != 42 || err != nil {
		t.Errorf("%v, %v", v, err)
	}
	v, err = breaker.Do(t.Context(), b, func(context.Context) (int, error) { return 7, errDown })
	if v != 7 || err != errDown {
		t.Errorf("%v, %v, want what the call returned", v, err)
	}
	v, err = breaker.Do(t.Context(), b, func(context.Context) (int, error) { t.Error("ran"); return 1, nil })
	if v != 0 || !errors.Is(err, breaker.ErrOpen) {
		t.Errorf("%v, %v, want a refusal", v, err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	open := &breaker.OpenError{Name: "mysql", RetryAfter: 1234567 * time.Microsecond}
	if got, want := open.Error(), "breaker: mysql is not available, try again in 1.235s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if name, left := open.Refused(); name != "mysql" || left != open.RetryAfter || errors.Is(open, context.DeadlineExceeded) {
		t.Errorf("%q, %v", name, left)
	}
	late := &breaker.TimeoutError{Name: "mysql", Limit: s, RetryAfter: 2 * s}
	if got, want := late.Error(), "breaker: no answer from mysql within 1s"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if name, left := late.Refused(); name != "mysql" || left != 2*s || !late.Timeout() ||
		!errors.Is(late, context.DeadlineExceeded) || errors.Is(late, breaker.ErrOpen) {
		t.Errorf("%q, %v", name, left)
	}
}

func TestStatesAreWords(t *testing.T) {
	for state, word := range map[breaker.State]string{breaker.Closed: "closed", breaker.Open: "open", breaker.HalfOpen: "half-open"} {
		text, err := json.Marshal(state)
		var back breaker.State
		if err != nil || string(text) != `"`+word+`"` || json.Unmarshal(text, &back) != nil || back != state {
			t.Errorf("%v: %s, %v, read back as %v", state, text, err, back)
		}
	}
	if got := breaker.State(9).String(); got != "State(9)" {
		t.Error(got)
	}
	var state breaker.State
	if err := json.Unmarshal([]byte(`"ajar"`), &state); err == nil || !strings.Contains(err.Error(), `"ajar"`) {
		t.Errorf("error %v, want one that names the word", err)
	}
}

func TestAWrongFieldIsNamed(t *testing.T) {
	for _, c := range []struct {
		b     *breaker.Breaker
		field string // "" if it is right
	}{
		{&breaker.Breaker{}, ""},
		{&breaker.Breaker{Timeout: -1, TripAfter: -1, TripRate: -1, SlowRate: -1, Slow: time.Hour}, ""},
		{&breaker.Breaker{TripRate: 1, SlowRate: 1, Window: 10 * ms, OpenFor: ms, OpenMax: ms, Probes: 1000}, ""},
		{&breaker.Breaker{OpenFor: 24 * time.Hour, OpenMax: 24 * time.Hour, Timeout: 24 * time.Hour}, ""},
		{&breaker.Breaker{OpenFor: time.Hour}, ""},
		{&breaker.Breaker{OpenMax: 10 * ms}, ""},
		{&breaker.Breaker{Timeout: 24*time.Hour + 1}, "Timeout"},
		{&breaker.Breaker{TripRate: 1.01}, "TripRate"},
		{&breaker.Breaker{TripRate: math.NaN()}, "TripRate"},
		{&breaker.Breaker{TripRate: math.Inf(1)}, "TripRate"},
		{&breaker.Breaker{TripCalls: -1}, "TripCalls"},
		{&breaker.Breaker{Window: -1}, "Window"},
		{&breaker.Breaker{Window: 9 * ms}, "Window"},
		{&breaker.Breaker{Slow: -1}, "Slow"},
		{&breaker.Breaker{Slow: 1001 * ms}, "Slow"},
		{&breaker.Breaker{Slow: 101 * ms, Timeout: 100 * ms}, "Slow"},
		{&breaker.Breaker{SlowRate: 2}, "SlowRate"},
		{&breaker.Breaker{SlowRate: math.NaN()}, "SlowRate"},
		{&breaker.Breaker{OpenFor: -1}, "OpenFor"},
		{&breaker.Breaker{OpenFor: ms - 1}, "OpenFor"},
		{&breaker.Breaker{OpenFor: 25 * time.Hour}, "OpenFor"},
		{&breaker.Breaker{OpenMax: -1}, "OpenMax"},
		{&breaker.Breaker{OpenMax: 1}, "OpenMax"},
		{&breaker.Breaker{OpenFor: 2 * s, OpenMax: s}, "OpenMax"},
		{&breaker.Breaker{OpenMax: 25 * time.Hour}, "OpenMax"},
		{&breaker.Breaker{Probes: -1}, "Probes"},
		{&breaker.Breaker{Probes: 1001}, "Probes"},
	} {
		err := c.b.Validate()
		if c.field == "" {
			if err != nil {
				t.Error(err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), "breaker: Breaker."+c.field+" is ") || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want one about %s", err, c.field)
		}
		for range 2 {
			if value := panicOf(func() { c.b.State() }); value == nil || value.(error).Error() != err.Error() {
				t.Errorf("%s: panicked with %v, want %v", c.field, value, err)
			}
		}
	}
}

func panicOf(f func()) (value any) {
	defer func() { value = recover() }()
	f()
	return nil
}
