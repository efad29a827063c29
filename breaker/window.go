package breaker

import (
	"sync"
	"sync/atomic"
	"time"
)

// buckets is how many parts a Window has.
const buckets = 10

// A window counts calls, and the failed and slow ones among them, for as long
// as they matter. Counting is an atomic addition or two. A call that is counted
// just when its bucket is used anew may count for the new one.
type window struct {
	start time.Duration // of the first bucket, on deadline's clock
	per   time.Duration // the length of a bucket

	mu     sync.Mutex // held when a bucket is used anew
	bucket [buckets]bucket
}

type bucket struct {
	nth                       atomic.Int64 // which one it is since start
	calls, failed, slow, good atomic.Uint64
}

func (w *window) nth(now time.Duration) int64 { return max(0, int64((now-w.start)/w.per)) }

func (w *window) add(now time.Duration, failed, slow bool) {
	nth := w.nth(now)
	b := &w.bucket[nth%buckets]
	if b.nth.Load() < nth {
		w.mu.Lock()
		if b.nth.Load() < nth {
			b.calls.Store(0)
			b.failed.Store(0)
			b.slow.Store(0)
			b.good.Store(0)
			b.nth.Store(nth)
		}
		w.mu.Unlock()
	}
	b.calls.Add(1)
	if failed {
		b.failed.Add(1)
	}
	if slow {
		b.slow.Add(1)
	}
	if !failed && !slow {
		b.good.Add(1)
	}
}

// sum adds up the calls of the window that ends now; good are those that neither
// failed nor were slow.
func (w *window) sum(now time.Duration) (calls, failed, slow, good uint64) {
	last := w.nth(now)
	for i := range w.bucket {
		if b := &w.bucket[i]; last-b.nth.Load() < buckets {
			calls += b.calls.Load()
			failed += b.failed.Load()
			slow += b.slow.Load()
			good += b.good.Load()
		}
	}
	return calls, failed, slow, good
}
