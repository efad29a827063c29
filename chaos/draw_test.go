package chaos_test

import (
	"math"
	"math/bits"
	"testing"

	"github.com/heeler-go/heeler/chaos"
)

func TestADrawIsTheSameAtEachMomentOfARequest(t *testing.T) {
	want := chaos.Drawn(1, chaos.Event{Conn: 2, Request: 3}).Draw()
	for m := chaos.Connect; m <= chaos.End; m++ {
		e := chaos.Drawn(1, chaos.Event{Moment: m, Conn: 2, Request: 3, Passed: int64(m), Seen: 9})
		if got := e.Draw(); got != want {
			t.Errorf("at %v it is %v, want %v", m, got, want)
		}
	}
}

// The draws of neighboring connections, requests and seeds have nothing to do with each other: each
// tenth of the numbers is drawn as often as the others.
func TestDrawsAreEven(t *testing.T) {
	const n = 100_000
	for name, e := range map[string]func(i uint64) *chaos.Event{
		"connections": func(i uint64) *chaos.Event { return chaos.Drawn(1, chaos.Event{Conn: i}) },
		"requests":    func(i uint64) *chaos.Event { return chaos.Drawn(1, chaos.Event{Conn: 1, Request: i}) },
		"seeds":       func(i uint64) *chaos.Event { return chaos.Drawn(i, chaos.Event{Conn: 1, Request: 1}) },
	} {
		var tenths [10]int
		sum, last := 0.0, 0.5
		for i := range uint64(n) {
			d := e(i).Draw()
			tenths[int(10*d)]++
			sum += (d - 0.5) * (last - 0.5)
			last = d
		}
		for i, got := range tenths {
			if math.Abs(float64(got)-n/10) > 500 {
				t.Errorf("%s: %d of %d are in tenth %d", name, got, n, i)
			}
		}
		if c := sum / n * 12; math.Abs(c) > 0.02 {
			t.Errorf("%s: a draw depends on the one before: correlation %.3f", name, c)
		}
	}
}

func TestRandBelongsToOneEvent(t *testing.T) {
	here := chaos.Event{Moment: chaos.Write, Conn: 1, Passed: 10}
	want := chaos.Drawn(1, here).Rand().Uint64()
	if got := chaos.Drawn(1, here).Rand().Uint64(); got != want {
		t.Error("asked twice it does not start again")
	}
	later, other, sooner := here, here, here
	later.Passed++
	other.Conn++
	sooner.Moment = chaos.Read
	for name, e := range map[string]chaos.Event{"a byte later": later, "in another connection": other, "at another moment": sooner} {
		got := chaos.Drawn(1, e).Rand().Uint64()
		if same := 64 - bits.OnesCount64(got^want); same < 14 || same > 50 {
			t.Errorf("%s %d of 64 bits are the same", name, same)
		}
	}
}
