package timebox_test

import (
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/timebox"
)

// fallOver is to be found in logs.
func fallOver(value any) { panic(value) }

func TestAPanicKeepsItsStackInTheServersLog(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(new(timebox.Box), func(http.ResponseWriter, *http.Request) { fallOver("on a bad day") })
		if resp, _, err := s.get("/"); err == nil {
			t.Errorf("the client got %d", resp.StatusCode)
		}
		eventually(t, "the panic in the log", func() bool {
			log := s.log.String()
			return strings.Contains(log, "on a bad day") && strings.Contains(log, "timebox_test.fallOver")
		})
	})
}

func TestErrAbortHandlerStaysSilent(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(new(timebox.Box), func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/abort" {
				panic(http.ErrAbortHandler)
			}
		})
		if resp, _, err := s.get("/abort"); err == nil {
			t.Errorf("the client got %d", resp.StatusCode)
		}
		s.mustGet("/") // the server goes on
		s.Close()
		if log := s.log.String(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestAPanicAfterTheLimitIsReported(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: soon}
		answered := make(chan struct{})
		s.start(box, func(http.ResponseWriter, *http.Request) {
			<-answered
			fallOver("too late")
		})
		if resp, _ := s.mustGet("/late"); resp.StatusCode != 503 {
			t.Errorf("%d, want 503", resp.StatusCode)
		}
		close(answered)
		eventually(t, "the panic in the log", func() bool {
			log := s.log.String()
			return strings.Contains(log, "too late") && strings.Contains(log, "timebox_test.fallOver")
		})
		want := timebox.Stats{Started: 1, Exceeded: 1, Answered: 1, Panicked: 1}
		eventually(t, "its count", func() bool { return box.Stats() == want })
	})
}

func TestErrAbortHandlerAfterTheLimitStaysSilent(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: soon}
		answered := make(chan struct{})
		s.start(box, func(http.ResponseWriter, *http.Request) {
			<-answered
			panic(http.ErrAbortHandler)
		})
		s.mustGet("/")
		close(answered)
		want := timebox.Stats{Started: 1, Exceeded: 1, Answered: 1}
		eventually(t, "the end of the handler", func() bool { return box.Stats() == want })
		s.Close()
		if log := s.log.String(); log != "" {
			t.Errorf("logged: %s", log)
		}
	})
}

func TestAPanicInTheMiddleOfAResponseIsAnErrorForTheClient(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(new(timebox.Box), func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "half")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		})
		if _, text, err := s.get("/"); err == nil {
			t.Errorf("the client is content with %q", text)
		}
	})
}

func TestGoexitEndsTheRequest(t *testing.T) {
	for _, when := range []string{"at once", "in the middle of the response", "after the limit"} {
		t.Run(when, func(t *testing.T) {
			overEachProtocol(t, func(t *testing.T, s *server) {
				limit := patience
				if when == "after the limit" {
					limit = soon
				}
				answered := make(chan struct{})
				box := &timebox.Box{Limit: limit}
				s.start(box, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path == "/" {
						return
					}
					switch when {
					case "in the middle of the response":
						io.WriteString(w, "half")
						w.(http.Flusher).Flush()
					case "after the limit":
						<-answered
					}
					runtime.Goexit()
				})
				resp, text, err := s.get("/goexit")
				close(answered)
				if when == "after the limit" {
					if err != nil || resp.StatusCode != 503 {
						t.Errorf("%v %v, want 503", resp, err)
					}
				} else if err == nil {
					t.Errorf("the client is content with %d %q", resp.StatusCode, text)
				}
				if resp, _ := s.mustGet("/"); resp.StatusCode != 200 {
					t.Errorf("the server goes on with %d", resp.StatusCode)
				}
				eventually(t, "the end of both", func() bool { return box.Stats().Running == 0 && box.Stats().Overrunning == 0 })
				if got := box.Stats().Panicked; got != 0 {
					t.Errorf("%d panics counted", got)
				}
			})
		})
	}
}

func TestARecovererInsideTheBoxAnswersAsWithoutIt(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(new(timebox.Box), func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				recover()
				w.Header().Set("X-Sorry", "yes")
				http.Error(w, "sorry", 500)
			}()
			w.WriteHeader(1000) // which net/http answers with a panic
		})
		resp, text := s.mustGet("/")
		if resp.StatusCode != 500 || resp.Header.Get("X-Sorry") != "yes" || text != "sorry\n" {
			t.Errorf("%d %v %q", resp.StatusCode, resp.Header, text)
		}
	})
}
