package timebox_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

// readAll reads a body to its end and tells why it ended.
func readAll(ended chan<- error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		ended <- err
	}
}

func TestASlowUploadIsAnsweredAtTheLimitAndItsReaderFreed(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		ended := make(chan error, 1)
		box := &timebox.Box{Limit: soon}
		s.start(box, readAll(ended))
		body, feed := io.Pipe()
		defer feed.Close()
		go io.WriteString(feed, "a first part, and then nothing")
		resp, _, err := s.do(s.request("POST", "/", body))
		if err != nil || resp.StatusCode != 503 {
			t.Errorf("%v %v, want 503", resp, err)
		}
		if err := receive(t, "the end of the read", ended); err != http.ErrHandlerTimeout {
			t.Errorf("the read ends with %v, want %v", err, http.ErrHandlerTimeout)
		}
		want := timebox.Stats{Started: 1, Exceeded: 1, Answered: 1}
		eventually(t, "the end of the handler", func() bool { return box.Stats() == want })
	})
}

// net/http would wait for 256 KiB of the body before it sends the answer.
func TestAnUploadThatASpentQuotaRefusesIsAnsweredBeforeItHasArrived(t *testing.T) {
	s := newServer(t, protocols[0])
	quota := timebox.NewQuota(time.Nanosecond)
	box := &timebox.Box{Quota: quota}
	box.Run(t.Context(), func(ctx context.Context) error { <-ctx.Done(); return nil })
	s.start(box, func(http.ResponseWriter, *http.Request) {})
	body, feed := io.Pipe()
	defer feed.Close()
	go io.WriteString(feed, "a first part, and then nothing")
	r := s.request("POST", "/", body)
	r.ContentLength = 100_000
	resp, _, err := s.do(r)
	if err != nil || resp.StatusCode != 503 || !resp.Close {
		t.Errorf("%v %v, want 503 and the connection closed", resp, err)
	}
}

func TestAClientThatKeepsSendingReadsTheAnswer(t *testing.T) {
	for _, handler := range []string{"reads", "hangs", "is freed and stays"} {
		t.Run("while the handler "+handler, func(t *testing.T) {
			overEachProtocol(t, func(t *testing.T, s *server) {
				s.start(&timebox.Box{Limit: soon}, func(w http.ResponseWriter, r *http.Request) {
					if handler != "hangs" {
						io.Copy(io.Discard, slowReader{r.Body})
					}
					if handler != "reads" {
						s.hang()
					}
				})
				// net/http closes half a second after its last byte. On a busy
				// machine the client may not have looked by then.
				var resp *http.Response
				err := errors.New("not tried")
				for try := 0; err != nil && try < 3; try++ {
					resp, _, err = s.do(s.request("POST", "/", endless{}))
				}
				if err != nil || resp.StatusCode != 503 {
					t.Errorf("%v %v, want 503", resp, err)
				}
			})
		})
	}
}

func TestARawClientThatKeepsSendingReadsTheAnswer(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *server) {
		s.start(&timebox.Box{Limit: later}, func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, slowReader{r.Body})
		})
		conn := s.dial()
		s.send(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n")
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() { // a steady trickle, as of a phone in a train
			defer close(stopped)
			for {
				if _, err := conn.Write(make([]byte, 4<<10)); err != nil {
					return
				}
				select {
				case <-stop:
					return
				case <-time.After(2 * time.Millisecond):
				}
			}
		}()
		resp, text, err := readAnswer(conn, "POST")
		if err != nil || resp.StatusCode != 503 || !strings.Contains(text, "took too long") {
			t.Errorf("%v %q %v, want the whole 503", resp, text, err)
		}
		close(stop)
		conn.Close()
		<-stopped
	})
}

func TestARawClientThatReadsLateReadsTheAnswer(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *server) {
		ended := make(chan error, 1)
		s.start(&timebox.Box{Limit: later}, readAll(ended))
		conn := s.dial()
		s.send(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n0123456789")
		receive(t, "the end of the read", ended)
		s.send(conn, "%s", strings.Repeat("x", 10_000)) // it has not looked yet
		time.Sleep(soon)
		resp, text, err := readAnswer(conn, "POST")
		if err != nil || resp.StatusCode != 503 || !strings.Contains(text, "took too long") {
			t.Errorf("%v %q %v, want the whole 503", resp, text, err)
		}
	})
}

func TestAChunkedUploadIsAnsweredInTheMiddleOfAChunk(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *server) {
		ended := make(chan error, 1)
		s.start(&timebox.Box{Limit: later}, readAll(ended))
		conn := s.dial()
		s.send(conn, "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nnot two hundred and fifty-five")
		resp, _, err := readAnswer(conn, "POST")
		if err != nil || resp.StatusCode != 503 {
			t.Errorf("%v %v, want 503", resp, err)
		}
		if err := receive(t, "the end of the read", ended); err != http.ErrHandlerTimeout {
			t.Errorf("the read ends with %v, want %v", err, http.ErrHandlerTimeout)
		}
	})
}

func TestExpectContinueWorksInTheBox(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *server) {
		s.start(&timebox.Box{Limit: later}, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/hang" {
				s.hang()
			}
			io.Copy(w, r.Body)
		})
		conn := s.dial()
		s.send(conn, "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
		in := bufio.NewReader(conn)
		if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != 100 {
			t.Fatalf("%v %v, want 100", resp, err)
		}
		s.send(conn, "hello")
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(resp.Body); resp.StatusCode != 200 || string(text) != "hello" || err != nil {
			t.Errorf("%d %q %v", resp.StatusCode, text, err)
		}
		s.send(conn, "POST /hang HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
		if resp, err := http.ReadResponse(in, nil); err != nil || resp.StatusCode != 503 {
			t.Errorf("%v %v, want 503 and no 100 before", resp, err)
		}
	})
}

func TestMaxBytesReaderWorksInTheBox(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(new(timebox.Box), func(w http.ResponseWriter, r *http.Request) {
			_, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1000))
			var over *http.MaxBytesError
			if errors.As(err, &over) {
				http.Error(w, "too big", http.StatusRequestEntityTooLarge)
			}
		})
		for size, want := range map[int]int{1000: 200, 1001: 413, 1 << 20: 413} {
			resp, _, err := s.do(s.request("POST", "/", bytes.NewReader(make([]byte, size))))
			if err != nil || resp.StatusCode != want {
				t.Errorf("%d bytes: %v %v, want %d", size, resp, err, want)
			}
		}
	})
}

// slowReader takes its time, so that whoever sends is always ahead.
type slowReader struct{ from io.Reader }

func (r slowReader) Read(p []byte) (int, error) {
	time.Sleep(time.Millisecond)
	return r.from.Read(p[:min(len(p), 1<<10)])
}

// endless is a body without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
