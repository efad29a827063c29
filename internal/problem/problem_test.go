package problem_test

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/problem"
)

func write(p problem.Problem, method, accept string, set http.Header) *http.Response {
	w := httptest.NewRecorder()
	for name, values := range set {
		w.Header()[name] = values
	}
	r := httptest.NewRequest(method, "/", nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	p.Write(w, r)
	return w.Result()
}

func body(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAPersonGetsText(t *testing.T) {
	resp := write(problem.Problem{Status: 503, Detail: "too many requests are in progress", After: time.Minute}, "GET", "text/html", nil)
	after := resp.Header.Get("Retry-After")
	want := "503 Service Unavailable: too many requests are in progress. Please try again in " + after + " s.\n"
	if got := body(t, resp); got != want || resp.StatusCode != 503 || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%d %v\n%q, want\n%q", resp.StatusCode, resp.Header, got, want)
	}
	for name, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Length": strconv.Itoa(len(want)),
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestAProgramGetsAProblemOfRFC9457(t *testing.T) {
	detail := "a <b>\"\n\xff" // whatever it is, the body is JSON
	resp := write(problem.Problem{Status: 503, Detail: detail, After: time.Minute}, "GET", "application/json", nil)
	var got struct {
		Type, Title, Detail string
		Status              int
		RetryAfter          int64 `json:"retry_after"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Title != "Service Unavailable" || got.Status != 503 || got.Detail != "a <b>\"\n\ufffd" || got.Type != "" ||
		strconv.FormatInt(got.RetryAfter, 10) != resp.Header.Get("Retry-After") {
		t.Errorf("%+v, %v", got, resp.Header)
	}
	if got := resp.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type: %s", got)
	}
}

func TestWithoutATimeOrADetailNothingIsSaidOfThem(t *testing.T) {
	for _, after := range []time.Duration{0, -time.Hour} {
		p := problem.Problem{Status: 500, After: after}
		resp := write(p, "GET", "", nil)
		if got := body(t, resp); got != "500 Internal Server Error.\n" || resp.Header["Retry-After"] != nil {
			t.Errorf("%q %v", got, resp.Header)
		}
		if got := body(t, write(p, "GET", "application/json", nil)); got != `{"title":"Internal Server Error","status":500}`+"\n" {
			t.Errorf("%q", got)
		}
	}
}

func TestASentenceHasOneEnd(t *testing.T) {
	for detail, want := range map[string]string{
		"":             "503 Service Unavailable.\n",
		"x":            "503 Service Unavailable: x.\n",
		"Back at six.": "503 Service Unavailable: Back at six.\n",
		"Back soon!":   "503 Service Unavailable: Back soon!\n",
		"We are at…":   "503 Service Unavailable: We are at…\n",
	} {
		if got := body(t, write(problem.Problem{Status: 503, Detail: detail}, "GET", "", nil)); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestHEADIsAnsweredWithTheHeaderOfGET(t *testing.T) {
	p := problem.Problem{Status: 503, Detail: "x"}
	get, head := write(p, "GET", "", nil), write(p, "HEAD", "", nil)
	if got := body(t, head); got != "" || head.Header.Get("Content-Length") != get.Header.Get("Content-Length") {
		t.Errorf("%q %v, want %v", got, head.Header, get.Header)
	}
}

func TestWhatDescribedAnotherAnswerIsRemoved(t *testing.T) {
	set := http.Header{}
	for _, name := range []string{"Content-Encoding", "Content-Length", "Content-Range", "Content-Disposition", "Etag", "Last-Modified", "Expires",
		"Transfer-Encoding", "Trailer", "Cache-Control", "Content-Type", "Set-Cookie", "X-Request-Id",
		"Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control", "Surrogate-Control", "Edge-Control", "X-Accel-Expires", "Pragma", "Age",
		"X-Accel-Redirect", "X-Sendfile", "X-Lighttpd-Send-File", "Location", "Refresh",
		"Content-Digest", "Content-Md5", "Digest", "Repr-Digest", "Signature", "Signature-Input",
		"ETag", "content-type", "X-SENDFILE", "content-length", // which the handler has set without Set
	} {
		set[name] = []string{"another"}
	}
	h := write(problem.Problem{Status: 503}, "GET", "", set).Header
	for name := range set {
		kept := name == "Set-Cookie" || name == "X-Request-Id"
		if got := h[name]; (len(got) == 1 && got[0] == "another") != kept {
			t.Errorf("%s: %q, kept is to be %v", name, got, kept)
		}
	}
}

func TestAnEncodingFromOutsideIsKept(t *testing.T) {
	gzip := []string{"gzip"}
	h := write(problem.Problem{Status: 503, Encoding: gzip}, "GET", "", http.Header{"Content-Encoding": {"br"}, "Content-Length": {"7"}}).Header
	if h.Get("Content-Encoding") != "gzip" || h["Content-Length"] != nil { // whoever compresses knows the length
		t.Errorf("%v", h)
	}
}

func TestARetryAfterThatIsThereIsKept(t *testing.T) {
	for _, name := range []string{"Retry-After", "retry-after"} {
		resp := write(problem.Problem{Status: 503, Detail: "x", After: time.Minute}, "GET", "", http.Header{name: {"7"}})
		//lint:ignore SA1008 a handler may have set it without Set
		if got := body(t, resp); resp.Header[name][0] != "7" || len(resp.Header["Retry-After"])+len(resp.Header["retry-after"]) != 1 ||
			strings.Contains(got, "try again") {
			t.Errorf("%s: %q %v", name, got, resp.Header)
		}
	}
}

func TestAConnectionWithAnUnreadBodyIsClosed(t *testing.T) {
	for _, c := range []struct {
		name   string
		proto  int
		body   io.Reader
		unread bool
		closed bool
	}{
		{"an upload", 1, strings.NewReader("x"), true, true},
		{"an upload of unknown length", 1, io.MultiReader(strings.NewReader("x")), true, true},
		{"an upload that was read", 1, strings.NewReader("x"), false, false},
		{"an upload over HTTP/2", 2, strings.NewReader("x"), true, false},
		{"an empty body", 1, http.NoBody, true, false},
		{"no body", 1, nil, true, false},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("POST", "/", c.body)
		r.ProtoMajor = c.proto
		if c.body == http.NoBody {
			r.ContentLength = -1
		}
		problem.Problem{Status: 503, Unread: c.unread}.Write(w, r)
		if got := w.Header().Get("Connection") == "close"; got != c.closed {
			t.Errorf("%s: closed is %v, want %v", c.name, got, c.closed)
		}
	}
}

// Sync's rule: v + random(0 .. max(5 % of v, 5)), and 0 means nothing is said.
func TestSecondsAreFuzzedUpwardsOnly(t *testing.T) {
	for _, c := range []struct {
		d         time.Duration
		low, high int64
	}{
		{0, 0, 0},
		{-time.Second, 0, 0},
		{math.MinInt64, 0, 0},
		{1, 1, 6},
		{time.Second, 1, 6},
		{time.Second + 1, 2, 7},
		{30 * time.Second, 30, 35},
		{100 * time.Second, 100, 105},
		{119 * time.Second, 119, 124},
		{120 * time.Second, 120, 126},
		{200 * time.Second, 200, 210},
		{1800 * time.Second, 1800, 1890},
		{math.MaxInt64, 9223372037, 9223372037 + 461168601},
	} {
		seen := make(map[int64]bool)
		for range 2000 {
			got := problem.Seconds(c.d)
			if got < c.low || got > c.high {
				t.Fatalf("%v: %d s, want from %d to %d", c.d, got, c.low, c.high)
			}
			seen[got] = true
		}
		if width := c.high - c.low + 1; width < 100 && int64(len(seen)) != width {
			t.Errorf("%v: %d different values, want all %d", c.d, len(seen), width)
		}
	}
}
