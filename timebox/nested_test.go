package timebox_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

func TestOfTwoBoxesTheShorterRules(t *testing.T) {
	for _, c := range []struct {
		name         string
		outer, inner time.Duration
		ruling       string
	}{
		{"the inner is shorter", patience, soon, "inner"},
		{"the inner is longer", soon, patience, "outer"},
		{"they are alike", soon, soon, "outer"},
	} {
		t.Run(c.name, func(t *testing.T) {
			overEachProtocol(t, func(t *testing.T, s *server) {
				outer := &timebox.Box{Name: "outer", Limit: c.outer, RetryAfter: 100 * time.Second}
				inner := &timebox.Box{Name: "inner", Limit: c.inner, RetryAfter: 200 * time.Second}
				causes := make(chan error, 1)
				s.start(outer, inner.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					<-r.Context().Done()
					causes <- context.Cause(r.Context())
					s.hang()
				})).ServeHTTP)
				resp, _ := s.mustGet("/")
				comeBack(t, resp.Header, map[string]int64{"outer": 100, "inner": 200}[c.ruling])
				if resp.StatusCode != 503 {
					t.Errorf("%d, want 503", resp.StatusCode)
				}
				var cause *timebox.Error
				if err := receive(t, "the cause", causes); !errors.As(err, &cause) || cause.Name != c.ruling {
					t.Errorf("the cause is %v, want the %s one", err, c.ruling)
				}
			})
		})
	}
}

// The outer one must neither count nor cut what the inner one has answered.
func TestAnAnswerOfTheInnerBoxSettlesItForTheOuter(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		outer, inner := &timebox.Box{Limit: later}, &timebox.Box{Limit: soon}
		over := make(chan struct{})
		s.start(outer, inner.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-over
		})).ServeHTTP)
		resp, _ := s.mustGet("/")
		if resp.StatusCode != 503 {
			t.Errorf("%d, want 503", resp.StatusCode)
		}
		time.Sleep(later)
		close(over)
		eventually(t, "the end of both", func() bool { return outer.Stats().Running == 0 && inner.Stats().Running == 0 })
		if got, want := outer.Stats(), (timebox.Stats{Started: 1}); got != want {
			t.Errorf("outer: %+v, want %+v", got, want)
		}
		if got, want := inner.Stats(), (timebox.Stats{Started: 1, Exceeded: 1, Answered: 1}); got != want {
			t.Errorf("inner: %+v, want %+v", got, want)
		}
	})
}

func TestTheOuterBoxGoesOnAfterTheInnerHasEnded(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		inner := (&timebox.Box{Limit: soon, Grace: patience}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done() // and return, within the grace
		}))
		s.start(&timebox.Box{Limit: later}, func(w http.ResponseWriter, r *http.Request) {
			inner.ServeHTTP(unwrapper{nowhere{}}, r)
			if r.Context().Err() != nil {
				t.Error("the outer context has ended with the inner")
			}
			s.hang()
		})
		if resp, _ := s.mustGet("/"); resp.StatusCode != 503 {
			t.Errorf("%d, want 503", resp.StatusCode)
		}
	})
}

// nowhere is a writer that keeps nothing.
type nowhere struct{}

func (nowhere) Header() http.Header         { return http.Header{} }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}
func (nowhere) Flush()                      {}

func TestAStreamLeavesAllItsBoxes(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		outer, inner := &timebox.Box{Limit: later}, &timebox.Box{Limit: later / 2}
		s.start(outer, inner.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.(http.Flusher).Flush()
			time.Sleep(later + soon)
			if _, ok := r.Context().Deadline(); ok || r.Context().Err() != nil {
				t.Errorf("the stream's context: deadline %v, %v", ok, r.Context().Err())
			}
			io.WriteString(w, "data: whole\n\n")
		})).ServeHTTP)
		if _, text := s.mustGet("/"); text != "data: whole\n\n" {
			t.Errorf("%q", text)
		}
		for _, box := range []*timebox.Box{outer, inner} {
			if got, want := box.Stats(), (timebox.Stats{Started: 1}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		}
	})
}

func TestABlockInABoxedRequestEndsWithIt(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		ended := make(chan error, 1)
		s.start(&timebox.Box{Name: "request", Limit: soon}, func(w http.ResponseWriter, r *http.Request) {
			ended <- timebox.Run(r.Context(), patience, func(context.Context) error {
				s.hang()
				return nil
			})
		})
		s.mustGet("/")
		var over *timebox.Error
		if err := receive(t, "the block's end", ended); !errors.As(err, &over) || over.Name != "request" {
			t.Errorf("%v, want the request's box", err)
		}
	})
}

func TestABlockInABoxedRequestMayBeShorter(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(new(timebox.Box), func(w http.ResponseWriter, r *http.Request) {
			err := (&timebox.Box{Name: "block", Limit: soon}).Run(r.Context(), func(context.Context) error {
				s.hang()
				return nil
			})
			http.Error(w, err.Error(), http.StatusBadGateway)
		})
		if resp, text := s.mustGet("/"); resp.StatusCode != 502 || text != "timebox: over the limit of 50ms (block)\n" {
			t.Errorf("%d %q", resp.StatusCode, text)
		}
	})
}
