package frameworks_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/drain"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// pipes is a listener whose connections have no buffers and a clock of the test's.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if conn, ok := <-p; ok {
		return conn, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) Close() error {
	close(p)
	return nil
}

// afterAStream has a server with limits serve streams that end at once, behind the guard as the outermost
// and the only one, and talks with it.
func afterAStream(t *testing.T, guard func(http.Handler) http.Handler, stream http.HandlerFunc, talk func(net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		server := &http.Server{Handler: guard(stream), ReadTimeout: time.Second, WriteTimeout: 2 * time.Second}
		listener := make(pipes)
		served := make(chan error)
		go func() { served <- server.Serve(listener) }()
		client, conn := net.Pipe()
		listener <- conn
		client.SetDeadline(time.Now().Add(time.Hour))
		talk(client)
		client.Close()
		server.Close()
		<-served
	})
}

// Nobody counts a stream once its handler has returned, so what the server still has to do for it is under
// the server's limits again, or a client could keep a connection for ever.
func TestAStreamThatIsOverIsUnderTheServersLimitsAgain(t *testing.T) {
	events := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, "data: 0\n\n")
	}
	declared := func(w http.ResponseWriter, r *http.Request) {
		if err := drain.Stream(w); err != nil {
			t.Error(err)
		}
		io.WriteString(w, "news")
	}
	for name, guard := range map[string]func(http.Handler) http.Handler{
		"drain":   func(h http.Handler) http.Handler { return new(drain.Drainer).Wrap(h) },
		"slowlog": func(h http.Handler) http.Handler { return new(slowlog.Watch).Wrap(h) },
		"backoff": func(h http.Handler) http.Handler { return new(backoff.Policy).Wrap(h) },
		"timebox": timebox.Wrap,
		"several": func(h http.Handler) http.Handler { return new(slowlog.Watch).Wrap(timebox.Wrap(h)) },
	} {
		for kind, stream := range map[string]http.HandlerFunc{"events": events, "declared": declared} {
			t.Run(name+", "+kind+", a client that does not read", func(t *testing.T) {
				afterAStream(t, guard, stream, func(client net.Conn) {
					io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
					time.Sleep(time.Minute)
					if n, err := client.Read(make([]byte, 100)); err != io.EOF {
						t.Errorf("a minute later %d bytes come, %v; want the connection closed", n, err)
					}
				})
			})
			t.Run(name+", "+kind+", a client that does not send its body", func(t *testing.T) {
				afterAStream(t, guard, stream, func(client net.Conn) {
					begun := time.Now()
					io.WriteString(client, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
					if _, err := io.ReadAll(client); err != nil || time.Since(begun) > time.Minute {
						t.Errorf("after %v: %v, want the connection closed by then", time.Since(begun), err)
					}
				})
			})
		}
	}
}

// A stream that drain has cut by force gets no time for what it has not sent.
func TestAStreamThatWasCutDoesNotHoldUpTheShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live := &drain.Drainer{Grace: time.Second}
		guarded := live.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if err := drain.Stream(w); err != nil {
				t.Error(err)
			}
			io.WriteString(w, "news")
			<-r.Context().Done()
			time.Sleep(2 * live.Grace) // it is in no hurry
		}))
		// The Drainer does not know that all requests come through it, so the server ends when its connections do.
		server := &http.Server{WriteTimeout: time.Hour, Handler: http.HandlerFunc(guarded.ServeHTTP)}
		listener := make(pipes)
		go server.Serve(listener)
		client, conn := net.Pipe()
		listener <- conn
		io.WriteString(client, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		begun := time.Now()
		live.Shutdown(ctx, server)
		if took := time.Since(begun); took > time.Minute/2 {
			t.Errorf("the shutdown takes %v, and the handler 2 s", took)
		}
	})
}

// The next request on a connection is under the limits that any other is.
func TestTheRequestAfterAStreamIsUnderTheServersLimits(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			if err := drain.Stream(w); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s, %v", body, err != nil)
	}
	afterAStream(t, new(timebox.Box).Wrap, handler, func(client net.Conn) {
		in := bufio.NewReader(client)
		for _, c := range []struct{ path, body, want string }{
			{"/stream", "0123456789", "0123456789, false"},
			{"/", "0123456789", "0123456789, false"},
			{"/", "01234", "01234, true"},
		} {
			go fmt.Fprintf(client, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n%s", c.path, c.body)
			response, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if body, err := io.ReadAll(response.Body); err != nil || string(body) != c.want {
				t.Errorf("%s: %q, %v; want %q", c.path, body, err, c.want)
			}
		}
	})
}
