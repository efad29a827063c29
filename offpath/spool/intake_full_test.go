package spool_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/offpath/spool"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// guards are what may be around an Intake.
func guards() map[string]func(http.Handler) http.Handler {
	return map[string]func(http.Handler) http.Handler{
		"alone":      func(h http.Handler) http.Handler { return h },
		"in a chain": func(h http.Handler) http.Handler { return slowlog.Wrap(backoff.Wrap(timebox.Wrap(h))) },
	}
}

var errFull = fmt.Errorf("%w: %w", spool.ErrFull, errOff)

func TestAFullStoreRefusesAndSaysWhenToComeBack(t *testing.T) {
	overBoth(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		for name, wrap := range guards() {
			in := &spool.Intake{To: saying(errFull), RetryAfter: 100 * time.Second}
			log := logged(t)
			s := serve(wrap(in.Wrap(nil)))
			r, _ := http.NewRequest("POST", s.URL+"/?token=s3cret", strings.NewReader("bark"))
			r.Header.Set("Accept", "application/json")
			resp, err := s.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			equal(t, name+": status", resp.StatusCode, 503)
			after, err := strconv.Atoi(resp.Header.Get("Retry-After"))
			if err != nil || after < 100 || after > 105 {
				t.Errorf("%s: Retry-After %q, want from 100 to 105", name, resp.Header.Get("Retry-After"))
			}
			equal(t, "Content-Type", resp.Header.Get("Content-Type"), "application/problem+json")
			equal(t, "stats", in.Stats(), spool.IntakeStats{Refused: 1})
			if said := text(t, resp.Body); strings.Contains(said, "disk") {
				t.Errorf("the client is told %q", said)
			}
			if said := log.String(); !strings.Contains(said, "the disk is off") || strings.Contains(said, "s3cret") {
				t.Errorf("logged: %q; want the reason, and nothing of the request", said)
			}
		}
	})
}

// Whoever waits for the 100 KB before it looks for an answer is not kept waiting.
func TestARefusedUploadIsAnsweredBeforeItHasCome(t *testing.T) {
	logged(t)
	resp := exchange(t, (&spool.Intake{To: saying(errFull)}).Wrap(nil), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nbark")
	if resp.StatusCode != 503 || !resp.Close {
		t.Errorf("%d, closed %v; want 503 and the connection closed", resp.StatusCode, resp.Close)
	}
}

func TestWhatIsDroppedIsCountedAndTheClientCannotTell(t *testing.T) {
	log := logged(t)
	in := &spool.Intake{To: saying(errFull), Full: spool.Drop, MaxBody: 1 << 20}
	const size = 600_000 // which net/http would not read on its own
	c, r := raw(t, in.Wrap(nil), fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size)))
	for i := range 2 {
		resp := response(t, r)
		if resp.StatusCode != 202 || resp.Close {
			t.Errorf("%d, closed %v; want 202 and the connection open", resp.StatusCode, resp.Close)
		}
		var said struct{ ID string }
		if err := json.NewDecoder(resp.Body).Decode(&said); err != nil || len(said.ID) != 32 {
			t.Errorf("ID %q, %v", said.ID, err)
		}
		if i == 0 {
			io.WriteString(c, "POST / HTTP/1.1\r\nHost: x\r\n\r\n")
		}
	}
	equal(t, "stats", in.Stats(), spool.IntakeStats{Dropped: 2})
	equal(t, "log records", strings.Count(log.String(), "\n"), 1)
}

func TestADroppedBodyThatIsTooLargeOrBreaksOffIsNoneOfTheDropped(t *testing.T) {
	logged(t)
	in := &spool.Intake{To: saying(errFull), Full: spool.Drop, MaxBody: 10}
	for want, body := range map[int]io.Reader{
		413: io.LimitReader(endless{}, 11),
		400: io.MultiReader(strings.NewReader("bark"), broken{}),
	} {
		w := httptest.NewRecorder()
		in.Wrap(nil).ServeHTTP(w, httptest.NewRequest("POST", "/", body))
		equal(t, "status", w.Code, want)
	}
	equal(t, "stats", in.Stats(), spool.IntakeStats{TooLarge: 1, Broken: 1})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

func TestAPublisherThatFailsIsNotCoveredUpFor(t *testing.T) {
	for name, to := range map[string]spool.Publisher{
		"fails":  saying(errOff),
		"panics": &shelf{before: func(context.Context, *spool.Entry, io.Reader) error { panic("out of bones") }},
		"panics with the body": &shelf{before: func(_ context.Context, _ *spool.Entry, body io.Reader) error {
			io.Copy(io.Discard, body)
			panic("out of bones")
		}},
		"cancels by itself": saying(context.Canceled),
	} {
		for _, full := range []spool.WhenFull{spool.Refuse, spool.Drop} {
			log := logged(t)
			in := &spool.Intake{To: to, Full: full, Pass: true}
			w := httptest.NewRecorder()
			in.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was handed on") })).
				ServeHTTP(w, httptest.NewRequest("POST", "/?token=s3cret", strings.NewReader("bark")))
			equal(t, name, w.Code, 503)
			if w.Header().Get("Retry-After") == "" {
				t.Errorf("%s: no Retry-After", name)
			}
			equal(t, "stats", in.Stats(), spool.IntakeStats{Failed: 1})
			if said := log.String(); strings.Count(said, "\n") != 1 || strings.Contains(said, "s3cret") || strings.Contains(w.Body.String(), "bones") {
				t.Errorf("%s: logged: %q; told: %q", name, said, w.Body)
			}
		}
	}
}

func TestAPublisherThatEndsTheGoroutineIsCounted(t *testing.T) {
	in := &spool.Intake{To: &shelf{before: func(context.Context, *spool.Entry, io.Reader) error { runtime.Goexit(); return nil }}}
	var ended sync.WaitGroup
	ended.Go(func() {
		in.Wrap(nil).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil))
	})
	ended.Wait()
	equal(t, "stats", in.Stats(), spool.IntakeStats{Failed: 1})
}

func TestAPublisherThatHangsIsGivenUpAfterItsTimeout(t *testing.T) {
	log := logged(t)
	synctest.Test(t, func(t *testing.T) {
		in := &spool.Intake{To: &shelf{before: func(ctx context.Context, _ *spool.Entry, body io.Reader) error {
			io.Copy(io.Discard, body)
			<-ctx.Done()
			return ctx.Err()
		}}, Timeout: 3 * time.Second}
		w := httptest.NewRecorder()
		began := time.Now()
		in.Wrap(nil).ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader("bark")))
		equal(t, "status", w.Code, 503)
		equal(t, "after", time.Since(began), 3*time.Second)
		equal(t, "stats", in.Stats(), spool.IntakeStats{Failed: 1})
	})
	if !strings.Contains(log.String(), "*spool_test.shelf has not stored an entry within 3s") {
		t.Errorf("logged: %q", log)
	}
}

func TestASlowClientDoesNotUseUpThePublishersTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to := &shelf{}
		in := &spool.Intake{To: to, Timeout: time.Second}
		body, feed := io.Pipe()
		go func() {
			for range 4 {
				time.Sleep(time.Minute)
				io.WriteString(feed, "bark")
			}
			feed.Close()
		}()
		w := httptest.NewRecorder()
		in.Wrap(nil).ServeHTTP(w, httptest.NewRequest("POST", "/", body))
		equal(t, "status", w.Code, 202)
		_, stored := to.only(t)
		equal(t, "body", stored, "barkbarkbarkbark")
	})
}

func TestAClientThatLeavesEndsThePublishersWait(t *testing.T) {
	log := logged(t)
	in := &spool.Intake{To: &shelf{before: func(ctx context.Context, _ *spool.Entry, body io.Reader) error {
		io.Copy(io.Discard, body)
		<-ctx.Done()
		return fmt.Errorf("shelf: %w", ctx.Err())
	}}, Timeout: time.Hour}
	c, _ := raw(t, in.Wrap(nil), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbark")
	c.Close()
	eventually(t, "it is counted", func() bool { return in.Stats() == spool.IntakeStats{Broken: 1} })
	equal(t, "log", log.String(), "")
}

func TestABoxAnswersForAPublisherThatHangs(t *testing.T) {
	overBoth(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		logged(t)
		end := make(chan struct{})
		in := &spool.Intake{To: &shelf{before: func(context.Context, *spool.Entry, io.Reader) error { <-end; return errOff }}}
		box := &timebox.Box{Limit: 20 * time.Millisecond}
		s := serve(box.Wrap(in.Wrap(nil)))
		defer close(end)
		resp, err := s.Client().Post(s.URL, "", strings.NewReader("bark"))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		equal(t, "status", resp.StatusCode, 503)
	})
}

func TestManyAtOnceAreEachStoredOnce(t *testing.T) {
	to := &shelf{}
	in := &spool.Intake{To: to}
	overBoth(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		s := serve(in.Wrap(nil))
		var clients sync.WaitGroup
		for i := range 50 {
			clients.Go(func() {
				resp, err := s.Client().Post(s.URL, "", strings.NewReader(strconv.Itoa(i)))
				if err != nil {
					t.Error(err)
					return
				}
				resp.Body.Close()
			})
		}
		clients.Wait()
	})
	equal(t, "stats", in.Stats(), spool.IntakeStats{Taken: 100})
	ids := make(map[string]bool)
	for _, e := range to.entries {
		ids[e.ID] = true
	}
	equal(t, "IDs", len(ids), 100)
}
