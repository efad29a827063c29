package breaker

import (
	"sync"
	"sync/atomic"
	"time"
)

// buckets is how many parts a Window has.
const buckets = 10

// A window counts calls, and the slow ones among them, for as long as they
// matter. Counting is an atomic addition or two.
type window struct {
	per    time.Duration // the length of a bucket
	bucket [buckets]bucket
	mu     sync.Mutex // held when a bucket is used anew
}

type bucket struct {
	nth         atomic.Int64 // which one it is, by the clock
	calls, slow atomic.Uint64
}

func (w *window) add(now time.Duration, slow bool) {
	nth := int64(now / w.per)
	b := &w.bucket[((nth%buckets)+buckets)%buckets] // in a synctest bubble the clock is negative
	if b.nth.Load() != nth {
		w.mu.Lock()
		if b.nth.Load() < nth {
			b.calls.Store(0)
			b.slow.Store(0)
			b.nth.Store(nth)
		}
		w.mu.Unlock()
	}
	b.calls.Add(1)
	if slow {
		b.slow.Add(1)
	}
}

// sum adds up the calls, and the slow ones, of the window that ends now.
func (w *window) sum(now time.Duration) (calls, slow uint64) {
	last := int64(now / w.per)
	for i := range w.bucket {
		if b := &w.bucket[i]; last-b.nth.Load() < buckets {
			calls += b.calls.Load()
			slow += b.slow.Load()
		}
	}
	return calls, slow
}
