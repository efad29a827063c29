package backoff_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/backoff"
)

// wantWhole checks that a response has come through as it was.
func wantWhole(t *testing.T, resp *http.Response, err error) {
	t.Helper()
	if err != nil || resp.StatusCode != 503 {
		t.Fatalf("%v, %v, want the response", resp, err)
	}
	if data, err := io.ReadAll(resp.Body); string(data) != "body of the response" || err != nil {
		t.Errorf("body %q, %v", data, err)
	}
	resp.Body.Close()
}

func TestAResponseIsReturnedAtOnceIfTheRetryWouldComeTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			about, asked string
			deadline     time.Duration
		}{
			{"later than RetryFor", "31", time.Hour},
			{"later than the deadline", "5", 4 * time.Second},
			{"in the year 2999", "Tue, 01 Jan 2999 00:00:00 GMT", time.Hour},
		} {
			ctx, cancel := context.WithTimeout(t.Context(), c.deadline)
			base := scripted(says(503, "Retry-After", c.asked))
			req, _ := http.NewRequestWithContext(ctx, "GET", site, nil)
			from := time.Now()
			resp, err := (&backoff.Transport{Base: base, Retries: 5}).RoundTrip(req)
			if took := time.Since(from); took != 0 {
				t.Errorf("%s: after %v", c.about, took)
			}
			if _, same := resp.Body.(*scriptBody); !same {
				t.Errorf("%s: the body is not the response's own", c.about)
			}
			wantWhole(t, resp, err)
			cancel()
		}
	})
}

func TestAResponseSurvivesAWaitThatComesToNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := scripted(says(503, "Retry-After", "10"), says(200))
		transport := &backoff.Transport{Retries: 3, Base: base}
		asksAgain(t, transport)
		req, _ := http.NewRequest("GET", site, nil)
		resp, err := transport.RoundTrip(req)
		wantWhole(t, resp, err)
		if len(base.at) != 1 {
			t.Errorf("%d attempts", len(base.at))
		}
	})
}

func TestAWaitForARetryEndsWithItsContext(t *testing.T) {
	gaveUp := errors.New("gave up")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(5*time.Second, func() { cancel(gaveUp) })
		base := scripted(says(503, "Retry-After", "10"))
		req, _ := http.NewRequestWithContext(ctx, "GET", site, nil)
		from := time.Now()
		resp, err := (&backoff.Transport{Base: base, Retries: 3}).RoundTrip(req)
		if resp != nil || err != gaveUp || time.Since(from) != 5*time.Second || base.open() != 0 {
			t.Errorf("%v, %v after %v, %d bodies open", resp, err, time.Since(from), base.open())
		}
	})
}

// deaf is a body that never comes, and does not hear that it is closed.
type deaf struct{ ended chan struct{} }

func (b deaf) Read([]byte) (int, error) { <-b.ended; return 0, io.EOF }
func (b deaf) Close() error             { <-b.ended; return nil }

func TestABodyThatDoesNotHearHoldsNobodyUp(t *testing.T) {
	for _, c := range []struct {
		about             string
		retryFor, context time.Duration
		most              time.Duration
		attempts          int
	}{
		{"for longer than a second", 10 * time.Second, time.Hour, 2 * time.Second, 2},
		{"for longer than RetryFor", 300 * time.Millisecond, time.Hour, 300 * time.Millisecond, 1},
		{"after its context", time.Minute, 300 * time.Millisecond, 300 * time.Millisecond, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			body := deaf{make(chan struct{})}
			defer close(body.ended)
			base := scripted(func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 503, Body: body}, nil })
			ctx, cancel := context.WithCancel(t.Context())
			defer time.AfterFunc(c.context, cancel).Stop()
			req, _ := http.NewRequestWithContext(ctx, "GET", site, nil)
			transport := &backoff.Transport{Base: base, Retries: 1, RetryFor: c.retryFor, RetryDelay: time.Millisecond}
			from := time.Now()
			resp, err := transport.RoundTrip(req)
			if took := time.Since(from); took > c.most || len(base.at) != c.attempts {
				t.Errorf("%s: %d attempts in %v, want %d", c.about, len(base.at), took, c.attempts)
			}
			if c.context < c.retryFor {
				if err != context.Canceled {
					t.Errorf("%s: %v", c.about, err)
				}
			} else if err != nil || resp.StatusCode != 503 {
				t.Errorf("%s: %v, %v", c.about, resp, err)
			} else if c.attempts == 1 {
				if _, err := io.ReadAll(resp.Body); err == nil {
					t.Errorf("%s: half a body passes for a whole one", c.about)
				}
			}
		})
	}
}

// asksAgain has another response ask the site, after five seconds, for more than anybody waits.
func asksAgain(t *testing.T, transport *backoff.Transport) {
	t.Helper()
	base := transport.Base
	transport.Base = roundTripper(func(r *http.Request) (*http.Response, error) {
		if r.Method == "POST" {
			time.Sleep(5 * time.Second)
			return says(503, "Retry-After", "3600")(r)
		}
		return base.RoundTrip(r)
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		req, _ := http.NewRequest("POST", site, nil)
		if _, err := transport.RoundTrip(req); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() { <-done })
	synctest.Wait()
}

func TestALongBodyIsGivenUpForTheRetry(t *testing.T) {
	for _, c := range []struct {
		size  int
		whole bool
	}{{64 << 10, true}, {64<<10 + 1, false}, {10 << 20, false}} {
		synctest.Test(t, func(t *testing.T) {
			long := &scriptBody{Reader: bytes.NewReader(make([]byte, c.size))}
			base := roundTripper(func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: 503, Body: long}, nil
			})
			transport := &backoff.Transport{Base: base, Retries: 1, RetryDelay: 10 * time.Second}
			asksAgain(t, transport)
			req, _ := http.NewRequest("GET", site, nil)
			resp, err := transport.RoundTrip(req)
			if err != nil || !long.closed() {
				t.Fatalf("%v, closed: %v", err, long.closed())
			}
			n, err := io.Copy(io.Discard, resp.Body)
			if c.whole && (int(n) != c.size || err != nil) {
				t.Errorf("%d bytes of %d, %v", n, c.size, err)
			}
			if !c.whole && (err == nil || n > 64<<10+1) {
				t.Errorf("%d bytes of %d, %v: half a body passes for a whole one", n, c.size, err)
			}
		})
	}
}

func TestASlowBodyIsGivenUpForTheRetry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		defer w.Close()
		stuck := func(*http.Request) (*http.Response, error) { return &http.Response{StatusCode: 503, Body: r}, nil }
		base := scripted(stuck, says(200))
		if status, err := ask(t, &backoff.Transport{Base: base, Retries: 1}, site); status != 200 || err != nil {
			t.Errorf("%d, %v", status, err)
		}
		if base.at[1] > 2*time.Second {
			t.Errorf("retried after %v", base.at[1])
		}
	})
}

// endsOnClose is a body that never comes, and whose reads end without an error when it is closed.
type endsOnClose struct {
	*io.PipeReader
	w *io.PipeWriter
}

func (b endsOnClose) Close() error { return b.w.Close() }

func TestASlowBodyDoesNotPassForAWholeOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		base := roundTripper(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 503, Body: endsOnClose{r, w}}, nil
		})
		transport := &backoff.Transport{Base: base, Retries: 1, RetryDelay: 10 * time.Second}
		asksAgain(t, transport)
		req, _ := http.NewRequest("GET", site, nil)
		resp, err := transport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Error("half a body passes for a whole one")
		}
	})
}

func TestARetryAtOnceClosesWhatWasBefore(t *testing.T) {
	base := scripted(busy, busy, says(200))
	if status, err := ask(t, &backoff.Transport{Base: base, Retries: 2, RetryDelay: 1}, site); status != 200 || err != nil {
		t.Errorf("%d, %v", status, err)
	}
	if base.open() != 0 {
		t.Errorf("%d bodies are open", base.open())
	}
}
