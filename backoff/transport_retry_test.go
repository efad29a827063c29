package backoff_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/backoff"
)

var (
	errReset = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	errOther = errors.New("x509: certificate signed by unknown authority")
)

// refuser is what a breaker below returns. It claims to be a timeout, too.
type refuser struct{}

func (refuser) Error() string                    { return "refused" }
func (refuser) Timeout() bool                    { return true }
func (refuser) Temporary() bool                  { return true }
func (refuser) Refused() (string, time.Duration) { return "mysql", time.Second }

// busy is 503 without a word about when to come back.
var busy = says(503)

func TestRetriesAreOffUnlessAskedFor(t *testing.T) {
	base := scripted(busy, says(200))
	if status, _ := ask(t, &backoff.Transport{Base: base}, site); status != 503 || len(base.at) != 1 {
		t.Errorf("%d after %d attempts", status, len(base.at))
	}
}

func TestWhatIsRetried(t *testing.T) {
	for _, c := range []struct {
		about  string
		answer func(*http.Request) (*http.Response, error)
		again  bool
	}{
		{"503", says(503), true},
		{"429", says(429), true},
		{"503 with Retry-After", says(503, "Retry-After", "5"), true},
		{"503 with X-Backoff", says(503, "X-Backoff", "5"), true},
		{"429 with garbage", says(429, "Retry-After", "soon"), true},
		{"a reset connection", fails(errReset), true},
		{"a connection that ended", fails(io.EOF), true},
		{"a connection that ended in a response's head", fails(fmt.Errorf("transport: %w", io.ErrUnexpectedEOF)), true},
		{"a connection that was closed", fails(net.ErrClosed), true},
		{"a name that is not found", fails(&net.DNSError{Err: "no such host"}), true},

		{"200", says(200), false},
		{"200 with X-Backoff", says(200, "X-Backoff", "5"), false},
		{"307 with Retry-After", says(307, "Retry-After", "5"), false},
		{"404", says(404), false},
		{"500", says(500), false},
		{"502", says(502), false},
		{"504", says(504), false},
		{"an HTTP/2 server that goes away", fails(errors.New(`http2: server sent GOAWAY and closed the connection; LastStreamID=1, ErrCode=NO_ERROR, debug=""`)), true},
		{"an HTTP/2 connection that is lost", fails(fmt.Errorf("transport: %w", errors.New("http2: client connection lost"))), true},

		{"an error that stays", fails(errOther), false},
		{"an error that only quotes another", fails(errors.New(`no "http2: client connection lost"`)), false},
		{"an address that is none", fails(&net.OpError{Op: "dial", Err: &net.AddrError{Err: "invalid port", Addr: "99999"}}), false},
		{"an address that cannot be read", fails(&net.OpError{Op: "dial", Err: &net.ParseError{Type: "IP address", Text: "1.2"}}), false},
		{"a network that there is none of", fails(&net.OpError{Op: "dial", Err: net.UnknownNetworkError("tcp5")}), false},
		{"a TLS alert", fails(&net.OpError{Op: "remote error", Err: tls.AlertError(116)}), false},
		{"a TLS alert of our own", fails(&net.OpError{Op: "local error", Err: tls.AlertError(70)}), false},
		{"a TLS alert of a proxy", fails(&net.OpError{Op: "proxyconnect", Err: &net.OpError{Op: "remote error", Err: tls.AlertError(116)}}), false},
		{"a certificate that a proxy has", fails(&net.OpError{Op: "proxyconnect", Err: &tls.CertificateVerificationError{Err: errOther}}), false},
		{"a breaker's refusal", fails(fmt.Errorf("breaker: %w", refuser{})), false},
		{"neither a response nor an error", func(*http.Request) (*http.Response, error) { return nil, nil }, false},
	} {
		t.Run(c.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				base := scripted(c.answer, says(200))
				req, _ := http.NewRequest("GET", site, nil)
				resp, err := (&backoff.Transport{Base: base, Retries: 3}).RoundTrip(req)
				if again := len(base.at) > 1; again != c.again {
					t.Errorf("%d attempts", len(base.at))
				}
				if c.again && (err != nil || resp.StatusCode != 200 || resp.Request != req || base.open() != 1) {
					t.Errorf("%v, %v, %d bodies open", resp, err, base.open())
				}
			})
		})
	}
}

func TestOnlyWhatMayBeRepeatedIsRetried(t *testing.T) {
	rewindable := func() io.Reader { return strings.NewReader("body") }
	stream := func() io.Reader { return io.LimitReader(strings.NewReader("body"), 4) }
	none := func() io.Reader { return nil }
	noBody := func() io.Reader { return http.NoBody }
	search := func(r *http.Request) bool { return r.URL.Path == "/search" }
	for _, c := range []struct {
		method, path string
		body         func() io.Reader
		header       string
		repeat       func(*http.Request) bool
		again        bool
	}{
		{method: "", body: none, again: true},
		{method: "GET", body: none, again: true},
		{method: "GET", body: noBody, again: true},
		{method: "HEAD", body: none, again: true},
		{method: "OPTIONS", body: none, again: true},
		{method: "TRACE", body: none, again: true},
		{method: "PUT", body: rewindable, again: true},
		{method: "PUT", body: stream, again: false},
		{method: "DELETE", body: none, again: true},
		{method: "DELETE", body: stream, again: false},
		{method: "POST", body: none, again: false},
		{method: "POST", body: rewindable, again: false},
		{method: "PATCH", body: rewindable, again: false},
		{method: "CONNECT", body: none, again: false},
		{method: "get", body: none, again: false}, // another method than GET: they are case-sensitive
		{method: "POST", body: rewindable, header: "Idempotency-Key", again: true},
		{method: "POST", body: rewindable, header: "X-Idempotency-Key", again: true},
		{method: "POST", body: stream, header: "Idempotency-Key", again: false},
		{method: "POST", path: "search", body: rewindable, repeat: search, again: true},
		{method: "POST", path: "search", body: stream, repeat: search, again: false},
		{method: "POST", path: "buy", body: rewindable, repeat: search, again: false},
	} {
		for _, first := range []func(*http.Request) (*http.Response, error){busy, fails(errReset)} {
			synctest.Test(t, func(t *testing.T) {
				base := scripted(first, says(200))
				req, _ := http.NewRequest(c.method, site+c.path, c.body())
				if c.header != "" {
					req.Header.Set(c.header, "")
				}
				if req.Method = c.method; req.Body != nil && c.method == "GET" {
					req.Body = http.NoBody
				}
				transport := &backoff.Transport{Base: base, Retries: 1, Repeat: c.repeat}
				transport.RoundTrip(req)
				if (len(base.at) == 2) != c.again {
					t.Errorf("%s %s %T %s: %d attempts, want it repeated: %v", c.method, c.path, c.body(), c.header, len(base.at), c.again)
				}
				if c.again && base.bodies[1] != base.bodies[0] {
					t.Errorf("%s: sent %q and then %q", c.method, base.bodies[0], base.bodies[1])
				}
			})
		}
	}
}

func TestABodyThatCannotBeHadAgainIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := scripted(busy, says(200))
		req, _ := http.NewRequest("PUT", site, strings.NewReader("body"))
		req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("gone") }
		resp, err := (&backoff.Transport{Base: base, Retries: 1}).RoundTrip(req)
		if err != nil || resp.StatusCode != 503 || len(base.at) != 1 {
			t.Fatalf("%v, %v", resp, err)
		}
		if data, err := io.ReadAll(resp.Body); string(data) != "body of the response" || err != nil {
			t.Errorf("%q, %v", data, err)
		}

		// Nobody waits for that, and it is said.
		from := time.Now()
		gone := errors.New("gone")
		req.GetBody = func() (io.ReadCloser, error) { return nil, gone }
		base = scripted(fails(errReset))
		_, err = (&backoff.Transport{Base: base, Retries: 1}).RoundTrip(req)
		if !errors.Is(err, errReset) || !errors.Is(err, gone) || len(base.at) != 1 || time.Since(from) != 0 {
			t.Errorf("%v, after %d attempts and %v", err, len(base.at), time.Since(from))
		}
	})
}

func TestABodyThatIsNotSentAgainIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		again := &scriptBody{Reader: strings.NewReader("body")}
		req, _ := http.NewRequestWithContext(ctx, "PUT", site, strings.NewReader("body"))
		req.GetBody = func() (io.ReadCloser, error) { return again, nil }
		_, err := (&backoff.Transport{Base: scripted(busy), Retries: 1, RetryDelay: time.Minute / 4}).RoundTrip(req)
		if err != context.Canceled || !again.closed() {
			t.Errorf("%v, closed: %v", err, again.closed())
		}
	})
}

func TestARetryNeverComesSoonerThanTold(t *testing.T) {
	for _, c := range []struct {
		about    string
		answer   func(*http.Request) (*http.Response, error)
		from, to time.Duration
	}{
		{"by Retry-After", says(503, "Retry-After", "8"), 8 * time.Second, 10 * time.Second},
		{"by X-Backoff", says(429, "X-Backoff", "8"), 8 * time.Second, 10 * time.Second},
		{"by a date", says(503, "Retry-After", "Sat, 01 Jan 2000 00:00:08 GMT"), 8 * time.Second, 10 * time.Second},
		{"by nobody", busy, time.Second, 2 * time.Second},
		{"sooner than the delay", says(503, "Retry-After", "0"), time.Second, 2 * time.Second},
		{"a reset", fails(errReset), time.Second, 2 * time.Second},
	} {
		t.Run(c.about, func(t *testing.T) {
			earliest, latest := time.Hour, time.Duration(0)
			for range 300 {
				synctest.Test(t, func(t *testing.T) {
					base := scripted(c.answer, says(200))
					ask(t, &backoff.Transport{Base: base, Retries: 1, RetryDelay: time.Second}, site)
					earliest, latest = min(earliest, base.at[1]), max(latest, base.at[1])
				})
			}
			if earliest < c.from || latest > c.to || latest-earliest < (c.to-c.from)/2 {
				t.Errorf("retried after %v to %v, want %v to %v", earliest, latest, c.from, c.to)
			}
		})
	}
}

func TestTheDelayDoublesAndItsNumberIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := scripted(busy)
		transport := &backoff.Transport{Base: base, Retries: 9, RetryFor: time.Hour}
		if status, err := ask(t, transport, site); status != 503 || err != nil {
			t.Errorf("%d, %v, want the last response", status, err)
		}
		if len(base.at) != 10 || transport.Stats().Retried != 9 {
			t.Fatalf("%d attempts, want 10", len(base.at))
		}
		least := backoff.DefaultRetryDelay
		for i := 1; i < 10; i++ {
			if gap := base.at[i] - base.at[i-1]; gap < least || gap > 2*least {
				t.Errorf("retry %d came after %v, want %v and up to as much again", i, gap, least)
			}
			least = min(2*least, 10*time.Second)
		}
		if base.open() != 0 {
			t.Errorf("%d bodies are open", base.open())
		}
	})
}

func TestRetriesEndWithRetryFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ retryFor, limit time.Duration }{{0, backoff.DefaultRetryFor}, {5 * time.Second, 5 * time.Second}} {
			base := scripted(busy)
			from := time.Now()
			ask(t, &backoff.Transport{Base: base, Retries: 1000, RetryFor: c.retryFor}, site)
			if took := time.Since(from); took > c.limit || took < c.limit/4 {
				t.Errorf("RetryFor %v: given up after %v", c.retryFor, took)
			}
		}
	})
}

func TestAnErrorBecomesTheCauseWhenTheContextEnds(t *testing.T) {
	gaveUp := errors.New("gave up")
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(5*time.Second, func() { cancel(gaveUp) })
		req, _ := http.NewRequestWithContext(ctx, "GET", site, nil)
		base := scripted(fails(errReset))
		if _, err := (&backoff.Transport{Base: base, Retries: 3, RetryDelay: 10 * time.Second}).RoundTrip(req); err != gaveUp {
			t.Errorf("%v", err)
		}
		// One that had ended by the time of the failure is the base's to report.
		if _, err := (&backoff.Transport{Base: base, Retries: 3}).RoundTrip(req); err != errReset || len(base.at) != 2 {
			t.Errorf("%v after %d attempts", err, len(base.at))
		}
	})
}

func TestTheLastErrorIsReturned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := scripted(busy, fails(io.EOF), fails(errReset))
		if _, err := ask(t, &backoff.Transport{Base: base, Retries: 2}, site); err != errReset {
			t.Errorf("%v", err)
		}
		if base.open() != 0 {
			t.Error("the response before is open")
		}
	})
}

func TestTheCallersRequestIsNotChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		req, _ := http.NewRequest("PUT", site, strings.NewReader("body"))
		before, body := *req, req.Body
		var seen []*http.Request
		base := scripted(busy, busy, says(200))
		transport := &backoff.Transport{Retries: 2, Base: roundTripper(func(r *http.Request) (*http.Response, error) {
			seen = append(seen, r)
			return base.RoundTrip(r)
		})}
		resp, err := transport.RoundTrip(req)
		if err != nil || resp.Request != req {
			t.Fatalf("%v", err)
		}
		if req.Body != body || req.Method != before.Method || len(req.Header) != 0 || req.URL != before.URL {
			t.Error("it was changed")
		}
		if len(seen) != 3 || seen[0] != req || seen[1] == req || seen[2] == req || seen[1] == seen[2] {
			t.Error("a retry is not a copy")
		}
	})
}

func TestWhatMustBeFinishedIsRetriedInSpiteOfASoftWish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := scripted(says(503, "X-Backoff", "3600"), says(200))
		transport := &backoff.Transport{Base: base, Retries: 1, Finish: func(*http.Request) bool { return true }}
		if status, err := ask(t, transport, site); status != 200 || err != nil {
			t.Errorf("%d, %v", status, err)
		}
	})
}

func TestManyClientsDoNotRetryAllAtOnce(t *testing.T) {
	at := map[time.Duration]bool{}
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			base := scripted(busy, says(200))
			ask(t, &backoff.Transport{Base: base, Retries: 1}, site)
			at[base.at[1].Truncate(time.Millisecond)] = true
		})
	}
	if len(at) < 30 {
		t.Errorf("100 clients retried in %d different milliseconds", len(at))
	}
}
