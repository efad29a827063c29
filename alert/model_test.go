package alert_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
)

// A moody sink keeps its own books of what it did to the queue, for the
// comparison with the queue's.
type moody struct {
	delivered, failed atomic.Int64
	overlapping       atomic.Int32
	overlapped        atomic.Bool
}

func (m *moody) Send(ctx context.Context, a alert.Alert) error {
	if m.overlapping.Add(1) > 1 {
		m.overlapped.Store(true)
	}
	defer m.overlapping.Add(-1)
	n := int64(a.Count)
	switch rand.IntN(8) {
	case 0:
		m.failed.Add(n)
		return errors.New("no")
	case 1:
		m.failed.Add(n)
		panic("no")
	case 2:
		m.failed.Add(n)
		runtime.Goexit()
	case 3:
		time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
	}
	m.delivered.Add(n)
	return nil
}

// Real time and real goroutines here: what is tested is that nothing is lost
// or counted twice whatever meets whatever.
func TestTheBooksBalanceWhateverHappens(t *testing.T) {
	for round := range 30 {
		sinks := []*moody{{}, {}, {}}
		q := &alert.Queue{
			Sinks: []alert.Sink{sinks[0], sinks[1], sinks[2]}, Size: 4,
			Fold: time.Duration(rand.IntN(3)-1) * 200 * time.Microsecond, PerMinute: 60 * 1000 * (1 + rand.IntN(3)),
			OnError: func(string, alert.Alert, error) {},
		}
		var offered atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 200 {
					n := rand.IntN(3)
					q.Offer(alert.Alert{Title: fmt.Sprint(rand.IntN(12)), Count: n})
					offered.Add(int64(max(n, 1)))
					if rand.IntN(20) == 0 {
						time.Sleep(50 * time.Microsecond)
					}
				}
			})
		}
		wg.Go(func() {
			for range 200 {
				for _, s := range q.Stats().Sinks {
					if s.Offered != s.Delivered+s.Failed+s.Dropped+s.Waiting {
						t.Errorf("the books do not balance: %+v", s)
					}
				}
			}
		})
		if round%3 == 0 {
			time.Sleep(2 * time.Millisecond) // close in the middle
		} else {
			wg.Wait()
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(3))*time.Millisecond)
		_ = q.Close(ctx)
		cancel()
		wg.Wait()
		_ = q.Close(context.Background())
		for i, s := range q.Stats().Sinks {
			m := sinks[i]
			if s.Offered != offered.Load() || s.Delivered != m.delivered.Load() || s.Failed != m.failed.Load() || s.Waiting != 0 ||
				s.Offered != s.Delivered+s.Failed+s.Dropped {
				t.Fatalf("round %d: %d were offered, the sink took %d and failed %d, the queue says %+v",
					round, offered.Load(), m.delivered.Load(), m.failed.Load(), s.Tally)
			}
			if m.overlapped.Load() {
				t.Error("one sink was given two alerts at the same time")
			}
		}
	}
}
