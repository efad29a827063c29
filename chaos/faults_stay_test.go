package chaos_test

import (
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// silent says that nothing comes for a while.
func silent(t *testing.T, c interface {
	io.Reader
	SetReadDeadline(time.Time) error
}, because string) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(60 * time.Millisecond))
	if n, err := c.Read(make([]byte, 1)); n > 0 || !isTimeout(err) {
		t.Fatalf("%s, and %d bytes came with %v", because, n, err)
	}
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
}

// TestAFaultThatGoesFreesWhatItHeldAndNothingElse sets two, and then takes one of them away.
func TestAFaultThatGoesFreesWhatItHeldAndNothingElse(t *testing.T) {
	dummy := fault(chaos.Dummy{})
	named := func(name string, b chaos.Behavior) chaos.Fault { return chaos.Fault{Name: name, Behavior: b} }
	for name, test := range map[string]struct{ holds, other chaos.Fault }{
		"latency beside none":       {fault(chaos.Latency{Latency: time.Hour}), dummy},
		"latency beside another":    {named("a", chaos.Latency{Latency: time.Hour}), named("b", chaos.Latency{Latency: time.Millisecond})},
		"delay of the request":      {fault(chaos.Delay{Sleep: time.Hour, Before: true}), dummy},
		"delay of the answer":       {fault(chaos.Delay{Sleep: time.Hour}), dummy},
		"delay before a short one":  {named("a", chaos.Delay{Sleep: time.Hour}), named("b", chaos.Delay{Sleep: time.Millisecond})},
		"a stopped line":            {fault(chaos.Bandwidth{}), dummy},
		"a pause beside corruption": {fault(chaos.Slicer{AverageSize: 1, Delay: time.Hour}), fault(chaos.Corrupt{Rate: 1})},
		"an answer of the proxy's":  {fault(lateNo{}), dummy},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
			for _, order := range [][]chaos.Fault{{test.holds, test.other}, {test.other, test.holds}} {
				set(t, p, order...)
				c := dial(t, p)
				say(t, c, "hello")
				if strings.HasPrefix(name, "a pause") {
					io.ReadFull(c, make([]byte, 1)) // it follows the first piece
				}
				silent(t, c, "both are set")
				set(t, p, test.holds)
				silent(t, c, "what holds is still set")
				set(t, p, test.other)
				if _, err := io.ReadFull(c, make([]byte, 2)); err != nil {
					t.Errorf("what held is gone: %v", err)
				}
			}
		})
	}
}

// lateNo denies, an hour later. It is a value, and so the same fault when it is set again.
type lateNo struct{}

func (lateNo) Name() string { return "late_no" }

func (lateNo) Strike(e *chaos.Event) {
	if e.Moment == chaos.Request {
		e.Fate, e.Delay, e.Reply = chaos.Deny, time.Hour, []byte("no")
	}
}

// TestTheEndWaitsForItsOwnFault only.
func TestTheEndWaitsForItsOwnFault(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	slow := chaos.Fault{Behavior: chaos.SlowClose{Delay: time.Hour}, Direction: chaos.Upstream}
	set(t, p, slow, fault(chaos.Dummy{}))
	c := dial(t, p)
	c.CloseWrite()
	silent(t, c, "both are set")
	set(t, p, slow)
	silent(t, c, "what holds is still set")
	set(t, p, fault(chaos.Dummy{}))
	if _, err := c.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("what held is gone: %v, want an end", err)
	}
}

// TestARateIsKeptWhileOtherFaultsComeAndGo: setting others is no way to get more through.
func TestARateIsKeptWhileOtherFaultsComeAndGo(t *testing.T) {
	const rate, patience = 100_000, 600 * time.Millisecond
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	slow := fault(chaos.Bandwidth{Rate: rate})
	set(t, p, slow)
	c := dial(t, p)
	over := make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { c.Write(make([]byte, 1<<20)) })
	all.Go(func() {
		for {
			select {
			case <-over:
				return
			case <-time.After(5 * time.Millisecond):
				p.SetFaults(slow, fault(chaos.Dummy{}))
				p.SetFaults(fault(chaos.Corrupt{}), slow)
			}
		}
	})
	began := time.Now()
	c.SetReadDeadline(began.Add(patience))
	n, _ := io.Copy(io.Discard, c)
	most := int64(rate*time.Since(began).Seconds()) + 2*rate/10 // and what passes at once, at either end
	close(over)
	c.Close()
	all.Wait()
	if n > most || n < most/4 {
		t.Errorf("%d bytes came in %v at %d a second", n, patience, rate)
	}
}

// TestALongQueueMeetsWhatIsSet, also when nothing keeps it from going on as before.
func TestALongQueueMeetsWhatIsSet(t *testing.T) {
	said := random(2 << 20)
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	var pieces atomic.Int64
	count := striking(func(e *chaos.Event) {
		if e.Moment == chaos.Write {
			e.Take = 1
			pieces.Add(1)
		}
	})
	set(t, p, fault(chaos.Latency{Latency: 200 * time.Millisecond}), fault(count))
	c := dial(t, p)
	var saying sync.WaitGroup
	saying.Go(func() { c.Write(said) })
	io.ReadFull(c, make([]byte, 1))
	set(t, p)
	if _, err := io.CopyN(io.Discard, c, int64(len(said)-1)); err != nil {
		t.Fatal(err)
	}
	saying.Wait()
	if n := pieces.Load(); n > 1<<20 {
		t.Errorf("%d pieces: what was set meanwhile was not met", n)
	}
}

// TestStruckCountsVerdictsAndNothingElse: neither being set, nor time, nor what an hour will bring.
func TestStruckCountsVerdictsAndNothingElse(t *testing.T) {
	later := chaos.Fault{Behavior: chaos.Dummy{}, Schedule: chaos.Schedule{Start: time.Hour}} // keeps all asked
	for name, test := range map[string]struct {
		fault chaos.Fault
		talks bool
		want  uint64
	}{
		"half open without a client": {fault(chaos.HalfOpen{}), false, 0},
		"slow connect":               {fault(chaos.SlowConnect{Delay: time.Hour}), true, 1},
		"a reset in an hour":         {fault(chaos.Reset{After: time.Hour}), true, 0},
		"latency":                    {fault(chaos.Latency{Latency: time.Hour}), true, 1},
		"an error":                   {fault(chaos.Error{}), true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var notices atomic.Int64
			p := start(t, &chaos.Proxy{Protocol: wire.Redis, Backend: backend(t, redisEcho), Notify: func(n chaos.Notice) {
				if n.Kind == chaos.Struck {
					notices.Add(1)
				}
			}})
			set(t, p, test.fault, later)
			if test.talks {
				c := dial(t, p)
				for _, word := range []string{"PI", "NG\r", "\n"} { // in pieces, and it counts once
					say(t, c, word)
					time.Sleep(10 * time.Millisecond)
				}
			}
			for range 5 {
				time.Sleep(30 * time.Millisecond)
				set(t, p, test.fault)
				set(t, p, test.fault, later)
			}
			struck := p.Stats().Struck[p.Faults()[0].Name]
			if struck != test.want || notices.Load() > int64(test.want) {
				t.Errorf("it has struck %d times, with %d notices, want %d", struck, notices.Load(), test.want)
			}
		})
	}
}

// TestAFaultCannotBeChangedFromOutside: a Mix is a slice, of which a caller may keep another.
func TestAFaultCannotBeChangedFromOutside(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	inner := chaos.Mix{{Percent: 100, Behavior: chaos.Dummy{}}}
	mine := chaos.Mix{{Percent: 100, Behavior: inner}}
	set(t, p, fault(mine))
	mine[0].Behavior = chaos.Blackout{}
	inner[0].Behavior = chaos.Blackout{}
	p.Faults()[0].Behavior.(chaos.Mix)[0].Behavior = chaos.Blackout{}
	c := dial(t, p)
	say(t, c, "hello")
	hear(t, c, "hello")
}

func TestFaultsHaveNamesThatDiffer(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
	dummy := func(name string) chaos.Fault { return chaos.Fault{Name: name, Behavior: chaos.Dummy{}} }
	if err := p.SetFaults(dummy("a"), dummy("b"), dummy("a")); err == nil || !strings.Contains(err.Error(), `"a"`) {
		t.Errorf("two of one name: %v, want an error that tells it", err)
	}
	if f := p.Faults(); len(f) != 0 {
		t.Errorf("and %v are set", f)
	}
	set(t, p, dummy(""), dummy("dummy_downstream"), dummy(""))
	var names []string
	for _, f := range p.Faults() {
		names = append(names, f.Name)
	}
	if got := strings.Join(names, " "); got != "dummy_downstream_2 dummy_downstream dummy_downstream_3" {
		t.Errorf("they are called %s", got)
	}
}

// What comes after lost bytes would be taken for them: the answer to a request for the one before.
func TestAConnectionThatHasLostBytesEndsWithTheFault(t *testing.T) {
	for name, schedule := range map[string]chaos.Schedule{"taken away": {}, "by its schedule": {End: 200 * time.Millisecond}} {
		t.Run(name, func(t *testing.T) {
			p := start(t, &chaos.Proxy{Backend: backend(t, echo)})
			set(t, p, chaos.Fault{Behavior: chaos.Timeout{}, Schedule: schedule})
			c := dial(t, p)
			say(t, c, "a")
			for p.Stats().Struck["timeout_downstream"] == 0 {
				time.Sleep(time.Millisecond)
			}
			if schedule.End == 0 {
				set(t, p)
			}
			time.Sleep(schedule.End)
			c.Write([]byte("b")) // which may be too late already
			if got, err := io.ReadAll(c); len(got) > 0 {
				t.Errorf("the client heard %q and %v, want an end", got, err)
			}
		})
	}
}
