package timebox_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

type contextKey string

// derived are contexts that a handler may derive from its request's.
var derived = []struct {
	name string
	from func(context.Context) (context.Context, context.CancelFunc)
}{
	{"the request's own", func(ctx context.Context) (context.Context, context.CancelFunc) { return ctx, func() {} }},
	{"WithCancel", context.WithCancel},
	{"a longer WithTimeout", func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, time.Hour)
	}},
	{"WithValue", func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithValue(ctx, contextKey("inner"), 1), func() {}
	}},
	{"WithCancelCause under WithValue", func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancelCause(context.WithValue(ctx, contextKey("inner"), 1))
		return ctx, func() { cancel(nil) }
	}},
}

func TestTheContextEndsAtTheLimitWithACauseThatNamesTheBox(t *testing.T) {
	for _, d := range derived {
		t.Run(d.name, func(t *testing.T) {
			overEachProtocol(t, func(t *testing.T, s *server) {
				ctxs := make(chan context.Context, 1)
				inner := (&timebox.Box{Name: "catalog", Limit: soon, Err: io.ErrNoProgress}).Wrap(http.HandlerFunc(
					func(w http.ResponseWriter, r *http.Request) {
						ctx, cancel := d.from(r.Context())
						defer cancel()
						if at, ok := ctx.Deadline(); !ok || time.Until(at) > soon {
							t.Errorf("the deadline is %v, %v", at, ok)
						}
						if got := ctx.Value(contextKey("outer")); got != "seen" {
							t.Errorf("inside, the outer value is %v", got)
						}
						after := make(chan struct{})
						context.AfterFunc(ctx, func() { close(after) })
						<-ctx.Done()
						receive(t, "the AfterFunc", after)
						ctxs <- ctx
						s.hang()
					}))
				s.start(nil, func(w http.ResponseWriter, r *http.Request) {
					inner.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), contextKey("outer"), "seen")))
				})
				s.mustGet("/repo?secret")
				ctx := receive(t, "the context's end", ctxs)
				if ctx.Err() != context.DeadlineExceeded {
					t.Errorf("Err is %v, want %v", ctx.Err(), context.DeadlineExceeded)
				}
				var cause *timebox.Error
				if !errors.As(context.Cause(ctx), &cause) {
					t.Fatalf("the cause is %#v, want a *timebox.Error", context.Cause(ctx))
				}
				if cause.Name != "catalog" || cause.Limit != soon || cause.Elapsed < soon {
					t.Errorf("the cause is %+v", cause)
				}
				if !errors.Is(cause, timebox.ErrExceeded) || !errors.Is(cause, io.ErrNoProgress) {
					t.Errorf("%v matches not all it should", cause)
				}
			})
		})
	}
}

func TestTheCauseNamesTheRequestIfTheBoxHasNoName(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		causes := make(chan error, 1)
		s.start(&timebox.Box{Limit: soon}, func(w http.ResponseWriter, r *http.Request) {
			r.URL.Path, r.Method = "/changed", "CHANGED" // as StripPrefix and others do
			<-r.Context().Done()
			causes <- context.Cause(r.Context())
		})
		s.mustGet("/repo?secret=1")
		if got, want := receive(t, "the cause", causes).Error(), "timebox: over the limit of 50ms (GET /repo)"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

func TestAContextDerivedAfterTheLimitHasItsCauseToo(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		causes := make(chan error, 3)
		s.start(&timebox.Box{Limit: soon, Grace: patience}, func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil { // never asks for Done
				time.Sleep(time.Millisecond)
			}
			ctx, cancel := context.WithCancel(r.Context())
			defer cancel()
			causes <- context.Cause(ctx)
			after := make(chan struct{})
			if !context.AfterFunc(r.Context(), func() { close(after) })() {
				<-after
			}
			select {
			case <-r.Context().Done():
				causes <- context.Cause(r.Context())
			default:
				causes <- errors.New("Done is open")
			}
		})
		s.mustGet("/")
		for range 2 {
			if err := receive(t, "a cause", causes); !errors.Is(err, timebox.ErrExceeded) {
				t.Errorf("%v, want %v", err, timebox.ErrExceeded)
			}
		}
	})
}

func TestAnEarlierDeadlineOutsideTheBoxIsKept(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: patience}
		inner := box.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if at, ok := r.Context().Deadline(); !ok || time.Until(at) > soon {
				t.Errorf("the deadline is %v, %v", at, ok)
			}
			<-r.Context().Done()
			io.WriteString(w, context.Cause(r.Context()).Error())
		}))
		s.start(nil, func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeoutCause(r.Context(), soon, errors.New("the middleware's"))
			defer cancel()
			inner.ServeHTTP(w, r.WithContext(ctx))
		})
		if resp, text := s.mustGet("/"); resp.StatusCode != 200 || text != "the middleware's" {
			t.Errorf("%d %q", resp.StatusCode, text)
		}
	})
}

func TestADeadlineOutsideTheBoxIsNoClientThatLeft(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		box := &timebox.Box{Limit: 2 * soon}
		inner := box.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { s.hang() }))
		s.start(nil, func(w http.ResponseWriter, r *http.Request) {
			ctx, cancel := context.WithTimeout(r.Context(), soon)
			defer cancel()
			inner.ServeHTTP(w, r.WithContext(ctx))
		})
		if resp, _ := s.mustGet("/"); resp.StatusCode != 503 || box.Stats().Answered != 1 {
			t.Errorf("%d %+v", resp.StatusCode, box.Stats())
		}
	})
}

func TestTheResponseControllerWorksInTheBox(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(new(timebox.Box), func(w http.ResponseWriter, r *http.Request) {
			rc := http.NewResponseController(w)
			if s.major == 1 { // HTTP/2 is full duplex as it is
				if err := rc.EnableFullDuplex(); err != nil {
					t.Errorf("EnableFullDuplex: %v", err)
				}
			}
			in := bufio.NewReader(r.Body)
			for range 3 {
				line, err := in.ReadString('\n')
				if err != nil {
					t.Errorf("read: %v", err)
				}
				io.WriteString(w, strings.ToUpper(line))
				rc.Flush()
			}
			if err := rc.SetReadDeadline(time.Now().Add(soon)); err != nil {
				t.Errorf("SetReadDeadline: %v", err)
			}
			_, err := in.ReadString('\n')
			var timeout interface{ Timeout() bool }
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				t.Errorf("the read ends with %v, want a timeout", err)
			}
			if err := rc.SetWriteDeadline(time.Now().Add(-time.Second)); err != nil {
				t.Errorf("SetWriteDeadline: %v", err)
			}
			io.WriteString(w, "too late")
			if err := rc.Flush(); err == nil {
				t.Error("the write deadline does nothing")
			}
			panic(http.ErrAbortHandler)
		})
		body, feed := io.Pipe()
		defer feed.Close()
		go io.WriteString(feed, "one\n")
		resp, err := s.Client().Do(s.request("POST", "/", body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		out := bufio.NewReader(resp.Body)
		for _, c := range []struct{ want, next string }{{"ONE\n", "two\n"}, {"TWO\n", "three\n"}, {"THREE\n", ""}} {
			if got, err := out.ReadString('\n'); got != c.want {
				t.Fatalf("%q %v, want %q", got, err, c.want)
			}
			if c.next != "" {
				io.WriteString(feed, c.next)
			}
		}
		if rest, err := io.ReadAll(out); err == nil || len(rest) > 0 {
			t.Errorf("%q %v, want an error", rest, err)
		}
	})
}
