package chaos_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// passed is what a behavior has made of a stream.
type passed struct {
	data  []byte
	sizes []int         // of what went at once
	took  time.Duration // all pauses
	fate  chaos.Fate
}

// passOn shows a stream to a behavior as a proxy does: in pieces as they come in, of each what may go,
// and then the rest.
func passOn(t *testing.T, b chaos.Behavior, seed uint64, data []byte, size func() int) (p passed) {
	t.Helper()
	for len(data) > 0 {
		n := min(size(), len(data))
		piece := slices.Clone(data[:n])
		data = data[n:]
		for len(piece) > 0 {
			e := chaos.Drawn(seed, chaos.Event{Moment: chaos.Write, Conn: 1, Passed: int64(len(p.data)), Data: piece})
			b.Strike(e)
			n := min(e.Take, len(e.Data))
			if e.Take == 0 && e.Fate == chaos.Pass {
				n = len(e.Data)
			}
			if n < 0 || n == 0 && e.Fate == chaos.Pass {
				t.Fatalf("%+v lets %d bytes go", b, n)
			}
			p.data, p.sizes, p.took = append(p.data, e.Data[:n]...), append(p.sizes, n), p.took+e.Pause
			if e.Rate > 0 {
				p.took += time.Duration(n) * time.Second / time.Duration(e.Rate)
			}
			if p.fate = e.Fate; e.Fate != chaos.Pass {
				return p
			}
			piece = e.Data[n:]
		}
	}
	return p
}

func always(n int) func() int { return func() int { return n } }

func atRandom(most int) func() int {
	r := rand.New(rand.NewPCG(1, 2))
	return func() int { return 1 + r.IntN(most) }
}

func random(n int) []byte {
	data := make([]byte, n)
	r := rand.NewChaCha8([32]byte{1})
	r.Read(data)
	return data
}

func TestBandwidthIsExactInWhateverPieces(t *testing.T) {
	for _, rate := range []int64{1, 3, 9, 10, 1000, 33_333, 1_000_000, 3_000_000_000} {
		data := random(int(min(rate*2, 1<<20)))
		want := time.Duration(float64(len(data)) / float64(rate) * float64(time.Second))
		for name, size := range map[string]func() int{"one": always(1), "small": always(1460), "all": always(len(data)), "random": atRandom(5000)} {
			p := passOn(t, chaos.Bandwidth{Rate: rate}, 1, data, size)
			if !bytes.Equal(p.data, data) {
				t.Fatalf("rate %d, %s: other bytes", rate, name)
			}
			if off := (p.took - want).Abs(); off > time.Duration(len(p.sizes)) { // a nanosecond of rounding each
				t.Errorf("rate %d, %s: %d bytes took %v, want %v", rate, name, len(data), p.took, want)
			}
			if most := slices.Max(p.sizes); int64(most) > max(rate/10, 1) {
				t.Errorf("rate %d, %s: %d bytes at once are more than 100 ms worth", rate, name, most)
			}
		}
	}
}

func TestASlicerSlices(t *testing.T) {
	data := random(100_000)
	p := passOn(t, chaos.Slicer{AverageSize: 50, SizeVariation: 20, Delay: time.Microsecond}, 1, data, always(len(data)))
	if !bytes.Equal(p.data, data) {
		t.Fatal("other bytes")
	}
	sizes := p.sizes[:len(p.sizes)-1] // the last is what is left
	if least, most := slices.Min(sizes), slices.Max(sizes); least != 30 || most != 70 {
		t.Errorf("pieces have from %d to %d bytes, want 30 to 70", least, most)
	}
	if average := len(data) / len(sizes); average < 48 || average > 52 {
		t.Errorf("pieces have %d bytes on average, want 50", average)
	}
	if want := time.Duration(len(p.sizes)) * time.Microsecond; p.took != want {
		t.Errorf("%d pieces took %v, want %v", len(p.sizes), p.took, want)
	}
}

func TestNotAByteMoreThanTheLimit(t *testing.T) {
	data := random(3000)
	for _, size := range []func() int{always(1), always(100), always(999), always(1000), always(1001), always(3000), atRandom(700)} {
		for _, test := range []struct {
			behavior chaos.Behavior
			want     int
			fate     chaos.Fate
		}{
			{chaos.LimitData{}, 0, chaos.Close},
			{chaos.LimitData{Bytes: 1000}, 1000, chaos.Close},
			{chaos.Cut{Bytes: 1000}, 1000, chaos.Close},
			{chaos.Cut{Bytes: 1000, Reset: true}, 1000, chaos.Break},
			{chaos.LimitData{Bytes: 3000}, 3000, chaos.Close}, // with the last byte, not with the next
			{chaos.LimitData{Bytes: 3001}, 3000, chaos.Pass},
		} {
			p := passOn(t, test.behavior, 1, data, size)
			if !bytes.Equal(p.data, data[:test.want]) || p.fate != test.fate {
				t.Errorf("%+v: %d bytes and then %d, want %d and %d", test.behavior, len(p.data), p.fate, test.want, test.fate)
			}
		}
	}
}

func TestCorruptionDependsOnTheSeedAndThePlaceOnly(t *testing.T) {
	data := random(100_000)
	for _, rate := range []float64{1e-9, 0.0001, 0.01, 0.3, 1} {
		b := chaos.Corrupt{Rate: rate}
		whole := passOn(t, b, 7, data, always(len(data)))
		for name, size := range map[string]func() int{"one byte": always(1), "63": always(63), "64": always(64), "random": atRandom(1000)} {
			if got := passOn(t, b, 7, data, size); !bytes.Equal(got.data, whole.data) {
				t.Errorf("rate %v: in pieces of %s other bytes are struck", rate, name)
			}
		}
		if rate > 0.001 && bytes.Equal(passOn(t, b, 8, data, always(1000)).data, whole.data) {
			t.Errorf("rate %v: another seed strikes the same", rate)
		}
		struck := 0
		for i := range data {
			if data[i] != whole.data[i] {
				struck++
			}
		}
		want := rate * 255 / 256 * float64(len(data)) // one in 256 is replaced by itself
		if math.Abs(float64(struck)-want) > 4*math.Sqrt(want)+1 {
			t.Errorf("rate %v: %d bytes are struck, want about %.0f", rate, struck, want)
		}
	}
}

// A proxy asks again about what could not go at once.
func TestCorruptingTwiceIsCorruptingOnce(t *testing.T) {
	e := chaos.Drawn(1, chaos.Event{Moment: chaos.Write, Passed: 100, Data: random(1000)})
	before := slices.Clone(e.Data)
	kept := e.Data
	chaos.Corrupt{Rate: 0.5}.Strike(e)
	once := slices.Clone(e.Data)
	chaos.Corrupt{Rate: 0.5}.Strike(e)
	if bytes.Equal(once, before) || !bytes.Equal(e.Data, once) {
		t.Error("asked again it strikes other bytes, or none")
	}
	if !bytes.Equal(kept, before) {
		t.Error("the caller's bytes have changed")
	}
}

func TestJitterGoesBothWays(t *testing.T) {
	var delays []time.Duration
	for at := range int64(2000) {
		e := chaos.Event{Moment: chaos.Read, Conn: 1, Passed: at}
		delays = append(delays, struck(chaos.Latency{Latency: 100, Jitter: 50}, e).Delay)
	}
	if least, most := slices.Min(delays), slices.Max(delays); least != 50 || most != 150 {
		t.Errorf("from %d to %d, want 50 to 150", least, most)
	}
	for at := range int64(100) {
		e := chaos.Event{Moment: chaos.Read, Passed: at, Delay: 5}
		if d := struck(chaos.Latency{Latency: 1, Jitter: 100}, e).Delay; d < 5 {
			t.Fatalf("jitter takes %v from the delay of another fault", 5-d)
		}
	}
}

func BenchmarkCorrupt(b *testing.B) {
	data := random(64 << 10)
	var strike chaos.Behavior = chaos.Corrupt{Rate: 1e-6}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		strike.Strike(chaos.Drawn(1, chaos.Event{Moment: chaos.Write, Data: data}))
	}
}
