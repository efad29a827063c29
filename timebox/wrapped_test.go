package timebox_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

// hidings are writers that middlewares of all ages put around the server's.
var hidings = map[string]func(http.ResponseWriter) http.ResponseWriter{
	"nothing":           func(w http.ResponseWriter) http.ResponseWriter { return w },
	"all but Unwrap":    func(w http.ResponseWriter) http.ResponseWriter { return unwrapper{w} },
	"Hijacker, Unwraps": func(w http.ResponseWriter) http.ResponseWriter { return flusher{unwrapper{w}} },
	"all":               func(w http.ResponseWriter) http.ResponseWriter { return hider{w} },
}

type (
	hider     struct{ w http.ResponseWriter }
	unwrapper struct{ http.ResponseWriter }
	flusher   struct{ unwrapper }
)

func (h hider) Header() http.Header         { return h.w.Header() }
func (h hider) Write(p []byte) (int, error) { return h.w.Write(p) }
func (h hider) WriteHeader(code int)        { h.w.WriteHeader(code) }

func (u unwrapper) Unwrap() http.ResponseWriter { return u.ResponseWriter }
func (f flusher) Flush()                        { f.ResponseWriter.(http.Flusher).Flush() }

func TestBehindAWriterThatHidesMuchNobodyTakesHalfAnAnswerForTheWhole(t *testing.T) {
	for name, hide := range hidings {
		t.Run("hides "+name, func(t *testing.T) {
			overEachProtocol(t, func(t *testing.T, s *server) {
				goOn := make(chan struct{})
				inner := (&timebox.Box{Limit: later}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					io.WriteString(w, "half")
					http.NewResponseController(w).Flush()
					<-r.Context().Done()
					<-goOn
				}))
				s.start(nil, func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(hide(w), r) })
				time.AfterFunc(later+soon, func() { close(goOn) })
				if resp, text, err := s.get("/"); err == nil {
					t.Errorf("the client is content with %d %q", resp.StatusCode, text)
				}
			})
		})
	}
}

func TestBehindAWriterThatHidesMuchTheAnswerComesInTheEnd(t *testing.T) {
	for name, hide := range hidings {
		t.Run("hides "+name, func(t *testing.T) {
			overEachProtocol(t, func(t *testing.T, s *server) {
				ended := make(chan struct{})
				inner := (&timebox.Box{Limit: soon}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					<-r.Context().Done()
					time.Sleep(soon)
					close(ended)
				}))
				s.start(nil, func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(hide(w), r) })
				if resp, _ := s.mustGet("/"); resp.StatusCode != 503 {
					t.Errorf("%d, want 503", resp.StatusCode)
				}
				receive(t, "the end of the handler", ended)
			})
		})
	}
}

func TestAFlushThatNobodySupportsSendsNothing(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		inner := new(timebox.Box).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if _, ok := w.(http.Flusher); ok {
				t.Error("there is a Flusher where there was none")
			}
			if err := http.NewResponseController(w).Flush(); err == nil {
				t.Error("Flush succeeds where it cannot")
			}
			w.Header().Set("X-After", "yes")
			w.WriteHeader(404)
		}))
		s.start(nil, func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(hider{w}, r) })
		if resp, _ := s.mustGet("/"); resp.StatusCode != 404 || resp.Header.Get("X-After") != "yes" {
			t.Errorf("%d %v, want the 404 and its header", resp.StatusCode, resp.Header)
		}
	})
}

func TestAMiddlewareOutsideSeesTheAnswerAndThePattern(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /repo/{name}", func(w http.ResponseWriter, r *http.Request) {
			if r.PathValue("name") == "slow" {
				<-r.Context().Done()
			}
			io.WriteString(w, r.PathValue("name"))
		})
		inner := (&timebox.Box{Limit: later}).Wrap(mux)
		type seen struct {
			status  int
			pattern string
		}
		all := make(chan seen, 1)
		s.start(nil, func(w http.ResponseWriter, r *http.Request) {
			noted := &noting{unwrapper: unwrapper{w}}
			inner.ServeHTTP(noted, r)
			all <- seen{int(noted.status.Load()), r.Pattern}
		})
		s.mustGet("/repo/quick")
		if got, want := <-all, (seen{200, "GET /repo/{name}"}); got != want {
			t.Errorf("outside: %+v, want %+v", got, want)
		}
		s.mustGet("/repo/slow")
		want := seen{503, "GET /repo/{name}"}
		if s.major == 2 {
			want.pattern = "" // the handler, whose request it is, may still be running
		}
		if got := <-all; got != want {
			t.Errorf("outside: %+v, want %+v", got, want)
		}
	})
}

// noting remembers the status, as loggers do.
type noting struct {
	unwrapper
	status atomic.Int32
}

func (n *noting) WriteHeader(code int) {
	n.status.CompareAndSwap(0, int32(code))
	n.ResponseWriter.WriteHeader(code)
}

func (n *noting) Write(p []byte) (int, error) {
	n.status.CompareAndSwap(0, 200)
	return n.ResponseWriter.Write(p)
}

// faulty is a middleware's writer with a bug.
type faulty struct {
	unwrapper
	in string
}

func (f faulty) WriteHeader(code int) {
	if f.in == "WriteHeader" {
		panic("a middleware's bug")
	}
	f.ResponseWriter.WriteHeader(code)
}

func (f faulty) Write([]byte) (int, error) { panic("a middleware's bug") }

func TestAWriterThatPanicsUnderTheAnswerEndsNoMoreThanItsRequest(t *testing.T) {
	for _, in := range []string{"WriteHeader", "Write"} {
		t.Run(in, func(t *testing.T) {
			overEachProtocol(t, func(t *testing.T, s *server) {
				box := &timebox.Box{Limit: soon}
				inner := box.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/hang" {
						<-r.Context().Done()
					}
				}))
				s.start(nil, func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(faulty{unwrapper{w}, in}, r) })
				if resp, text, err := s.get("/hang"); err == nil {
					t.Errorf("the client is content with %d %q", resp.StatusCode, text)
				}
				if resp, _ := s.mustGet("/"); resp.StatusCode != 200 {
					t.Errorf("the server goes on with %d", resp.StatusCode)
				}
				want := timebox.Stats{Started: 2, Exceeded: 1, Answered: 1, Panicked: 1}
				eventually(t, "the end of the handlers", func() bool { return box.Stats() == want })
				if log := s.log.String(); !strings.Contains(log, "a middleware's bug") || !strings.Contains(log, "timebox_test.faulty."+in) {
					t.Errorf("logged: %s", log)
				}
			})
		})
	}
}

// spy is a server's writer that notes what it is asked to read from.
type spy struct {
	http.ResponseWriter
	from atomic.Value
}

func (s *spy) ReadFrom(src io.Reader) (int64, error) {
	s.from.Store(src)
	return s.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

func (s *spy) Flush() { s.ResponseWriter.(http.Flusher).Flush() }

func (s *spy) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return s.ResponseWriter.(http.Hijacker).Hijack()
}

func TestAFileReachesTheServersWriterWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big")
	if err := os.WriteFile(path, make([]byte, 1<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	overHTTP1(t, func(t *testing.T, s *server) {
		inner := new(timebox.Box).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			file, err := os.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer file.Close()
			if r.URL.Path == "/copy" {
				if n, err := io.Copy(w, file); n != 1<<20 || err != nil {
					t.Errorf("copied %d, %v", n, err)
				}
			} else {
				http.ServeContent(w, r, "big", time.Time{}, file)
			}
		}))
		var last *spy
		s.start(nil, func(w http.ResponseWriter, r *http.Request) {
			last = &spy{ResponseWriter: w}
			inner.ServeHTTP(last, r)
		})
		for _, path := range []string{"/copy", "/serve"} {
			if resp, text := s.mustGet(path); resp.StatusCode != 200 || len(text) != 1<<20 {
				t.Errorf("%s: %d, %d bytes", path, resp.StatusCode, len(text))
			}
			src := last.from.Load()
			if limited, ok := src.(*io.LimitedReader); ok {
				src = limited.R
			}
			if _, ok := src.(syscall.Conn); !ok { // which is what package net asks for
				t.Errorf("%s: the server reads from %T, want a file, for sendfile", path, src)
			}
		}
	})
}

func TestACopyFromAnEmptyFileBeginsNoResponse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(new(timebox.Box), func(w http.ResponseWriter, r *http.Request) {
			file, err := os.Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			defer file.Close()
			if n, _ := io.Copy(w, file); n == 0 {
				w.Header().Set("X-Empty", "yes")
				w.WriteHeader(http.StatusNotFound)
			}
		})
		if resp, _ := s.mustGet("/"); resp.StatusCode != 404 || resp.Header.Get("X-Empty") != "yes" {
			t.Errorf("%d %v, want the 404 and its header", resp.StatusCode, resp.Header)
		}
	})
}

func TestACopyFromABlockedSourceDoesNotHoldUpTheAnswer(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		r, w, err := os.Pipe() // an *os.File, but not a regular one
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		copied := make(chan error, 1)
		s.start(&timebox.Box{Limit: soon}, func(resp http.ResponseWriter, _ *http.Request) {
			_, err := io.Copy(resp, r)
			copied <- err
		})
		if resp, _ := s.mustGet("/"); resp.StatusCode != 503 {
			t.Errorf("%d, want 503", resp.StatusCode)
		}
		w.Write([]byte("too late"))
		w.Close()
		if err := receive(t, "the end of the copy", copied); err != http.ErrHandlerTimeout {
			t.Errorf("the copy ends with %v, want %v", err, http.ErrHandlerTimeout)
		}
	})
}
