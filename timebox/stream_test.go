package timebox_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

func TestFlushStreamsAtOnceAndKeepsStatusAndHeaders(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		read := make(chan struct{})
		s.start(new(timebox.Box), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Kept", "yes")
			w.WriteHeader(http.StatusCreated)
			for _, line := range []string{"one\n", "two\n", "three\n"} {
				io.WriteString(w, line)
				w.(http.Flusher).Flush()
				<-read // what comes next waits for the client to have got this
			}
		})
		resp, err := s.Client().Do(s.request("GET", "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != 201 || resp.Header.Get("X-Kept") != "yes" {
			t.Errorf("%d %v, want 201 and X-Kept", resp.StatusCode, resp.Header)
		}
		body := bufio.NewReader(resp.Body)
		for _, want := range []string{"one\n", "two\n", "three\n"} {
			if got, err := body.ReadString('\n'); got != want {
				t.Fatalf("%q %v, want %q", got, err, want)
			}
			read <- struct{}{}
		}
	})
}

func TestAFlushAloneSendsTheHeader(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		got := make(chan error, 1)
		s.start(new(timebox.Box), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Early", "yes")
			got <- http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		r := s.request("GET", "/", nil)
		ctx, leave := context.WithCancel(r.Context())
		defer leave()
		resp, err := s.Client().Do(r.WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := <-got; err != nil || resp.StatusCode != 200 || resp.Header.Get("X-Early") != "yes" {
			t.Errorf("%d %v, Flush: %v", resp.StatusCode, resp.Header, err)
		}
	})
}

func TestAnEventStreamLeavesTheBox(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: later, Quota: timebox.NewQuota(time.Hour)}
		ended := make(chan error, 1)
		s.start(box, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
			w.WriteHeader(200)
			for i := 0; r.Context().Err() == nil; i++ {
				fmt.Fprintf(w, "data: %d\n\n", i)
				if err := http.NewResponseController(w).Flush(); err != nil {
					break
				}
				select {
				case <-r.Context().Done():
				case <-time.After(later / 4):
				}
			}
			if _, ok := r.Context().Deadline(); ok {
				t.Error("the stream's context has a deadline still")
			}
			ended <- context.Cause(r.Context())
		})
		r := s.request("GET", "/", nil)
		ctx, leave := context.WithCancel(r.Context())
		defer leave()
		resp, err := s.Client().Do(r.WithContext(ctx))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body := bufio.NewReader(resp.Body)
		for i := range 10 { // far beyond the limit
			if got, err := body.ReadString('\n'); got != fmt.Sprintf("data: %d\n", i) {
				t.Fatalf("%q %v, want event %d", got, err, i)
			}
			body.ReadString('\n')
		}
		if got, want := box.Stats(), (timebox.Stats{Started: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		select {
		case <-ended:
			t.Fatal("the stream's context ended with the limit")
		default:
		}
		leave()
		if cause := receive(t, "the end of the stream", ended); cause != context.Canceled {
			t.Errorf("when the client left the cause was %v, want %v", cause, context.Canceled)
		}
	})
}

func TestAnEventStreamDoesNotSpendTheQuota(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		quota := timebox.NewQuota(time.Hour)
		s.start(&timebox.Box{Quota: quota}, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.(http.Flusher).Flush()
			before := quota.Remaining()
			time.Sleep(soon)
			if after := quota.Remaining(); after != before {
				t.Errorf("the stream has spent %v of the quota", before-after)
			}
		})
		s.mustGet("/")
		if spent := time.Hour - quota.Remaining(); spent < 0 || spent > patience {
			t.Errorf("spent %v", spent)
		}
	})
}
