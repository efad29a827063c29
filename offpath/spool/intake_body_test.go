package spool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/spool"
)

func TestABodyOverTheLimitIsAnswered413AndNotStored(t *testing.T) {
	overBoth(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		to := &shelf{}
		in := &spool.Intake{To: to, MaxBody: 1000}
		s := serve(in.Wrap(nil))
		for i, c := range []struct {
			body   io.Reader
			status int
		}{
			{strings.NewReader(strings.Repeat("x", 1000)), 202},
			{strings.NewReader(strings.Repeat("x", 1001)), 413},
			{struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 1001))}, 413}, // chunked
			{struct{ io.Reader }{strings.NewReader(strings.Repeat("x", 1000))}, 202},
		} {
			resp, err := s.Client().Post(s.URL, "", c.body)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			equal(t, fmt.Sprintf("status %d", i), resp.StatusCode, c.status)
		}
		equal(t, "stats", in.Stats(), spool.IntakeStats{Taken: 2, TooLarge: 2})
		equal(t, "entries", len(to.entries), 2)
	})
}

// net/http would otherwise read on for a while, or take the rest for the next request.
func TestTheConnectionOfABodyThatIsTooLargeIsClosed(t *testing.T) {
	for name, say := range map[string]string{
		"announced": "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"chunked":   "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n20\r\n01234567890123456789012345678901\r\n",
		"expected":  "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n",
	} {
		for around, wrap := range guards() {
			resp := exchange(t, wrap((&spool.Intake{To: &shelf{}, MaxBody: 10}).Wrap(nil)), say)
			if resp.StatusCode != 413 || !resp.Close {
				t.Errorf("%s, %s: %d, closed %v; want 413 and the connection closed", name, around, resp.StatusCode, resp.Close)
			}
		}
	}
}

func TestAPublisherMayFindABodyTooLarge(t *testing.T) {
	in := &spool.Intake{To: saying(fmt.Errorf("no message has %w bytes", spool.ErrTooLarge))}
	w := httptest.NewRecorder()
	in.Wrap(nil).ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader("x")))
	equal(t, "status", w.Code, 413)
	equal(t, "stats", in.Stats(), spool.IntakeStats{TooLarge: 1})
}

func TestWhoeverAsksFirstIsToldToSendTheBody(t *testing.T) {
	to := &shelf{}
	c, r := raw(t, (&spool.Intake{To: to}).Wrap(nil), "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
	equal(t, "first", response(t, r).StatusCode, 100)
	io.WriteString(c, "bark")
	equal(t, "then", response(t, r).StatusCode, 202)
	_, body := to.only(t)
	equal(t, "body", body, "bark")
}

func TestAChunkedBodyIsStoredWithoutItsFrames(t *testing.T) {
	to := &shelf{}
	resp := exchange(t, (&spool.Intake{To: to}).Wrap(nil),
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n4\r\nbark\r\n2\r\n!!\r\n0\r\nX-Sum: 6\r\n\r\n")
	equal(t, "status", resp.StatusCode, 202)
	_, body := to.only(t)
	equal(t, "body", body, "bark!!")
}

func TestABodyThatBreaksOffIsNotStored(t *testing.T) {
	overBoth(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		begun := make(chan struct{})
		to := &shelf{before: func(_ context.Context, _ *spool.Entry, body io.Reader) error {
			io.ReadFull(body, make([]byte, 4))
			close(begun)
			return nil
		}}
		in := &spool.Intake{To: to}
		var status int
		done := make(chan struct{})
		h := in.Wrap(nil)
		s := serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(done)
			h.ServeHTTP(&noting{w, &status}, r)
		}))
		body, feed := io.Pipe()
		go func() {
			io.WriteString(feed, "half of it")
			<-begun
			feed.CloseWithError(errOff)
		}()
		if resp, err := s.Client().Post(s.URL, "", body); err == nil {
			t.Errorf("answered %d", resp.StatusCode)
		}
		<-done
		if status < 400 || status > 499 {
			t.Errorf("whoever logs it sees %d, want it to be the client's fault", status)
		}
		to.empty(t)
		equal(t, "stats", in.Stats(), spool.IntakeStats{Broken: 1})
	})
}

// noting notes the status.
type noting struct {
	http.ResponseWriter
	status *int
}

func (n *noting) WriteHeader(code int) {
	*n.status = code
	n.ResponseWriter.WriteHeader(code)
}

func (n *noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// A client that closes its half only seems to have left.
func TestABodyThatDoesNotComeWholeIsTheClientsFault(t *testing.T) {
	slow := func(h http.Handler) http.Handler { // a server's ReadTimeout
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(20 * time.Millisecond))
			h.ServeHTTP(w, r)
		})
	}
	asIs := func(h http.Handler) http.Handler { return h }
	const head = "POST / HTTP/1.1\r\nHost: x\r\n"
	for name, c := range map[string]struct {
		around func(http.Handler) http.Handler
		say    string
		leave  bool // the client closes its half of the connection
		status int
	}{
		"shorter than said": {asIs, head + "Content-Length: 100\r\n\r\nhalf of it", true, 499},
		"no end":            {asIs, head + "Transfer-Encoding: chunked\r\n\r\n4\r\nbark\r\n", true, 499},
		"no chunks":         {asIs, head + "Transfer-Encoding: chunked\r\n\r\nbark\r\n", false, 400},
		"too slow":          {slow, head + "Content-Length: 100\r\n\r\nhalf of it", false, 408},
	} {
		t.Run(name, func(t *testing.T) {
			to := &shelf{}
			in := &spool.Intake{To: to}
			conn, r := raw(t, c.around(in.Wrap(nil)), c.say)
			if c.leave {
				conn.(interface{ CloseWrite() error }).CloseWrite()
			}
			resp := response(t, r)
			equal(t, "status", resp.StatusCode, c.status)
			io.Copy(io.Discard, resp.Body)
			if _, err := r.ReadByte(); err != io.EOF {
				t.Errorf("the connection: %v, want it closed", err)
			}
			to.empty(t)
			equal(t, "stats", in.Stats(), spool.IntakeStats{Broken: 1})
		})
	}
}

// A body's error that gets lost on the way must not make a part of it the whole.
func TestAPublisherThatTakesHalfABodyForAWholeOneIsNotBelieved(t *testing.T) {
	in := &spool.Intake{To: believer{}}
	w := httptest.NewRecorder()
	body := io.MultiReader(strings.NewReader("half of it"), broken{})
	in.Wrap(nil).ServeHTTP(w, httptest.NewRequest("POST", "/", body))
	equal(t, "status", w.Code, 400)
	equal(t, "stats", in.Stats(), spool.IntakeStats{Broken: 1})
}

// believer is a Publisher that takes any end for the end.
type believer struct{}

func (believer) Publish(_ context.Context, _ *spool.Entry, body io.Reader) error {
	io.Copy(io.Discard, body)
	return nil
}

// broken is the rest of a body that does not come.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the line is dead") }
