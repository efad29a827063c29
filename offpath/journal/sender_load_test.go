//go:build linux

package journal_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/journald"
	"github.com/heeler-go/heeler/offpath/journal"
)

// load is what a server's clients see while it logs each request with a logger, for some time.
type load struct {
	requests int64
	sorted   []time.Duration // how long each took
}

// at is the time in which this part of the requests was answered.
func (l load) at(part float64) time.Duration { return l.sorted[int(part*float64(len(l.sorted)-1))] }

func under(t *testing.T, logger *slog.Logger, long time.Duration) load {
	t.Helper()
	var served atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		logger.InfoContext(r.Context(), "request", "kind", "load", "number", served.Add(1), "uri", r.RequestURI)
		io.WriteString(w, "ok")
	}))
	defer server.Close()
	const clients = 8
	took := make([][]time.Duration, clients)
	end := time.Now().Add(long)
	var all sync.WaitGroup
	for n := range clients {
		all.Go(func() {
			for time.Now().Before(end) {
				begun := time.Now()
				response, err := server.Client().Get(server.URL + "/page")
				if err != nil {
					t.Error(err)
					return
				}
				io.Copy(io.Discard, response.Body)
				response.Body.Close()
				took[n] = append(took[n], time.Since(begun))
				time.Sleep(time.Millisecond) // real: a load that leaves the machine to others as well
			}
		})
	}
	all.Wait()
	return load{served.Load(), slices.Sorted(slices.Values(slices.Concat(took...)))}
}

// TestNoRequestWaitsForAJournaldThatHangs stops journald for ten seconds under a server that logs each
// request, and compares with the same server that logs to nobody.
func TestNoRequestWaitsForAJournaldThatHangs(t *testing.T) {
	stopped := 10 * time.Second
	if testing.Short() {
		stopped = time.Second
	}
	j := journald.Start(t)
	s := sender(t, j)
	logger := slog.New(&journal.Handler{Sender: s})

	without := under(t, slog.New(slog.DiscardHandler), stopped/2)
	j.Signal(syscall.SIGSTOP)
	with := under(t, logger, stopped)
	j.Signal(syscall.SIGCONT)

	for _, l := range []load{without, with} {
		t.Logf("%d requests, half in %v, 99.9 %% in %v, all in %v", l.requests, l.at(.5), l.at(.999), l.at(1))
	}
	// One that waits for journald takes as long as that is stopped. What is far below is the machine's noise,
	// of which other tests at the same time make a lot.
	if limit := without.at(1) + max(stopped/10, 500*time.Millisecond); with.at(1) > limit {
		t.Errorf("a request took %v, where it may take %v", with.at(1), limit)
	}
	stats := s.Stats()
	t.Logf("%+v", stats)
	if stats.Sent+stats.Dropped != with.requests || stats.Invalid != 0 || stats.Dropped == 0 {
		t.Errorf("%d requests were logged, and counted are %+v", with.requests, stats)
	}
	if found := j.Entries("LOG_KIND=load"); int64(len(found)) != stats.Sent {
		t.Errorf("%d entries were sent and %d are in the journal", stats.Sent, len(found))
	}

	s2 := sender(t, j)
	after := under(t, slog.New(&journal.Handler{Sender: s2}), stopped/10)
	if stats := s2.Stats(); stats.Sent+stats.Dropped != after.requests || stats.Sent == 0 {
		t.Errorf("after it went on %d requests were logged, and counted are %+v", after.requests, stats)
	}
}
