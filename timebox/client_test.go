package timebox_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

func TestAClientThatLeftIsNotCountedAs503(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: later}
		began, left := make(chan struct{}), make(chan error, 1)
		s.start(box, func(w http.ResponseWriter, r *http.Request) {
			close(began)
			<-r.Context().Done()
			left <- context.Cause(r.Context())
			s.hang()
		})
		r := s.request("GET", "/", nil)
		ctx, leave := context.WithCancel(r.Context())
		go func() {
			<-began
			leave()
		}()
		if _, _, err := s.do(r.WithContext(ctx)); !errors.Is(err, context.Canceled) {
			t.Fatalf("the client got %v", err)
		}
		if cause := receive(t, "the end of the context", left); cause != context.Canceled {
			t.Errorf("the cause is %v, want %v", cause, context.Canceled)
		}
		want := timebox.Stats{Started: 1, Running: 1, Exceeded: 1, ClientGone: 1, Overrunning: 1}
		eventually(t, "the limit", func() bool { return box.Stats() == want })
	})
}

func TestAClientThatLeavesEndsTheRequestWithoutCountingAtAll(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := new(timebox.Box)
		began := make(chan struct{})
		s.start(box, func(w http.ResponseWriter, r *http.Request) {
			close(began)
			<-r.Context().Done()
		})
		r := s.request("GET", "/", nil)
		ctx, leave := context.WithCancel(r.Context())
		go func() {
			<-began
			leave()
		}()
		s.do(r.WithContext(ctx))
		eventually(t, "the end", func() bool { return box.Stats() == timebox.Stats{Started: 1} })
	})
}

// After a half-close net/http takes a client as gone, but it may be reading.
func TestAClientThatHasClosedItsHalfDoesNotTakeSilenceForAnAnswer(t *testing.T) {
	s := newServer(t, protocols[0])
	goOn := make(chan struct{})
	box := &timebox.Box{Limit: later}
	s.start(box, func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		<-goOn
	})
	conn := s.dial()
	s.send(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	conn.(*net.TCPConn).CloseWrite()
	eventually(t, "the limit", func() bool { return box.Stats().ClientGone == 1 })
	close(goOn)
	if resp, text, err := readAnswer(conn, "GET"); err == nil {
		t.Errorf("the client is content with %v and %q", resp, text)
	}
}

// big is more than all the buffers between a handler and its client hold.
const big = 64 << 20

func TestAReaderThatStoppedReadingIsCutAtTheLimit(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: later}
		wrote := make(chan error, 1)
		s.start(box, func(w http.ResponseWriter, r *http.Request) {
			chunk := make([]byte, 32<<10)
			for range big / len(chunk) {
				if _, err := w.Write(chunk); err != nil {
					wrote <- err
					break
				}
			}
			_, err := w.Write(chunk)
			wrote <- err
		})
		resp, err := s.Client().Do(s.request("GET", "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if err := receive(t, "the end of the blocked Write", wrote); err == nil {
			t.Error("the blocked Write succeeds")
		}
		if err := receive(t, "a late Write", wrote); err != http.ErrHandlerTimeout {
			t.Errorf("a late Write: %v, want %v", err, http.ErrHandlerTimeout)
		}
		if n, err := io.Copy(io.Discard, resp.Body); err == nil {
			t.Errorf("the client is content with %d bytes", n)
		}
		want := timebox.Stats{Started: 1, Exceeded: 1, Cut: 1}
		eventually(t, "the end of the handler", func() bool { return box.Stats() == want })
	})
}

func TestABigResponseIsNotHeldInMemory(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.name, func(t *testing.T) {
			s := newServer(t, p)
			chunk := bytes.Repeat([]byte{'x'}, 32<<10)
			held := make(chan int64, 1)
			s.start(new(timebox.Box), func(w http.ResponseWriter, r *http.Request) {
				before := heap()
				for range big / len(chunk) {
					w.Write(chunk)
				}
				held <- heap() - before
			})
			resp, err := s.Client().Do(s.request("GET", "/", nil))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if n, err := io.Copy(io.Discard, resp.Body); n != big || err != nil {
				t.Errorf("got %d bytes, %v; want %d", n, err, big)
			}
			if held := <-held; held > big/8 {
				t.Errorf("%d MiB are in use at the end of a response of %d MiB", held>>20, big>>20)
			}
		})
	}
}

// heap is what is in use on the heap.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestShutdownWaitsForTheHandler(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *server) {
		began, goOn := make(chan struct{}), make(chan struct{})
		s.start(&timebox.Box{Limit: soon}, func(w http.ResponseWriter, r *http.Request) {
			close(began)
			<-goOn
		})
		answered := make(chan int, 1)
		go func() {
			resp, _, err := s.get("/")
			if err != nil {
				t.Error(err)
			}
			answered <- resp.StatusCode
		}()
		<-began
		if status := receive(t, "the answer", answered); status != 503 {
			t.Errorf("%d, want 503", status)
		}
		hasty, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		if err := s.Config.Shutdown(hasty); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Shutdown: %v, while the handler is running", err)
		}
		close(goOn)
		patient, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Config.Shutdown(patient); err != nil {
			t.Errorf("Shutdown: %v, after the handler has ended", err)
		}
	})
}

// A client may repeat a GET of which it has not got one byte, as Go's does on a
// connection that it has used before. That would multiply the load just when
// the server is slow.
func TestARequestThatIsCutIsNotRepeatedByTheClient(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		var begun atomic.Int32
		s.start(&timebox.Box{Limit: later}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/cut" {
				begun.Add(1)
				io.WriteString(w, "half") // too little to leave the buffer
				s.hang()
			}
		})
		s.mustGet("/")
		if resp, text, err := s.get("/cut"); err == nil {
			t.Errorf("the client is content with %d %q", resp.StatusCode, text)
		}
		if n := begun.Load(); n != 1 {
			t.Errorf("handled %d times", n)
		}
	})
}

func TestALateHandlerIsToldSo(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		type result struct {
			call string
			err  error
		}
		results, answered := make(chan result, 20), make(chan struct{})
		s.start(&timebox.Box{Limit: soon}, func(w http.ResponseWriter, r *http.Request) {
			defer close(results)
			<-answered
			w.Header().Set("X-Late", "yes")
			w.WriteHeader(201)
			late := func(call string, err error) { results <- result{call, err} }
			_, err := w.Write([]byte("late"))
			late("Write", err)
			_, err = io.WriteString(w, "late")
			late("WriteString", err)
			if from, ok := w.(io.ReaderFrom); ok {
				_, err = from.ReadFrom(bytes.NewReader([]byte("late")))
				late("ReadFrom", err)
			}
			w.(http.Flusher).Flush()
			rc := http.NewResponseController(w)
			late("Flush", rc.Flush())
			if hijacker, ok := w.(http.Hijacker); ok {
				_, _, err = hijacker.Hijack()
				late("Hijack", err)
			}
			late("SetReadDeadline", rc.SetReadDeadline(time.Now()))
			late("SetWriteDeadline", rc.SetWriteDeadline(time.Now()))
			late("EnableFullDuplex", rc.EnableFullDuplex())
			if pusher, ok := w.(http.Pusher); ok {
				late("Push", pusher.Push("/", nil))
			}
			_, err = r.Body.Read(make([]byte, 1))
			late("Read of the body", err)
		})
		resp, text, err := s.do(s.request("POST", "/", bytes.NewReader(make([]byte, 10))))
		if err != nil || resp.StatusCode != 503 || resp.Header.Get("X-Late") != "" {
			t.Fatalf("%v %q %v", resp, text, err)
		}
		close(answered)
		n := 0
		for r := range results {
			if n++; r.err != http.ErrHandlerTimeout {
				t.Errorf("%s: %v, want %v", r.call, r.err, http.ErrHandlerTimeout)
			}
		}
		if n < 8 {
			t.Errorf("only %d calls", n)
		}
	})
}

func TestTheServerIsTheOneThatClosesAfterTheAnswer(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *server) {
		answered := make(chan struct{})
		s.start(&timebox.Box{Limit: soon}, func(http.ResponseWriter, *http.Request) { <-answered })
		conn := s.dial()
		s.send(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, _, err := readAnswer(conn, "GET")
		if err != nil || resp.StatusCode != 503 {
			t.Fatalf("%v %v", resp, err)
		}
		close(answered)
		if n, err := conn.Read(make([]byte, 1)); err != io.EOF && !errors.Is(err, net.ErrClosed) {
			t.Errorf("%d %v, want the connection's end", n, err)
		}
	})
}
