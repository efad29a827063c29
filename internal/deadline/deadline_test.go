package deadline_test

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

const patience = 20 * time.Second

// An item is what the tests put into lists.
type item struct {
	entry     deadline.Entry[*item]
	due       time.Duration
	collected atomic.Int32
	at        atomic.Int64 // when
}

func (i *item) collect(now time.Duration) {
	i.at.Store(int64(now))
	i.collected.Add(1)
}

// newList collects whatever is due at once.
func newList() *deadline.List[*item] {
	l := new(deadline.List[*item])
	l.Fire = func(now time.Duration) {
		for _, i := range l.Collect(now, nil) {
			i.collect(deadline.Now())
		}
	}
	return l
}

func add(l *deadline.List[*item], due time.Duration) *item {
	i := &item{due: due}
	i.entry.Item = i
	l.Add(&i.entry, due)
	return i
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never came: %s", what)
		}
	}
}

func TestEachEntryIsCollectedOnceAtItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, start := newList(), deadline.Now()
		var items []*item
		for _, n := range rand.Perm(100) {
			items = append(items, add(l, start+time.Duration(n)*time.Second))
		}
		time.Sleep(200 * time.Second)
		for _, i := range items {
			if i.collected.Load() != 1 || i.at.Load() != int64(i.due) {
				t.Errorf("due after %v: collected %d times, after %v", i.due-start, i.collected.Load(), time.Duration(i.at.Load())-start)
			}
			if !l.Remove(&i.entry) {
				t.Error("Remove does not know that the entry was given out")
			}
		}
		if size, added := l.Len(); size != 0 || added != 100 {
			t.Errorf("%d left of %d", size, added)
		}
	})
}

func TestARemovedEntryIsNotCollected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newList()
		i := add(l, deadline.Now()+time.Second)
		if l.Remove(&i.entry) {
			t.Error("Remove says that the entry was given out")
		}
		l.Remove(&i.entry) // again, which does nothing
		l.Set(&i.entry, deadline.Now()+2*time.Second, 0)
		time.Sleep(time.Minute)
		if n := i.collected.Load(); n != 0 {
			t.Errorf("collected %d times", n)
		}
		if size, added := l.Len(); size != 0 || added != 1 {
			t.Errorf("%d left of %d", size, added)
		}
	})
}

func TestAnEntryThatIsSetAgainIsCollectedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, start := newList(), deadline.Now()
		i := add(l, start+10*time.Second)
		for _, c := range []struct{ set, wait, want time.Duration }{
			{5 * time.Second, 6 * time.Second, 5 * time.Second}, // earlier
			{20 * time.Second, 30 * time.Second, 20 * time.Second},
			{21 * time.Second, time.Second, 36 * time.Second}, // in the past: at once
		} {
			l.Set(&i.entry, start+c.set, 0)
			time.Sleep(c.wait)
			if got := time.Duration(i.at.Load()) - start; got != c.want {
				t.Errorf("collected after %v, want %v", got, c.want)
			}
		}
		if n := i.collected.Load(); n != 3 {
			t.Errorf("collected %d times, want 3", n)
		}
	})
}

func TestAnEntryMayComeEarlyTogetherWithAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, start := newList(), deadline.Now()
		alone := add(l, start+10*time.Second)
		near, far := add(l, start+11*time.Second), add(l, start+14*time.Second)
		for _, i := range []*item{near, far} {
			l.Set(&i.entry, i.due, 2*time.Second)
		}
		time.Sleep(time.Minute)
		for i, want := range map[*item]time.Duration{alone: 10 * time.Second, near: 10 * time.Second, far: 14 * time.Second} {
			if got := time.Duration(i.at.Load()) - start; got != want || i.collected.Load() != 1 {
				t.Errorf("due after %v: collected %d times, after %v, want %v", i.due-start, i.collected.Load(), got, want)
			}
		}
	})
}

func TestAnEntryThatIsNeverDueStaysUntilItIsRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newList()
		never, other := add(l, deadline.Never), add(l, deadline.Now()+time.Second)
		time.Sleep(1000 * time.Hour)
		if never.collected.Load() != 0 || other.collected.Load() != 1 {
			t.Errorf("collected %d and %d times, want 0 and 1", never.collected.Load(), other.collected.Load())
		}
		if all := l.All(); len(all) != 2 {
			t.Errorf("%d items, want both", len(all))
		}
		if !l.Remove(&never.entry) {
			t.Error("Remove does not know that All has given the entry out")
		}
	})
}

func TestABubbleHasNoMoreTimersThanEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, fired := new(deadline.List[*item]), 0
		var mu sync.Mutex
		l.Fire = func(now time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			fired++
			l.Collect(now, nil)
		}
		for n := range 100 {
			add(l, deadline.Now()+time.Duration(n)*time.Second)
		}
		time.Sleep(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		if fired > 100 {
			t.Errorf("fired %d times for 100 entries", fired)
		}
	})
}

// One list serves real time and bubbles, one after the other and at once.
func TestAListMayBeSharedWithBubbles(t *testing.T) {
	l := newList()
	inBubble := func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			start := deadline.Now()
			i := add(l, start+time.Hour)
			defer l.Remove(&i.entry)
			time.Sleep(2 * time.Hour)
			if i.collected.Load() != 1 || time.Duration(i.at.Load())-start != time.Hour {
				t.Errorf("in a bubble: collected %d times, after %v", i.collected.Load(), time.Duration(i.at.Load())-start)
			}
		})
	}
	inReality := func(t *testing.T) {
		i := add(l, deadline.Now()+10*time.Millisecond)
		defer l.Remove(&i.entry)
		eventually(t, "the entry in real time", func() bool { return i.collected.Load() > 0 })
		if at := time.Duration(i.at.Load()); at < i.due || i.collected.Load() != 1 {
			t.Errorf("in real time: collected %d times, %v too early", i.collected.Load(), i.due-at)
		}
	}
	for range 2 {
		inReality(t)
		inBubble(t)
	}
	far := add(l, deadline.Now()+time.Hour) // whose timer is pending all the time
	inBubble(t)
	inReality(t)
	if far.collected.Load() != 0 {
		t.Error("an entry in real time was collected before its time")
	}
	l.Remove(&far.entry)

	synctest.Test(t, func(t *testing.T) {
		i := add(l, deadline.Now()+time.Hour)
		defer l.Remove(&i.entry)
		l.Fire(-deadline.Now()) // as a timer in real time does
		if i.collected.Load() != 0 {
			t.Error("an entry in a bubble was collected by real time")
		}
	})
	if size, _ := l.Len(); size != 0 {
		t.Errorf("%d entries left", size)
	}
}

// The model: whoever stays in is collected once and never early; whoever goes
// before its time is not; nobody is left.
func TestManyGoroutinesLoseNothing(t *testing.T) {
	const goroutines, each = 8, 150
	l := newList()
	var workers sync.WaitGroup
	for range goroutines {
		workers.Go(func() {
			for range each {
				i := &item{due: deadline.Now() + rand.N(20*time.Millisecond)}
				i.entry.Item, i.entry.Early = i, rand.N(2*time.Millisecond)
				early := i.entry.Early
				l.Add(&i.entry, i.due)
				switch rand.N(4) {
				case 0: // nearly all requests end in time
					if given := l.Remove(&i.entry); !given && i.collected.Load() > 0 {
						t.Error("collected but not given")
					}
					continue
				case 1:
					l.Set(&i.entry, i.due+5*time.Millisecond, early)
				case 2:
					l.Set(&i.entry, i.due-10*time.Millisecond, 0)
				}
				for end := time.Now().Add(patience); i.collected.Load() == 0; time.Sleep(100 * time.Microsecond) {
					if time.Now().After(end) {
						t.Error("lost")
						return
					}
				}
				if at := time.Duration(i.at.Load()); at < i.due-max(early, 10*time.Millisecond) {
					t.Errorf("collected %v too early", i.due-at)
				}
				if !l.Remove(&i.entry) {
					t.Error("collected but not given")
				}
			}
		})
	}
	workers.Wait()
	if size, added := l.Len(); size != 0 || added != goroutines*each {
		t.Errorf("%d left of %d, want 0 of %d", size, added, goroutines*each)
	}
}

// A timer that is armed already must not make a nearer one wait.
func TestANearerEntryDoesNotWaitForAFartherOne(t *testing.T) {
	l := newList()
	for range 20 {
		far := add(l, deadline.Now()+time.Hour)
		near := add(l, deadline.Now()+time.Millisecond)
		eventually(t, "the nearer", func() bool { return near.collected.Load() == 1 })
		nextNear := add(l, deadline.Now()+time.Millisecond)
		eventually(t, "the next", func() bool { return nextNear.collected.Load() == 1 })
		l.Remove(&near.entry)
		l.Remove(&nextNear.entry)
		l.Remove(&far.entry)
		if far.collected.Load() != 0 {
			t.Fatal("the farther was collected")
		}
	}
}

func TestTimesGoBothWays(t *testing.T) {
	if now := deadline.Now(); now < 0 || now > time.Since(deadline.At(0))+time.Second {
		t.Errorf("now is %v", now)
	}
	for _, d := range []time.Duration{0, time.Nanosecond, time.Hour, -time.Hour} {
		if got := deadline.Of(deadline.At(d)); got != d {
			t.Errorf("%v comes back as %v", d, got)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		if deadline.Now() >= 0 {
			t.Error("a bubble's time is not negative")
		}
		if got := time.Until(deadline.At(deadline.Now() + time.Hour)); got != time.Hour {
			t.Errorf("an hour hence is %v hence", got)
		}
	})
}

func TestAListAllocatesNothingForAnEntryThatEndsInTime(t *testing.T) {
	l := newList()
	i := new(item)
	i.entry.Item = i
	add(l, deadline.Now()+time.Hour) // the timer is armed
	if n := testing.AllocsPerRun(100, func() {
		l.Add(&i.entry, deadline.Now()+2*time.Hour)
		l.Remove(&i.entry)
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func TestAFarEntryBesideManyNearOnesHasOneTimer(t *testing.T) {
	var fired atomic.Int32
	l := new(deadline.List[*item])
	far := deadline.Now() + 400*time.Millisecond
	l.Fire = func(now time.Duration) {
		if now >= far {
			fired.Add(1)
		}
		l.Collect(now, nil)
	}
	f := add(l, far)
	for deadline.Now() < far-50*time.Millisecond {
		near := add(l, deadline.Now()+time.Millisecond)
		time.Sleep(2 * time.Millisecond)
		l.Remove(&near.entry)
	}
	l.Remove(&f.entry)
	eventually(t, "the time of the far one", func() bool { return fired.Load() > 0 })
	time.Sleep(50 * time.Millisecond)
	if n := fired.Load(); n > 2 {
		t.Errorf("%d timers stood for one entry", n)
	}
}
