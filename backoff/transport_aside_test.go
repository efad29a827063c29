package backoff_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
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
		// While it waits for its retry, another response asks for more than it can wait.
		other := says(503, "Retry-After", "3600")
		base := scripted(says(503, "Retry-After", "10"), says(200))
		transport := &backoff.Transport{Retries: 3, Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.Method == "PUT" {
				time.Sleep(5 * time.Second)
				return other(r)
			}
			return base.RoundTrip(r)
		})}
		done := make(chan struct{})
		go func() {
			defer close(done)
			req, _ := http.NewRequest("PUT", site, io.LimitReader(strings.NewReader(""), 0))
			resp, err := transport.RoundTrip(req)
			if err != nil || resp.StatusCode != 503 {
				t.Errorf("%v, %v", resp, err)
			}
		}()
		synctest.Wait()
		req, _ := http.NewRequest("GET", site, nil)
		resp, err := transport.RoundTrip(req)
		wantWhole(t, resp, err)
		if len(base.at) != 1 {
			t.Errorf("%d attempts", len(base.at))
		}
		<-done
	})
}

func TestAResponseIsNotTurnedIntoAnErrorByItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		req, _ := http.NewRequestWithContext(ctx, "GET", site, nil)
		from := time.Now()
		resp, err := (&backoff.Transport{Base: scripted(says(503, "Retry-After", "10")), Retries: 3}).RoundTrip(req)
		wantWhole(t, resp, err)
		if took := time.Since(from); took != 5*time.Second {
			t.Errorf("after %v", took)
		}
	})
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
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(5*time.Second, cancel)
			req, _ := http.NewRequestWithContext(ctx, "GET", site, nil)
			resp, err := (&backoff.Transport{Base: base, Retries: 1, RetryDelay: 10 * time.Second}).RoundTrip(req)
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
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second, cancel)
		req, _ := http.NewRequestWithContext(ctx, "GET", site, nil)
		resp, err := (&backoff.Transport{Base: base, Retries: 1, RetryDelay: 10 * time.Second}).RoundTrip(req)
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
