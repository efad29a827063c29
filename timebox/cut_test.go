package timebox_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/timebox"
)

func TestALimitInTheMiddleOfAResponseIsAnErrorForTheClient(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: later}
		s.start(box, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			s.hang()
		})
		resp, text, err := s.get("/")
		if resp == nil || resp.StatusCode != 200 || text != "half" {
			t.Fatalf("%v %q %v, want a 200 that breaks off", resp, text, err)
		}
		if err == nil {
			t.Error("the client takes half the answer for the whole")
		}
		want := timebox.Stats{Started: 1, Running: 1, Exceeded: 1, Cut: 1, Overrunning: 1}
		if got := box.Stats(); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

// beginnings are what a handler may have done when the limit comes. None of
// them is a whole answer.
var beginnings = []struct {
	name, request string
	begin         func(http.ResponseWriter)
}{
	{"chunked", "GET / HTTP/1.1", func(w http.ResponseWriter) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
	}},
	{"ended by the connection's end", "GET / HTTP/1.0", func(w http.ResponseWriter) {
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
	}},
	{"of a known length", "GET / HTTP/1.1", func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "8")
		io.WriteString(w, "half")
		w.(http.Flusher).Flush()
	}},
	{"written whole but not flushed", "GET / HTTP/1.1", func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "4")
		io.WriteString(w, "half")
	}},
	{"buffered", "GET / HTTP/1.1", func(w http.ResponseWriter) { io.WriteString(w, "half") }},
	{"buffered, to be ended by the connection's end", "GET / HTTP/1.0", func(w http.ResponseWriter) { io.WriteString(w, "half") }},
	{"big", "GET / HTTP/1.1", func(w http.ResponseWriter) { io.WriteString(w, strings.Repeat("half", 1<<14)) }},
	{"big, ended by the connection's end", "GET / HTTP/1.0", func(w http.ResponseWriter) { io.WriteString(w, strings.Repeat("half", 1<<14)) }},
	{"only a status", "GET / HTTP/1.1", func(w http.ResponseWriter) { w.WriteHeader(201) }},
	{"only a status, HTTP/1.0", "GET / HTTP/1.0", func(w http.ResponseWriter) { w.WriteHeader(201) }},
	{"without content", "GET / HTTP/1.1", func(w http.ResponseWriter) { w.WriteHeader(204) }},
	{"not modified", "GET / HTTP/1.1", func(w http.ResponseWriter) { w.WriteHeader(304) }},
	{"declared as empty", "GET / HTTP/1.1", func(w http.ResponseWriter) {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(200)
	}},
	{"to HEAD", "HEAD / HTTP/1.1", func(w http.ResponseWriter) { io.WriteString(w, "half") }},
	{"to HEAD, only a status", "HEAD / HTTP/1.1", func(w http.ResponseWriter) { w.WriteHeader(200) }},
	{"to HEAD, HTTP/1.0", "HEAD / HTTP/1.0", func(w http.ResponseWriter) { w.WriteHeader(200) }},
}

func TestNoClientTakesHalfAnAnswerForTheWhole(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *server) {
		begin := make(map[string]func(http.ResponseWriter))
		for _, b := range beginnings {
			begin[b.name] = b.begin
		}
		s.start(&timebox.Box{Limit: later}, func(w http.ResponseWriter, r *http.Request) {
			begin[r.Header.Get("Begin")](w)
			s.hang()
		})
		for _, b := range beginnings {
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				conn := s.dial()
				s.send(conn, "%s\r\nHost: x\r\nBegin: %s\r\n\r\n", b.request, b.name)
				method, _, _ := strings.Cut(b.request, " ")
				resp, text, err := readAnswer(conn, method)
				if err == nil {
					t.Errorf("the client is content with %v and %q", resp, text)
				}
			})
		}
	})
}

func TestNoHTTP2ClientTakesHalfAnAnswerForTheWhole(t *testing.T) {
	overHTTP2(t, func(t *testing.T, s *server) {
		s.start(&timebox.Box{Limit: later}, func(w http.ResponseWriter, r *http.Request) {
			for _, b := range beginnings {
				if b.name == r.Header.Get("Begin") {
					b.begin(w)
				}
			}
			s.hang()
		})
		for _, b := range beginnings {
			method, version, _ := strings.Cut(b.request, " / ")
			if version == "HTTP/1.0" {
				continue
			}
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				r := s.request(method, "/", nil)
				r.Header.Set("Begin", b.name)
				if resp, text, err := s.do(r); err == nil {
					t.Errorf("the client is content with %v and %q", resp, text)
				}
			})
		}
	})
}

// readAnswer reads as the strictest and as the most lenient of clients do. An
// orderly end of the connection is no error where HTTP/1.0 allows it.
func readAnswer(conn net.Conn, method string) (*http.Response, string, error) {
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return nil, "", err
	}
	text, err := io.ReadAll(resp.Body)
	return resp, string(text), err
}

func TestReadAnswerTellsAWholeAnswerFromAHalf(t *testing.T) {
	for _, c := range []struct {
		wire  string
		whole bool
	}{
		{"HTTP/1.0 200 OK\r\n\r\nwhole", true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole", true},
		{"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nwhole", false},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n0\r\n\r\n", true},
		{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwhole\r\n", false},
	} {
		client, server := net.Pipe()
		go func() {
			io.WriteString(server, c.wire)
			server.Close()
		}()
		if _, text, err := readAnswer(client, "GET"); (err == nil) != c.whole {
			t.Errorf("%q: %q %v", c.wire, text, err)
		}
	}
}

func TestACutConnectionSaysNoGoodbye(t *testing.T) {
	overHTTP1(t, func(t *testing.T, s *server) {
		s.start(&timebox.Box{Limit: later}, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			s.hang()
		})
		conn := s.dial()
		s.send(conn, "GET / HTTP/1.0\r\n\r\n")
		_, err := io.ReadAll(conn)
		if _, secured := conn.(*tls.Conn); secured && !errors.Is(err, io.ErrUnexpectedEOF) && !isReset(err) {
			t.Errorf("TLS ends with %v, want no close_notify", err)
		} else if !secured && !isReset(err) {
			t.Errorf("TCP ends with %v, want a reset", err)
		}
	})
}

func isReset(err error) bool {
	return err != nil && strings.Contains(err.Error(), "reset by peer")
}

func TestAHandlerMayFinishItsAnswerWithinTheGrace(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: later, Grace: patience}
		s.start(box, func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "one half ")
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			io.WriteString(w, "and the other")
		})
		if _, text := s.mustGet("/"); text != "one half and the other" {
			t.Errorf("%q", text)
		}
		eventually(t, "the end of the handler", func() bool { return box.Stats() == timebox.Stats{Started: 1, Exceeded: 1} })
	})
}
