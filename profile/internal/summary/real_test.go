package summary_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"runtime/trace"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/internal/stacks"
	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
	"github.com/heeler-go/heeler/profile/internal/summary"
)

// recorded fills a result with what f did.
func recorded(t *testing.T, f func()) *result.Result {
	t.Helper()
	var b bytes.Buffer
	if err := trace.Start(&b); err != nil {
		t.Skip(err) // go test -trace has it
	}
	trace.WithRegion(t.Context(), "f", f)
	trace.Stop()
	x, err := exectrace.Read(&b, "f")
	if err != nil {
		t.Fatal(err)
	}
	res := &result.Result{State: result.Done}
	summary.Fill(res, x, stacks.ThisProgram(), redact.List{})
	if sum(res.Shares) != res.Took {
		t.Errorf("shares of %v, want %v", sum(res.Shares), res.Took)
	}
	for _, row := range res.Timeline.Rows {
		if wrong := inOrder(row.Bars, partsOf(x, row.ID)); wrong != "" {
			t.Errorf("%s: %s", row.Name, wrong)
		}
	}
	return res
}

// The clock and the locks are the real ones: what the runtime writes into a trace is what is tested.
func TestRealWaitsAreToldInWords(t *testing.T) {
	const long = 20 * ms
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(long) }))
	defer server.Close()
	defer server.Client().CloseIdleConnections()
	var mu sync.Mutex
	var cond = sync.NewCond(&mu)
	later := func(f func()) { time.AfterFunc(long, f) } // nothing of the region's
	for _, test := range []struct {
		want string
		f    func()
	}{
		{"asleep", func() { time.Sleep(long) }},
		{"lock", func() {
			mu.Lock()
			later(mu.Unlock)
			mu.Lock()
			defer mu.Unlock()
		}},
		{"waiting for a WaitGroup", func() {
			var group sync.WaitGroup
			group.Add(1)
			later(group.Done)
			group.Wait()
		}},
		{"waiting on a condition", func() {
			mu.Lock()
			defer mu.Unlock()
			later(cond.Broadcast)
			cond.Wait()
		}},
		{"receiving from a channel", func() { <-time.After(long) }},
		{"sending to a channel", func() {
			c := make(chan int)
			later(func() { <-c })
			c <- 1
		}},
		{"select", func() {
			ctx, cancel := context.WithTimeout(context.Background(), long)
			defer cancel()
			select {
			case <-ctx.Done():
			case <-make(chan int):
			}
		}},
		{"waiting for an HTTP response", func() {
			if resp, err := server.Client().Get(server.URL); err == nil {
				resp.Body.Close()
			}
		}},
	} {
		res := recorded(t, test.f)
		if s := res.Shares[0]; !strings.HasPrefix(s.What, test.want+" in summary_test.TestRealWaitsAreToldInWords.func") || !strings.HasPrefix(s.Where, "summary/real_test.go:") {
			t.Errorf("%+v, want %s; all:\n%s", s, test.want, summary.Text(res))
		}
	}
}

func TestARealChildHasARow(t *testing.T) {
	res := recorded(t, func() {
		var group sync.WaitGroup
		for range 3 {
			group.Go(func() { time.Sleep(5 * ms) })
		}
		group.Wait()
	})
	if rows := res.Timeline.Rows; len(rows) != 4 || rows[0].Parent != 0 || rows[1].Parent != rows[0].ID {
		t.Errorf("%+v", rows)
	}
	if !strings.Contains(res.Sentence, "% asleep in summary_test.TestARealChildHasARow.func") {
		t.Error(res.Sentence) // and not: waiting for a WaitGroup
	}
}
