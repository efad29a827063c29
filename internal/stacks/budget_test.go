package stacks_test

import (
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/stacks"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestTheFirstSweepsOfAnOrdinaryProgramGoAtOnce(t *testing.T) {
	var b stacks.Budget
	for range 25 {
		if wait := b.Wait(now); wait != 0 {
			t.Fatalf("wait %v after less than the burst was spent", wait)
		}
		b.Charge(now, 10*time.Millisecond)
	}
	b.Charge(now, time.Millisecond)
	if wait := b.Wait(now); wait != 100*time.Millisecond {
		t.Errorf("1 ms over the burst: wait %v, want 100ms", wait)
	}
}

func TestAHugeFirstSweepIsPaidBackAtOnePercent(t *testing.T) {
	var b stacks.Budget
	b.Charge(now, 1400*time.Millisecond)
	if wait := b.Wait(now); wait != 115*time.Second {
		t.Errorf("wait %v, want 115s: (1.4s - 250ms) × 100", wait)
	}
	if wait := b.Wait(now.Add(115*time.Second - 1)); wait == 0 {
		t.Error("allowed before the debt was paid")
	}
	if wait := b.Wait(now.Add(115 * time.Second)); wait != 0 {
		t.Errorf("wait %v when the debt was paid", wait)
	}
}

func TestAnHourOfSweepsCostsOnePercentHoweverOftenOneAsks(t *testing.T) {
	for _, every := range []time.Duration{7, 99, time.Microsecond + 1, 333 * time.Millisecond} {
		var b stacks.Budget
		const cost = 3 * time.Millisecond
		var spent time.Duration
		end := now.Add(time.Hour)
		for at := now; at.Before(end); {
			if wait := b.Wait(at); wait > 0 {
				b.Wait(at.Add(min(every, wait))) // asking in between must lose nothing
				at = at.Add(wait)
				continue
			}
			b.Charge(at, cost)
			spent += cost
		}
		if most := stacks.Burst + 36*time.Second + cost; spent > most || spent < most-2*cost {
			t.Errorf("asked every %v: spent %v, want just under %v", every, spent, most)
		}
	}
}

func TestAClockThatJumpsDoesNotWedgeTheBudget(t *testing.T) {
	bubble := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	var b stacks.Budget
	b.Charge(now, time.Second)
	wait := b.Wait(bubble)
	if wait > 75*time.Second {
		t.Fatalf("wait %v after the clock went back, want at most the debt's 75s", wait)
	}
	if again := b.Wait(bubble.Add(wait)); again != 0 {
		t.Errorf("still %v to wait after the wait", again)
	}
	b.Charge(bubble.Add(wait), time.Hour)
	if wait := b.Wait(now); wait != 0 {
		t.Errorf("wait %v after 26 years", wait)
	}
	b.Charge(now, -time.Hour)
	b.Charge(now, 1<<62)
	if wait := b.Wait(now); wait <= 0 || wait > 100*time.Hour {
		t.Errorf("wait %v after a sweep during which the clock was set", wait)
	}
}

func TestTheOutlookLearnsFromTheLastSweep(t *testing.T) {
	var o stacks.Outlook
	usual := o.Expect(now, 100_000)
	if usual < time.Second || usual > 3*time.Second {
		t.Errorf("expects %v for 100,000 goroutines before any was measured, want about 1.5s", usual)
	}
	if small := o.Expect(now, 10); small > 5*time.Millisecond {
		t.Errorf("expects %v for 10 goroutines", small)
	}
	o.Learn(now, 10*time.Second, 100_000) // a slow machine
	if slow := o.Expect(now, 50_000); slow < 4*time.Second || slow > 6*time.Second {
		t.Errorf("expects %v for half of what took 10s", slow)
	}
	if later := o.Expect(now.Add(time.Hour), 100_000); later != usual {
		t.Errorf("expects %v an hour later, want the usual %v: one bad sweep must not refuse all", later, usual)
	}
	o.Learn(now, 0, 100) // in a synctest bubble
	if slow := o.Expect(now, 50_000); slow < 4*time.Second {
		t.Errorf("expects %v: a sweep that seemed to take no time must teach nothing", slow)
	}
	o.Learn(now, 200*time.Millisecond, 100_000)
	if fast := o.Expect(now, 100_000); fast > 250*time.Millisecond {
		t.Errorf("expects %v for what took 200ms", fast)
	}
}
