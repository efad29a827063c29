package spool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/spool"
)

// A forwarder is a Publisher that people will write: it sends the body on over HTTP. An http.Transport may
// read the body for a while after it has given its answer.
type forwarder struct {
	client *http.Client
	to     string
}

func (f *forwarder) Publish(ctx context.Context, _ *spool.Entry, body io.Reader) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, f.to, body)
	if err != nil {
		return err
	}
	resp, err := f.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusInsufficientStorage {
		return fmt.Errorf("upstream: %w", spool.ErrFull)
	}
	return nil
}

func TestWhateverAPublisherSaysBeforeTheBodyHasComeTheClientIsAnsweredInTime(t *testing.T) {
	for status, want := range map[int]spool.IntakeStats{202: {Failed: 1}, 507: {Refused: 1}} {
		for around, wrap := range guards() {
			logged(t)
			in := &spool.Intake{To: early(t, status), Pass: true}
			resp := exchange(t, wrap(in.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was handed on") }))),
				"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nhalf of it")
			if resp.StatusCode != 503 || !resp.Close {
				t.Errorf("%s: %d, closed %v; want 503 and the connection closed", around, resp.StatusCode, resp.Close)
			}
			equal(t, around+": stats", in.Stats(), want)
		}
	}
}

func TestAStreamIsAnsweredWhileItsBodyIsStillToCome(t *testing.T) {
	overBoth(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		logged(t)
		in := &spool.Intake{To: early(t, 507)}
		s := serve(in.Wrap(nil))
		body, feed := io.Pipe()
		defer feed.Close()
		go io.WriteString(feed, "half of it")
		resp, err := s.Client().Post(s.URL, "", body)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		equal(t, "status", resp.StatusCode, 503)
		equal(t, "stats", in.Stats(), spool.IntakeStats{Refused: 1})
	})
}

func TestWhatIsDroppedWhileThePublisherStillReadsIsHandedOnWhole(t *testing.T) {
	logged(t)
	in := &spool.Intake{To: early(t, 507), Pass: true, Full: spool.Drop}
	want := strings.Repeat("bark", 50_000)
	c, r := raw(t, in.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got := text(t, r.Body); got != want {
			t.Errorf("the handler saw %d bytes, want the %d that were sent", len(got), len(want))
		}
		w.WriteHeader(299)
	})), fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", len(want)))
	for rest := want; rest != ""; rest = rest[20_000:] {
		time.Sleep(5 * time.Millisecond) // or it would be there before the answer is
		io.WriteString(c, rest[:20_000])
	}
	equal(t, "status", response(t, r).StatusCode, 299)
	equal(t, "stats", in.Stats(), spool.IntakeStats{Dropped: 1, Passed: 1})
}

// early is a Publisher that hears from its upstream when a byte of the body has come.
func early(t *testing.T, status int) *forwarder {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		w.WriteHeader(status)
	}))
	t.Cleanup(upstream.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &forwarder{&http.Client{Transport: transport}, upstream.URL}
}

func TestAPublisherThatReadsAPartAndSaysItIsStoredIsNotBelieved(t *testing.T) {
	for size, status := range map[int]int{9: 202, 10: 202, 11: 503} {
		logged(t)
		in := &spool.Intake{To: &partial{10}}
		w := httptest.NewRecorder()
		in.Wrap(nil).ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", size))))
		equal(t, fmt.Sprintf("status for %d bytes", size), w.Code, status)
	}
}

// partial is a Publisher that cuts what it reads.
type partial struct{ most int64 }

func (p *partial) Publish(_ context.Context, _ *spool.Entry, body io.Reader) error {
	_, err := io.Copy(io.Discard, io.LimitReader(body, p.most))
	return err
}

func TestAPublisherThatMissesThatTheCopyHasFailedIsNotBelieved(t *testing.T) {
	logged(t)
	in := &spool.Intake{To: believer{}, Pass: true, TempDir: filepath.Join(t.TempDir(), "absent")}
	w := httptest.NewRecorder()
	in.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was handed on") })).
		ServeHTTP(w, httptest.NewRequest("POST", "/", noise(100_000)))
	equal(t, "status", w.Code, 503)
	equal(t, "stats", in.Stats(), spool.IntakeStats{Failed: 1})
}

func TestAPublisherThatKeepsTheBodyCannotReadIt(t *testing.T) {
	logged(t)
	returned := make(chan struct{})
	late := make(chan error)
	in := &spool.Intake{To: &shelf{before: func(_ context.Context, _ *spool.Entry, body io.Reader) error {
		go func() {
			<-returned
			_, err := body.Read(make([]byte, 1))
			late <- err
		}()
		return errFull
	}}, Full: spool.Drop, Pass: true}
	h := in.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(returned)
		if err := <-late; !errors.Is(err, http.ErrBodyReadAfterClose) {
			t.Errorf("the Publisher reads on: %v", err)
		}
		equal(t, "handed on", text(t, r.Body), "bark")
	}))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", strings.NewReader("bark")))
}
