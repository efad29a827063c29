package breaker_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

// A model is a breaker in as few words as possible: one call at a time, and a
// list of all that happened.
type model struct {
	tripAfter, tripCalls int
	tripRate, slowRate   float64
	window, slow         time.Duration
	openFor, openMax     time.Duration
	probes               int

	open     bool // or half-open
	byHand   bool
	until    time.Time
	good     int // probes
	openTime time.Duration

	since  time.Time // it is closed
	row    int
	events []event
}

type event struct {
	at           time.Time
	failed, slow bool
}

func (m *model) state() breaker.State {
	switch {
	case !m.open:
		return breaker.Closed
	case time.Now().Before(m.until):
		return breaker.Open
	}
	return breaker.HalfOpen
}

// ended says what a call that was let through does to the breaker, and for how
// long it opens, if it does.
func (m *model) ended(v says, took time.Duration) (opens time.Duration) {
	slow := took >= m.slow
	if m.open {
		return m.probed(v, slow)
	}
	if v == nothing && !slow {
		return 0
	}
	m.events = append(m.events, event{time.Now(), v == bad, slow})
	switch v {
	case bad:
		m.row++
	case good:
		m.row = 0
	}
	calls, failed, slows, _ := m.counts()
	enough := calls >= m.tripCalls
	if v == bad && (m.row >= m.tripAfter || enough && float64(failed) >= m.tripRate*float64(calls)) ||
		slow && enough && float64(slows) >= m.slowRate*float64(calls) {
		for range int(time.Since(m.since) / m.window) {
			if m.openTime = max(m.openTime/2, m.openFor); m.openTime == m.openFor {
				break
			}
		}
		return m.openTime
	}
	return 0
}

func (m *model) probed(v says, slow bool) (opens time.Duration) {
	if v == bad || slow {
		m.openTime = min(2*m.openTime, m.openMax)
		return m.openTime
	}
	if v == good {
		if m.good++; m.good == m.probes {
			m.openTime = max(m.openTime/2, m.openFor)
			m.close()
		}
	}
	return 0
}

// counts are those of the tenths of a window that this is the last of.
func (m *model) counts() (calls, failed, slow, well int) {
	tenth := func(at time.Time) int { return int(at.Sub(m.since) / (m.window / 10)) }
	for _, e := range m.events {
		if tenth(e.at) > tenth(time.Now())-10 {
			calls++
			if e.failed {
				failed++
			}
			if e.slow {
				slow++
			}
			if !e.failed && !e.slow {
				well++
			}
		}
	}
	return calls, failed, slow, well
}

func (m *model) knowsBetter() bool {
	_, _, _, well := m.counts()
	return !m.open && m.row == 0 && well > 0
}

func (m *model) close() {
	m.open, m.since, m.row, m.events = false, time.Now(), 0, nil
}

// refuse opens it until a time that was drawn from d to 1.2 d.
func (m *model) refuse(t *testing.T, b *breaker.Breaker, d time.Duration, byHand bool) {
	t.Helper()
	left := b.RetryAfter()
	if !byHand {
		wantWithin(t, left, d)
	}
	m.open, m.byHand, m.until, m.good = true, byHand, time.Now().Add(left), 0
}

func TestABreakerDoesWhatItsModelDoes(t *testing.T) {
	r := random(t)
	seen := make(map[string]int)
	for range 100 {
		config := model{
			tripAfter: 2 + r.IntN(6), tripCalls: 5 + r.IntN(20), tripRate: 0.2 + 0.7*r.Float64(), slowRate: 0.2 + 0.7*r.Float64(),
			window: 2*s + upTo(r, 20*s).Truncate(10), slow: 100 * ms,
			openFor: s + upTo(r, 3*s), openMax: 5*s + upTo(r, 30*s), probes: 1 + r.IntN(3),
		}
		synctest.Test(t, func(t *testing.T) { follow(t, config, rand.New(rand.NewPCG(r.Uint64(), 0)), seen) })
		if t.Failed() {
			return
		}
	}
	for _, want := range []string{"closed", "open", "half-open"} {
		if seen[want] < 500 {
			t.Errorf("it was %s %d times only", want, seen[want])
		}
	}
	t.Log(seen)
}

func upTo(r *rand.Rand, d time.Duration) time.Duration { return time.Duration(r.Int64N(int64(d))) }

// follow does random things to a breaker and its model.
func follow(t *testing.T, m model, r *rand.Rand, seen map[string]int) {
	var shared bus
	b := &breaker.Breaker{
		Name: "mysql", Timeout: 200 * ms, TripAfter: m.tripAfter, TripCalls: m.tripCalls, TripRate: m.tripRate, SlowRate: m.slowRate,
		Window: m.window, Slow: m.slow, OpenFor: m.openFor, OpenMax: m.openMax, Probes: m.probes, Peers: &shared,
	}
	b.State()
	synctest.Wait() // it hears
	m.since, m.openTime = time.Now(), m.openFor
	for step := range 400 {
		what := act(t, &m, b, r, &shared)
		synctest.Wait()
		want := m.state()
		if got := b.State(); got != want {
			t.Fatalf("step %d, %s: the breaker is %v, the model %v: %+v", step, what, got, want, m)
		}
		if left := b.RetryAfter(); want == breaker.Open && left != time.Until(m.until) || want != breaker.Open && left != 0 {
			t.Fatalf("step %d, %s: %v left, the model says %v", step, what, left, time.Until(m.until))
		}
		seen[want.String()]++
	}
}

// act does one thing, and says what.
func act(t *testing.T, m *model, b *breaker.Breaker, r *rand.Rand, shared *bus) string {
	t.Helper()
	switch n := r.IntN(100); {
	case n < 70:
		v, took := says(r.IntN(3)), time.Duration(0)
		if r.IntN(4) == 0 {
			v = good
		}
		if r.IntN(3) == 0 {
			took = upTo(r, 250*ms)
		}
		if took >= 200*ms { // that is Timeout
			v, took = bad, 200*ms
		}
		refused := m.state() == breaker.Open
		err := b.Do(t.Context(), func(context.Context) error {
			time.Sleep(took)
			synctest.Wait() // the timer's goroutine
			return []error{nil, errDown, context.Canceled}[v]
		})
		what := fmt.Sprintf("a call that takes %v and says %d: %v", took, v, err)
		if got := errors.Is(err, breaker.ErrOpen); got != refused {
			t.Errorf("%s: refused %v, want %v", what, got, refused)
		}
		if !refused {
			if d := m.ended(v, took); d > 0 {
				m.refuse(t, b, d, false)
			}
		}
		return what
	case n < 90:
		d := upTo(r, 2*s)
		if r.IntN(5) == 0 {
			d = upTo(r, 40*s)
		}
		time.Sleep(d)
		return fmt.Sprintf("%v later", d)
	case n < 92:
		d := 1 + upTo(r, 20*s)
		b.Open(d)
		m.refuse(t, b, d, true)
		return fmt.Sprintf("open for %v by hand", d)
	case n < 94:
		b.Close()
		m.openTime = m.openFor
		m.close()
		return "closed by hand"
	case n < 97:
		d := 1 + upTo(r, 60*s)
		heeds := !(m.open && m.byHand && m.state() == breaker.Open) && !m.knowsBetter()
		before := b.RetryAfter()
		shared.Announce(t.Context(), breaker.Notice{Name: "mysql", From: "x", State: breaker.Open, For: d})
		if d = min(d, m.openMax); heeds && (!m.open || b.RetryAfter() != before) {
			m.refuse(t, b, d, false)
		} else if heeds && before < d {
			t.Errorf("a peer's %v did not prolong our %v", d, before)
		}
		return fmt.Sprintf("a peer is open for %v", d)
	default:
		shared.Announce(t.Context(), breaker.Notice{Name: "mysql", From: "x", State: breaker.Closed})
		if m.state() == breaker.Open && !m.byHand {
			m.until = time.Now()
			time.Sleep(2 * time.Nanosecond) // gobreaker's clock must move
		}
		return "a peer has recovered"
	}
}
