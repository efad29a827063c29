package breaker_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/breaker"
)

// What the caller asks wrongly says nothing of the backend, and must not trip
// the breaker for all others.
func TestARequestThatCannotBeSentSaysNothing(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-r.Context().Done() // lest it answers before the client has seen that its body is too long
	}))
	defer server.Close()
	for name, spoil := range map[string]func(*http.Request){
		"value":      func(r *http.Request) { r.Header.Set("X-User", "a\nb") },
		"delete":     func(r *http.Request) { r.Header.Set("X-User", "a\x7f") },
		"name":       func(r *http.Request) { r.Header["X User"] = []string{"a"} },
		"no name":    func(r *http.Request) { r.Header[""] = []string{"a"} },
		"trailer":    func(r *http.Request) { r.Trailer = http.Header{"X-User": {"a\nb"}} },
		"method":     func(r *http.Request) { r.Method = "GE T" },
		"scheme":     func(r *http.Request) { r.URL.Scheme = "foo" },
		"host":       func(r *http.Request) { r.URL.Host = "" },
		"no URL":     func(r *http.Request) { r.URL = nil },
		"no header":  func(r *http.Request) { r.Header = nil },
		"no body":    func(r *http.Request) { r.Body = nil },
		"short body": func(r *http.Request) { r.ContentLength = 10 },
		"long body":  func(r *http.Request) { r.ContentLength = 3 },
	} {
		b := &breaker.Breaker{TripAfter: 1}
		req, _ := http.NewRequest("POST", server.URL, strings.NewReader("hello"))
		spoil(req)
		if _, err := b.Transport(nil).RoundTrip(req); err == nil {
			t.Errorf("%s: no error", name)
		}
		if got := b.Stats(); got.State != breaker.Closed || got.Uncounted != 1 {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

func TestAGoodRequestOfAnyFormIsJudged(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	b := &breaker.Breaker{TripAfter: -1, TripRate: -1}
	req, _ := http.NewRequest("M-SEARCH", server.URL, strings.NewReader("hello"))
	req.Header["x-odd!#$%&'*+-.^_`|~9"] = []string{"a\tb é \xff"}
	for range 3 {
		if _, err := b.Transport(nil).RoundTrip(req); err == nil {
			t.Error("no error")
		}
	}
	wantCounts(t, b, counts{failed: 3})
}

func TestTheRequestThatABaseHasMadeItselfIsKept(t *testing.T) {
	b := &breaker.Breaker{}
	req, _ := http.NewRequestWithContext(t.Context(), "GET", "http://books.test/", nil)
	for name, test := range map[string]struct {
		sent  func(inside *http.Request) *http.Request
		token string
	}{
		"as given": {func(inside *http.Request) *http.Request { return inside }, ""},
		"none":     {func(*http.Request) *http.Request { return nil }, ""},
		"signed":   {func(inside *http.Request) *http.Request { return signed(inside.Clone(inside.Context())) }, "signed"},
		"its own":  {func(*http.Request) *http.Request { return signed(req.Clone(t.Context())) }, "signed"},
	} {
		resp, err := b.Transport(tripper(func(inside *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Body: http.NoBody, Request: test.sent(inside)}, nil
		})).RoundTrip(req)
		if err != nil || test.token == "" && resp.Request != req {
			t.Fatalf("%s: %p, %v, want %p", name, resp.Request, err, req)
		}
		if got := resp.Request.Header.Get("Authorization"); got != test.token || resp.Request.Context() != t.Context() {
			t.Errorf("%s: Authorization %q, with a context that has ended: %v", name, got, resp.Request.Context().Err())
		}
	}
}

func signed(r *http.Request) *http.Request { r.Header.Set("Authorization", "signed"); return r }

// A base that sends a request again may still read the body of the first one.
func TestTwoReadsOfARequestsBodyAreTheCallersTimeUntilBothAreOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &breaker.Breaker{Timeout: 200 * ms}
		rt := b.Transport(tripper(func(r *http.Request) (*http.Response, error) {
			second, _ := r.GetBody()
			var both sync.WaitGroup
			both.Go(func() { io.ReadAll(r.Body) })
			both.Go(func() { io.ReadAll(second) })
			both.Wait()
			time.Sleep(100 * ms)
			return &http.Response{StatusCode: 200, Body: http.NoBody}, r.Context().Err()
		}))
		req, _ := http.NewRequest("POST", "http://books.test/", after(100*ms))
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(after(time.Hour)), nil }
		if _, err := rt.RoundTrip(req); err != nil {
			t.Error(err)
		}
		wantCounts(t, b, counts{succeeded: 1})
		if took := b.Stats().Time; took != 100*ms {
			t.Errorf("took %v", took)
		}
	})
}

// after is a body that ends after a time.
type after time.Duration

func (a after) Read([]byte) (int, error) { time.Sleep(time.Duration(a)); return 0, io.EOF }
