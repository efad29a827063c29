package drain_test

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/drain"
)

// opened are hijacked connections without a network, whose clients notice when they are closed.
type opened struct {
	mu    sync.Mutex
	began time.Time
	ends  []time.Duration
}

// hijackable is a response of which only the connection is wanted.
type hijackable struct {
	http.ResponseWriter
	conn net.Conn
}

func (h hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) { return h.conn, nil, nil }

// open opens n connections in a bubble. accept is their handler.
func (o *opened) open(t *testing.T, d *drain.Drainer, n int, accept func(ctx context.Context, conn net.Conn)) {
	h := d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		accept(r.Context(), conn)
	}))
	for range n {
		theirs, ours := net.Pipe()
		r, _ := http.NewRequest("GET", "/", nil)
		h.ServeHTTP(hijackable{httptest.NewRecorder(), ours}, r)
		go func() {
			for b := make([]byte, 1); ; {
				if _, err := theirs.Read(b); err != nil {
					o.mu.Lock()
					defer o.mu.Unlock()
					o.ends = append(o.ends, time.Since(o.began))
					return
				}
			}
		}()
	}
	o.began = time.Now()
}

// check says how the ends are spread over a time from a moment on.
func (o *opened) check(t *testing.T, n int, from, spread time.Duration) {
	t.Helper()
	synctest.Wait()
	o.mu.Lock()
	defer o.mu.Unlock()
	slices.Sort(o.ends)
	if len(o.ends) != n {
		t.Fatalf("%d ended, want %d", len(o.ends), n)
	}
	if o.ends[0] < from || o.ends[n-1] > from+spread {
		t.Errorf("they ended from %v to %v, want from %v to %v", o.ends[0], o.ends[n-1], from, from+spread)
	}
	var tenths [10]int
	for _, end := range o.ends {
		tenths[min(9, 10*(end-from)/spread)]++
	}
	for i, got := range tenths {
		if got < n/10-1 || got > n/10+1 {
			t.Errorf("%d ended in tenth %d of the time, want about %d: %v", got, i, n/10, tenths)
		}
	}
}

func TestConnectionsEndEvenlyOverTheTime(t *testing.T) {
	for name, c := range map[string]struct {
		d            *drain.Drainer
		n            int
		left         time.Duration // by the context; 0 is for ever
		from, spread time.Duration
	}{
		"as told":                               {&drain.Drainer{Spread: 10 * time.Second}, 200, 60 * time.Second, 0, 10 * time.Second},
		"after the delay":                       {&drain.Drainer{Spread: 10 * time.Second, Delay: 5 * time.Second}, 200, 60 * time.Second, 5 * time.Second, 10 * time.Second},
		"over most of what is left":             {&drain.Drainer{Delay: time.Second}, 200, 32 * time.Second, time.Second, 24 * time.Second}, // 31 - 1 to cut, four fifths
		"no more than is left":                  {&drain.Drainer{Spread: time.Hour}, 200, 10 * time.Second, 0, 7200 * time.Millisecond},
		"with half of the time for the delay":   {&drain.Drainer{Delay: time.Hour}, 200, 10 * time.Second, 5 * time.Second, 3200 * time.Millisecond},
		"over ten seconds without a deadline":   {&drain.Drainer{}, 200, 0, 0, 10 * time.Second},
		"no more than a second for each":        {&drain.Drainer{}, 10, time.Hour, 0, 10 * time.Second},
		"as told, without a deadline":           {&drain.Drainer{Spread: 30 * time.Second}, 200, 0, 0, 30 * time.Second},
		"one by one, if no more may be at once": {&drain.Drainer{Spread: 10 * time.Second, Parallel: 1}, 200, 60 * time.Second, 0, 10 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				if c.left > 0 {
					c, cancel := context.WithTimeout(ctx, c.left)
					defer cancel()
					ctx = c
				}
				d, o := c.d, new(opened)
				o.open(t, d, c.n, func(context.Context, net.Conn) {})
				if err := d.Shutdown(ctx, nil); err != nil {
					t.Error(err)
				}
				o.check(t, c.n, c.from, c.spread)
				if got := d.Stats(); got != (drain.Stats{Closed: uint64(c.n)}) {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// The order is not that in which they came.
func TestTheOrderIsRandom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d drain.Drainer
		var mu sync.Mutex
		var order []int
		came := 0
		new(opened).open(t, &d, 50, func(ctx context.Context, conn net.Conn) {
			i := came
			came++
			drain.Tell(ctx, func(context.Context) {
				mu.Lock()
				order = append(order, i)
				mu.Unlock()
				conn.Close()
			})
		})
		if err := d.Shutdown(t.Context(), nil); err != nil {
			t.Error(err)
		}
		backwards := slices.Clone(order)
		slices.Reverse(backwards)
		if len(order) != 50 || slices.IsSorted(order) || slices.IsSorted(backwards) {
			t.Errorf("%v", order)
		}
	})
}

func TestWhoDoesNotGoIsCutAfterTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, o := &drain.Drainer{Spread: 10 * time.Second, Grace: 3 * time.Second}, new(opened)
		var told sync.Map
		o.open(t, d, 100, func(ctx context.Context, conn net.Conn) {
			drain.Tell(ctx, func(ctx context.Context) {
				told.Store(conn, time.Since(o.began))
				if until, ok := ctx.Deadline(); !ok || time.Until(until) != 3*time.Second {
					t.Errorf("the hook has until %v, %v", until, ok)
				}
			})
		})
		err := d.Shutdown(t.Context(), nil)
		failed, ok := err.(*drain.ShutdownError)
		if !ok || *failed != (drain.ShutdownError{Forced: 100}) || err.Error() != "drain: not all ended well: 100 connections were cut by force" {
			t.Errorf("%v", err)
		}
		o.check(t, 100, 3*time.Second, 10*time.Second)
		var at []time.Duration
		for _, v := range told.Range {
			at = append(at, v.(time.Duration))
		}
		slices.Sort(at)
		for i, end := range o.ends {
			if end-at[i] != 3*time.Second {
				t.Errorf("told after %v and cut after %v", at[i], end)
			}
		}
		if got := d.Stats(); got != (drain.Stats{Told: 100, Forced: 100}) {
			t.Errorf("%+v", got)
		}
	})
}

func TestWhoIsLeftIsCutBeforeTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, o := &drain.Drainer{Grace: time.Hour}, new(opened)
		var over atomic.Int32
		o.open(t, d, 100, func(ctx context.Context, conn net.Conn) {
			drain.Tell(ctx, func(ctx context.Context) {
				<-ctx.Done()
				over.Add(1)
			})
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		err := d.Shutdown(ctx, nil)
		failed, ok := err.(*drain.ShutdownError)
		if !ok || failed.Forced != 100 || failed.Err != nil {
			t.Errorf("%v", err)
		}
		if took := time.Since(o.began); took != 29*time.Second {
			t.Errorf("it took %v", took)
		}
		synctest.Wait()
		if len(o.ends) != 100 || slices.Min(o.ends) != 29*time.Second {
			t.Errorf("they ended after %v", o.ends)
		}
		if over.Load() != 100 {
			t.Errorf("%d hooks know", over.Load())
		}
	})
}

func TestNoMoreAreToldAtOnceThanMayBe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, o := &drain.Drainer{Spread: time.Second, Parallel: 3}, new(opened)
		var now, most atomic.Int32
		o.open(t, d, 30, func(ctx context.Context, conn net.Conn) {
			drain.Tell(ctx, func(ctx context.Context) {
				most.Store(max(most.Load(), now.Add(1)))
				time.Sleep(time.Second)
				now.Add(-1)
				conn.Close()
			})
		})
		if err := d.Shutdown(t.Context(), nil); err != nil {
			t.Error(err)
		}
		if took := time.Since(o.began); most.Load() != 3 || took < 10*time.Second || took > 11*time.Second {
			t.Errorf("%d at once, %v in all", most.Load(), took)
		}
	})
}

func TestASingleConnectionWhoseHookHangsIsCutAfterTheGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, o := &drain.Drainer{Spread: time.Second, Grace: 3 * time.Second}, new(opened)
		o.open(t, d, 1, func(ctx context.Context, _ net.Conn) {
			drain.Tell(ctx, func(context.Context) { time.Sleep(time.Minute) })
		})
		d.Shutdown(t.Context(), nil) // it waits for the hook, too
		synctest.Wait()
		if took := time.Since(o.began); len(o.ends) != 1 || o.ends[0] < 3*time.Second || o.ends[0] > 4*time.Second || took < time.Minute {
			t.Errorf("cut after %v, in all it took %v", o.ends, took)
		}
	})
}

// lingering is a response whose hijack takes its time.
type lingering struct {
	hijackable
	time time.Duration
}

func (l lingering) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	time.Sleep(l.time)
	return l.hijackable.Hijack()
}

func TestWhoComesWhenAllAreCutIsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d drain.Drainer
		theirs, ours := net.Pipe()
		r, _ := http.NewRequest("GET", "/", nil)
		began := time.Now()
		go d.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).Hijack()
		})).ServeHTTP(lingering{hijackable{nowhere{make(http.Header)}, ours}, 9200 * time.Millisecond}, r)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := d.Shutdown(ctx, nil)
		if failed, ok := err.(*drain.ShutdownError); !ok || *failed != (drain.ShutdownError{Forced: 1}) {
			t.Errorf("%v", err)
		}
		if _, err := theirs.Read(make([]byte, 1)); err == nil {
			t.Error("it goes on")
		}
		if took := time.Since(began); took != 9200*time.Millisecond {
			t.Errorf("it took %v", took)
		}
	})
}

func TestASilentConnectionHasASecondToSpeak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, o := &drain.Drainer{Spread: time.Second, Grace: time.Minute}, new(opened)
		o.open(t, d, 1, func(ctx context.Context, conn net.Conn) {
			drain.Tell(ctx, func(context.Context) { time.Sleep(10 * time.Second); conn.Close() })
		})
		theirs, ours := net.Pipe()
		spoke, other := net.Pipe()
		defer spoke.Close()
		time.AfterFunc(500*time.Millisecond, func() {
			d.ConnState(ours, http.StateNew)
			d.ConnState(other, http.StateNew)
			d.ConnState(other, http.StateActive)
		})
		closed := make(chan time.Duration, 1)
		go func() {
			theirs.Read(make([]byte, 1))
			closed <- time.Since(o.began)
		}()
		if err := d.Shutdown(t.Context(), new(http.Server)); err != nil {
			t.Error(err)
		}
		if at := <-closed; at < 1500*time.Millisecond || at > 2500*time.Millisecond {
			t.Errorf("it is closed after %v", at)
		}
		if err := other.SetDeadline(time.Now()); err != nil {
			t.Errorf("the other is closed: %v", err)
		}
	})
}
