package offpath_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/offpath"
)

// A request is a context as a request has one: values, a deadline and an end.
func request(t *testing.T, user string) (ctx context.Context, end context.CancelFunc) {
	return context.WithTimeout(context.WithValue(t.Context(), userKey{}, user), time.Minute)
}

func TestGoBeginsWhenTheRequestHasEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q offpath.Queue[offpath.Func]
		begun := false
		ctx, end := request(t, "ann")
		offpath.Go(ctx, &q, func(context.Context) { begun = true })
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if begun {
			t.Error("it began while the request went on")
		}
		wantStats(t, &q, offpath.Stats{Offered: 1, Waiting: 1})
		end()
		synctest.Wait()
		if !begun {
			t.Error("it has not begun when the request had ended")
		}
		wantStats(t, &q, offpath.Stats{Offered: 1, Done: 1})
	})
}

func TestGoBeginsAtOnceWhereTheContextHasEndedOrNeverEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q offpath.Queue[offpath.Func]
		ended, end := request(t, "ann")
		end()
		n := 0
		offpath.Go(ended, &q, func(context.Context) { n++ })
		offpath.Go(context.Background(), &q, func(context.Context) { n++ })
		synctest.Wait()
		if n != 2 {
			t.Errorf("%d of 2 have begun", n)
		}
	})
}

func TestTheContextOfGoHasTheRequestsValuesButNotItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q offpath.Queue[offpath.Func]
		ctx, end := request(t, "ann")
		var during, after error
		offpath.Go(ctx, &q, func(ctx context.Context) {
			if user := ctx.Value(userKey{}); user != "ann" {
				t.Errorf("the user is %v", user)
			}
			if d, ok := ctx.Deadline(); ok {
				t.Errorf("there is a deadline: %v", d)
			}
			inner, cancel := context.WithCancel(ctx) // which looks for its parent's inner life
			defer cancel()
			during = errors.Join(ctx.Err(), context.Cause(ctx), inner.Err())
			<-inner.Done()
			after = context.Cause(inner)
		})
		end()
		time.Sleep(time.Hour)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errImpatient)
		if _, err := q.Close(ctx); !errors.Is(err, errImpatient) {
			t.Errorf("Close says %v", err)
		}
		synctest.Wait()
		if during != nil {
			t.Errorf("the context had ended with the request: %v", during)
		}
		if after != errImpatient {
			t.Errorf("it ended with Close's for %v", after)
		}
	})
}

func TestGoTakesItsPlaceAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &offpath.Queue[offpath.Func]{Size: 2}
		nothing := func(context.Context) {}
		ctx, end := request(t, "ann")
		got := []bool{offpath.Go(ctx, q, nothing), offpath.Go(ctx, q, nothing), offpath.Go(ctx, q, nothing), q.Offer(nothing)}
		if s := fmt.Sprint(got); s != "[true true false false]" {
			t.Errorf("taken were %s", s)
		}
		wantStats(t, q, offpath.Stats{Offered: 4, Dropped: 2, Waiting: 2})
		end()
		synctest.Wait()
		if !q.Offer(nothing) {
			t.Error("there was no room when both had been done")
		}
		closed(t, q)
		wantStats(t, q, offpath.Stats{Offered: 5, Dropped: 2, Done: 3})
	})
}

func TestCloseWaitsForTheRequestsThatGoHasWorkFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q offpath.Queue[offpath.Func]
		ctx, end := request(t, "ann")
		offpath.Go(ctx, &q, func(context.Context) { time.Sleep(time.Second) })
		time.AfterFunc(5*time.Second, end)
		start := time.Now()
		closed(t, &q)
		if d := time.Since(start); d != 6*time.Second {
			t.Errorf("Close waited %v, want 5s for the request and 1s for the work", d)
		}
		wantStats(t, &q, offpath.Stats{Offered: 1, Done: 1})
	})
}

func TestCloseReturnsWhatRequestsHaveNotReleasedAndItCanBeDoneYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q offpath.Queue[offpath.Func]
		var done []string
		work := func(ctx context.Context) { done = append(done, fmt.Sprint(ctx.Value(userKey{}), ctx.Err())) }
		var end []context.CancelFunc
		for _, user := range []string{"ann", "bob", "cid", "dan", "eve"} {
			ctx, cancel := request(t, user)
			end = append(end, cancel)
			offpath.Go(ctx, &q, work)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		left, err := q.Close(ctx)
		if len(left) != 5 || fmt.Sprint(err) != "offpath: closed, 5 left that were not begun, 0 still being done: context deadline exceeded" {
			t.Errorf("Close left %d: %v", len(left), err)
		}
		for _, f := range end {
			f()
		}
		synctest.Wait()
		if done != nil {
			t.Errorf("what was left has been done: %v", done)
		}
		for _, f := range left {
			f(t.Context())
		}
		if got := fmt.Sprint(done); got != "[ann<nil> bob<nil> cid<nil> dan<nil> eve<nil>]" {
			t.Errorf("done were %s", got)
		}
		wantStats(t, &q, offpath.Stats{Offered: 5, Left: 5})
	})
}

func TestWhatCloseHasReturnedIsNotKeptByARequestThatGoesOn(t *testing.T) {
	var q offpath.Queue[offpath.Func]
	request, end := context.WithCancel(t.Context())
	defer end()
	freed := make(chan struct{}, 1)
	entry := new([1024]byte)
	runtime.AddCleanup(entry, func(int) { freed <- struct{}{} }, 0)
	offpath.Go(request, &q, func(context.Context) { entry[0]++ })
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if left, _ := q.Close(ended); len(left) != 1 {
		t.Errorf("Close left %d", len(left))
	}
	runtime.GC()
	select {
	case <-freed:
	case <-time.After(10 * time.Second): // for the cleanup's goroutine, which is the runtime's
		t.Error("what was left is still referred to")
	}
}

func TestWorkMayHaveMoreDoneAfterItself(t *testing.T) {
	for name, after := range map[string]func(){"it returns": func() {}, "it panics": func() { panic("oh") }, "its goroutine ends": runtime.Goexit} {
		synctest.Test(t, func(t *testing.T) {
			q := offpath.Queue[offpath.Func]{OnPanic: func(offpath.Func, *offpath.PanicError) {}, Workers: 2}
			first := true
			mails := offpath.Queue[string]{Do: func(ctx context.Context, _ string) {
				offpath.Go(ctx, &q, func(ctx context.Context) {
					offpath.Go(ctx, &q, func(ctx context.Context) {
						if first || ctx.Err() != nil {
							t.Errorf("when %s: the second began before the first had ended, or with %v", name, ctx.Err())
						}
					})
					time.Sleep(time.Second)
					first = false
					after()
				})
			}}
			mails.Offer("a")
			closed(t, &mails)
			time.Sleep(time.Second)
			closed(t, &q)
			if s := q.Stats(); s.Done+s.Panicked != 2 {
				t.Errorf("when %s: the queue counts %+v", name, s)
			}
		})
	}
}

func TestGoWithoutAFuncIsTheCallersMistake(t *testing.T) {
	defer func() {
		if got := fmt.Sprint(recover()); got != "offpath: Go: f is nil; a function is needed" {
			t.Errorf("Go panicked with %s", got)
		}
	}()
	offpath.Go(t.Context(), new(offpath.Queue[offpath.Func]), nil)
}

// The real server: work that waits for the client to have its answer, whole, does so in vain if the
// answer waits for the work.
func TestAClientHasItsAnswerWhateverIsStillToDo(t *testing.T) {
	var q offpath.Queue[offpath.Func]
	answered, begun, returned := make(chan struct{}), make(chan bool, 1), make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		offpath.Go(r.Context(), &q, func(ctx context.Context) {
			select {
			case <-returned:
				begun <- ctx.Err() == nil
			default:
				begun <- false
			}
			<-answered
		})
		io.WriteString(w, "the answer")
		time.Sleep(20 * time.Millisecond) // as a handler that has more to do: nothing may begin meanwhile
		close(returned)
	}))
	defer s.Close()
	client := s.Client()
	client.Timeout = 10 * time.Second
	response, err := client.Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if string(body) != "the answer" || err != nil {
		t.Errorf("the client has %q, %v", body, err)
	}
	if !<-begun {
		t.Error("the work began before the handler had returned, or its context had ended with the request")
	}
	close(answered)
	closed(t, &q)
	wantStats(t, &q, offpath.Stats{Offered: 1, Done: 1})
}
