package breaker_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/request"
)

func TestAStatusOf500OrMoreIsAFailureAndHandedOn(t *testing.T) {
	for _, test := range []struct {
		status int
		failed bool
	}{{200, false}, {204, false}, {304, false}, {400, false}, {404, false}, {429, false}, {499, false}, {500, true}, {502, true}, {503, true}, {599, true}} {
		synctest.Test(t, func(t *testing.T) {
			b := &breaker.Breaker{Name: "books", TripAfter: 1}
			client := serve(t, b, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("X-Answer", "42")
				w.WriteHeader(test.status)
				io.WriteString(w, "because")
			})
			resp, body, err := get(client)
			if err != nil || resp.StatusCode != test.status || resp.Header.Get("X-Answer") != "42" {
				t.Fatalf("%v, %v", resp, err)
			}
			if bodiless := test.status == 204 || test.status == 304; bodiless && resp.Body != http.NoBody || !bodiless && body != "because" {
				t.Errorf("%d: body %q (%T)", test.status, body, resp.Body)
			}
			if open := b.State() == breaker.Open; open != test.failed {
				t.Errorf("%d: it is %v", test.status, b.State())
			}
			want := counts{succeeded: 1}
			if test.failed {
				want = counts{failed: 1}
			}
			wantCounts(t, b, want)
		})
	}
}

func TestA500CountsBeforeItsBodyIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1}
		client := serve(t, b, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(500)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		})
		resp, err := client.Get("http://books.test/")
		if err != nil {
			t.Fatal(err)
		}
		wantState(t, b, breaker.Open)
		start := time.Now()
		_, err = io.ReadAll(resp.Body) // and is bounded none the less
		wantLate(t, err)
		if took := time.Since(start); took != s {
			t.Errorf("took %v", took)
		}
		resp.Body.Close()
		wantCounts(t, b, counts{failed: 1})
	})
}

func TestAServerThatHangsFailsAtTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Name: "books", TripAfter: 1, Timeout: 300 * ms}
		client := serve(t, b, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		start := time.Now()
		_, _, err := get(client)
		wantLate(t, err)
		if took := time.Since(start); took != 300*ms {
			t.Errorf("took %v", took)
		}
		wantCounts(t, b, counts{failed: 1})
		_, _, err = get(client)
		var open *breaker.OpenError
		if !errors.As(err, &open) || !errors.Is(err, breaker.ErrOpen) || open.Name != "books" {
			t.Errorf("%v", err)
		}
	})
}

// A server in a test's own process cannot be hung, but one that nobody accepts
// from looks the same.
func TestAServerThatAcceptsNobodyFailsAtTimeout(t *testing.T) {
	l := listen(t)
	b := &breaker.Breaker{Timeout: 100 * ms}
	base := &http.Transport{}
	defer base.CloseIdleConnections()
	_, err := (&http.Client{Transport: b.Transport(base)}).Get("http://" + l.Addr().String())
	wantLate(t, err)
	wantCounts(t, b, counts{failed: 1})
}

func TestAResetIsAFailureAndSoIsARefusedConnection(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, _, _ := http.NewResponseController(w).Hijack()
		conn.(*net.TCPConn).SetLinger(0)
		conn.Close()
	}))
	b := &breaker.Breaker{}
	client := &http.Client{Transport: b.Transport(nil)}
	if _, err := client.Get(server.URL); err == nil {
		t.Error("no error of a reset connection")
	}
	wantCounts(t, b, counts{failed: 1})
	server.Close()
	if _, err := client.Get(server.URL); err == nil {
		t.Error("no error of a refused connection")
	}
	wantCounts(t, b, counts{failed: 2})
}

func TestARefusedRequestIsClosedAndNotSent(t *testing.T) {
	b := &breaker.Breaker{Name: "books"}
	b.Open(time.Minute)
	rt := b.Transport(tripper(func(*http.Request) (*http.Response, error) { t.Error("it was sent"); return nil, errDown }))
	body := &closing{Reader: strings.NewReader("hello")}
	req, _ := http.NewRequest("POST", "http://books.test/", body)
	if _, err := rt.RoundTrip(req); !errors.Is(err, breaker.ErrOpen) {
		t.Errorf("%v", err)
	}
	if !body.closed {
		t.Error("the request's body was not closed")
	}
}

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

func TestARequestThatItsCallerCancelsSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{TripAfter: 1}
		client := serve(t, b, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*ms, cancel)
		req, _ := http.NewRequestWithContext(ctx, "GET", "http://books.test/", nil)
		if _, err := client.Do(req); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		wantCounts(t, b, counts{uncounted: 1})

		req, _ = http.NewRequest("GET", "http://books.test/", nil)
		gone := make(chan struct{})
		//lint:ignore SA1019 old clients do so
		req.Cancel = gone
		time.AfterFunc(100*ms, func() { close(gone) })
		if _, err := client.Do(req); err == nil {
			t.Error("no error")
		}
		wantCounts(t, b, counts{uncounted: 2})
	})
}

func TestTheClientsOwnTimeoutWorksAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{}
		client := serve(t, b, func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		client.Timeout = 100 * ms
		start := time.Now()
		_, _, err := get(client)
		var timeout interface{ Timeout() bool }
		if took := time.Since(start); took != 100*ms || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v after %v", err, took)
		}
		wantCounts(t, b, counts{failed: 1})
	})
}

func TestIsFailureIsAskedAboutErrorsOfATransport(t *testing.T) {
	b := &breaker.Breaker{IsFailure: func(err error) bool { return err != errDown }}
	rt := b.Transport(tripper(func(*http.Request) (*http.Response, error) { return nil, errDown }))
	req, _ := http.NewRequest("GET", "http://books.test/", nil)
	if _, err := rt.RoundTrip(req); err != errDown {
		t.Errorf("%v", err)
	}
	wantCounts(t, b, counts{succeeded: 1})
}

func TestNoWayForATransportToEndLosesAProbe(t *testing.T) {
	ends := map[string]func(){
		"panic":  func() { panic("no") },
		"abort":  func() { panic(http.ErrAbortHandler) },
		"Goexit": func() { runtime.Goexit() },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &breaker.Breaker{TripAfter: 1}
				trip(t, b)
				time.Sleep(b.RetryAfter())
				rt := b.Transport(tripper(func(*http.Request) (*http.Response, error) { end(); return nil, nil }))
				done := make(chan any)
				go func() {
					defer func() { done <- recover() }()
					req, _ := http.NewRequest("GET", "http://books.test/", nil)
					rt.RoundTrip(req)
				}()
				if value := <-done; (value != nil) != (name != "Goexit") {
					t.Errorf("recovered %v", value)
				}
				if b.Stats().InProgress != 0 {
					t.Error("the call has not ended")
				}
				recovered(t, b)
			})
		})
	}
}

func TestARequestIsInTheTallyWithoutItsValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Name: "books"}
		client := serve(t, b, func(w http.ResponseWriter, r *http.Request) { time.Sleep(100 * ms) })
		rec := &request.Record{Context: t.Context()}
		req, _ := http.NewRequestWithContext(rec, "GET", "http://books.test/books/12?q=secret", nil)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		const text = "GET books.test/books/?"
		backends := rec.Backends()
		if len(backends) != 1 || backends[0].Name != "books" || len(backends[0].Statements) != 1 || backends[0].Statements[0].Text != text || backends[0].Time != 100*ms {
			t.Errorf("%+v", backends)
		}
		if s := b.Stats().Statements; len(s) != 1 || s[0].Text != text || s[0].Calls != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// listen is a listener on the loopback that nobody accepts from.
func listen(t testing.TB) net.Listener {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
