package slowlog_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/internal/stacks"
	"github.com/heeler-go/heeler/slowlog"
)

// A desk is where alerts arrive.
type desk struct {
	mu  sync.Mutex
	got []alert.Alert
}

func (d *desk) Send(_ context.Context, a alert.Alert) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.got = append(d.got, a)
	return nil
}

func (d *desk) alerts() []alert.Alert {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]alert.Alert(nil), d.got...)
}

// queue is one that holds nothing back, closed when the test ends.
func queue(t testing.TB, sinks ...alert.Sink) *alert.Queue {
	q := &alert.Queue{Sinks: sinks, Size: 10_000, Fold: -1, PerMinute: -1}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := q.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return q
}

// quiet is a Watch whose alerts go nowhere.
func quiet(t testing.TB, w *slowlog.Watch) *slowlog.Watch {
	w.Alert = queue(t, &desk{})
	return w
}

// visit has h serve one request and waits for its end.
func visit(h http.Handler, method, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, target, nil))
	return w
}

// bubble runs a test in a time of its own, where sleeping takes none.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	rested(t)
	synctest.Test(t, f)
}

// rested makes sure that sweeps are allowed now. Their budget is the process's,
// and tests in real time spend it. A look at it with a bubble's clock, which
// stands in the year 2000, fills it for the next look.
func rested(t *testing.T) {
	synctest.Test(t, func(*testing.T) { stacks.Wait() })
	stacks.Wait()
}

// asleep is a handler that takes as long as it is told.
func asleep(d time.Duration) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { time.Sleep(d) })
}

// query makes a call to a backend that takes as long as it is told, and counts
// it as a breaker does.
func query(ctx context.Context, backend, statement string, d time.Duration) {
	defer begin(ctx, backend, statement)(false)
	time.Sleep(d)
}

// begin enters a call; end says whether it failed.
func begin(ctx context.Context, backend, statement string) (end func(failed bool)) {
	c := &request.Call{Backend: backend, Statement: statement, Start: deadline.Now()}
	request.From(ctx).Begin(c)
	return func(failed bool) {
		result := request.Done
		if failed {
			result = request.Failed
		}
		c.End(deadline.Now()-c.Start, result)
	}
}

// the is the only report there is.
func the(t testing.TB, w *slowlog.Watch) slowlog.Report {
	t.Helper()
	reports := w.Recent()
	if len(reports) != 1 {
		t.Fatalf("%d reports, want 1: %v", len(reports), titles(reports))
	}
	return reports[0]
}

func titles(reports []slowlog.Report) (list []string) {
	for i := range reports {
		list = append(list, reports[i].Title())
	}
	return list
}

// calls are the functions on a stack, without the directory of their packages.
func calls(s alert.Stack) (list []string) {
	for _, f := range s.Frames {
		list = append(list, f.Func[strings.LastIndexByte(f.Func, '/')+1:])
	}
	return list
}

// mentions reports whether any stack of the report has a function with this in
// its name.
func mentions(r slowlog.Report, fn string) bool {
	for _, s := range r.Stacks {
		for _, f := range s.Frames {
			if strings.Contains(f.Func, fn) {
				return true
			}
		}
	}
	return false
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// contains wants each part to be in text.
func contains(t testing.TB, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in\n%s", p, text)
		}
	}
}
