package page_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/internal/page"
	"github.com/heeler-go/heeler/profile/internal/result"
)

func TestThePageSaysWhatTookHowLong(t *testing.T) {
	w := get(repository(t, 6), "")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("status %d, type %q", w.Code, w.Header().Get("Content-Type"))
	}
	all := parse(t, w.Body.String())
	if h1 := texts(all, "h1"); !slices.Equal(h1, []string{"412 ms: 60 % waiting for mysql, 21 % lock in store.(*Cache).Get, 9 % CPU"}) {
		t.Errorf("the heading is %q", h1)
	}
	for _, want := range []string{
		"GET /acme/forge/commits?branch=main&amp;page=2", "200 OK", "2026-11-21 03:12:45 UTC", "by alice", "web-3, process 4711",
		"mysql: 231 calls, 247 ms", `<b class="tag warn">230</b>`, "SELECT name, email FROM users WHERE id = ?",
		"1 error", "1 refused", "The CPU profiler was in use by something else", "nothing else ran", "4.00 MiB",
		"<kbd>go tool pprof -http=: GET-acme-forge-commits-20261121T031245Z.pb.gz</kbd>",
		"<kbd>go tool trace GET-acme-forge-commits-20261121T031245Z.trace</kbd>", `href="pprof/"`, `href="response"`,
		"ended by store.(*Cache).Refresh", "a call to mysql", "stop-the-world (GC mark termination)",
	} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestTheLargestBackendIsFirst(t *testing.T) {
	body := get(repository(t, 0), "").Body.String()
	if mysql, redis := strings.Index(body, "mysql: 231"), strings.Index(body, "redis: 3"); mysql < 0 || redis < mysql {
		t.Errorf("mysql is at %d, redis at %d", mysql, redis)
	}
}

func TestAPanicIsTheFirstProblem(t *testing.T) {
	res := repository(t, 0)
	res.Runs[0].Panic = "no such commit"
	if items := texts(parse(t, get(res, "").Body.String()), "li"); items[0] != "The handler panicked: no such commit" {
		t.Errorf("the list begins with %q", items[0])
	}
}

func TestSeveralRunsAreCompared(t *testing.T) {
	res := repository(t, 0)
	res.Runs = []result.Run{{Took: 30 * ms, Status: 200}, {Took: 10 * ms, Status: 200}, {Took: 20 * ms, Status: 500}}
	body := get(res, "").Body.String()
	for _, want := range []string{"3: 10.0 ms least, 20.0 ms median, 30.0 ms most", "2 × 200", "1 × 500", `"status bad"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// Goroutines that ran at once have more time together than has passed.
func TestThePageSaysWhoseTimeIsCounted(t *testing.T) {
	for by, want := range map[string]bool{"wall": true, "alloc_space": false} {
		body := get(repository(t, 0), "?by="+by).Body.String()
		if got := strings.Contains(body, "together, which may be more than the request took"); got != want {
			t.Errorf("by %s: %v", by, got)
		}
	}
}

func TestAStatementIsRepeatedIfOneRunRepeatsIt(t *testing.T) {
	res := repository(t, 0)
	res.Runs = make([]result.Run, 230) // one call in each
	if body := get(res, "").Body.String(); strings.Contains(body, `<b class="tag warn">230</b>`) {
		t.Error("one call in each run is said to be repeated")
	}
}

func TestALinkForColleaguesIsShownOnlyIfThereIsOne(t *testing.T) {
	const link = "../ID.TOKEN/result/"
	for _, share := range []string{"", link} {
		w := httptest.NewRecorder()
		page.Serve(w, httptest.NewRequest("GET", "/ID/", nil), repository(t, 0), "", page.Options{Share: share})
		if shown := strings.Contains(w.Body.String(), `href="`+link+`"`); shown != (share != "") {
			t.Errorf("link %q: shown %v", share, shown)
		}
		if !strings.Contains(w.Body.String(), "Downloads") {
			t.Error("the page ends early")
		}
	}
}

// A browser that is slow to get the script has JavaScript all the same.
func TestOnlyBrowsersWithoutJavaScriptAreToldThatItIsOff(t *testing.T) {
	body := get(repository(t, 0), "").Body.String()
	_, said, _ := strings.Cut(body, "<noscript>")
	if said, _, _ = strings.Cut(said, "</noscript>"); !strings.Contains(said, "is off here") || strings.Count(body, "is off here") != 1 {
		t.Errorf("those without are told %q", said)
	}
}

func TestAPageWithoutAnythingIsStillAPage(t *testing.T) {
	w := get(&result.Result{State: result.Done}, "")
	if h1 := texts(parse(t, w.Body.String()), "h1"); w.Code != http.StatusOK || !slices.Equal(h1, []string{"0"}) {
		t.Errorf("status %d, headings %q", w.Code, h1)
	}
	if !strings.Contains(w.Body.String(), "profile: there is none") {
		t.Error("it does not say that there is no profile")
	}
}

func TestAProfileThatCannotBeReadIsAProblemOnThePage(t *testing.T) {
	res := repository(t, 3)
	res.Profile = []byte("not a profile")
	w := get(res, "")
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "profile: it cannot be read") || !strings.Contains(w.Body.String(), `id="timeline"`) {
		t.Errorf("status %d, %s", w.Code, w.Body)
	}
}

func TestOneChoosesWhatIsCounted(t *testing.T) {
	res := repository(t, 0)
	for by, want := range map[string]string{"": "694 ms", "wall": "694 ms", "network": "281 ms", "alloc_space": "4.00 MiB"} {
		body := get(res, "?by="+by).Body.String()
		all := parse(t, body)
		if first := slices.IndexFunc(texts(all, "title"), func(s string) bool { return s == "all\n"+want+", 100 %" }); first < 0 {
			t.Errorf("by %q: no box of the flame graph has all of %s", by, want)
		}
		if by == "" {
			by = "wall"
		}
		for _, want := range []string{`<a href="?by=` + by + `#where" aria-current="true">`, `data-dot="graph.dot?by=` + by + `"`} {
			if !strings.Contains(body, want) {
				t.Errorf("by %q: the page has no %s", by, want)
			}
		}
		if strings.Contains(body, "?by=cpu") {
			t.Errorf("by %q: one can choose cpu, of which there is nothing", by)
		}
	}
	for _, target := range []string{"?by=zzz", "graph.dot?by=zzz"} {
		if w := get(res, target); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "accepted are wall, running") {
			t.Errorf("%s: status %d: %s", target, w.Code, w.Body)
		}
	}
}

// Profiles are large in memory, so that a hundred readers at once would be more than a program has.
func TestFewPagesWorkWithProfilesAtATime(t *testing.T) {
	res := repository(t, 0)
	release := page.HoldTurns()
	gone, leave := context.WithCancel(t.Context())
	leave()
	for _, rest := range []string{"", "graph.dot"} {
		w := httptest.NewRecorder()
		page.Serve(w, httptest.NewRequestWithContext(gone, "GET", "/ID/"+rest, nil), res, rest, page.Options{})
		if body := w.Body.String(); !strings.Contains(body, "waiting for other pages") {
			t.Errorf("%q was made out of turn: %s", rest, body)
		}
	}
	release()
	slow := slowClient{httptest.NewRecorder(), func() { page.HoldTurns()() }}
	for _, rest := range []string{"", "graph.dot", "profile.pb.gz"} {
		page.Serve(slow, httptest.NewRequest("GET", "/ID/"+rest, nil), res, rest, page.Options{})
	}
}

// A slowClient does something before it takes what is written to it.
type slowClient struct {
	*httptest.ResponseRecorder
	meanwhile func()
}

func (c slowClient) Write(b []byte) (int, error) {
	c.meanwhile()
	return c.ResponseRecorder.Write(b)
}

func TestPendingPagesLookAgain(t *testing.T) {
	for state, want := range map[result.State]bool{result.Waits: true, result.Runs: true, result.Reads: true, result.Failed: false, result.Done: false, "": false, "unknown": false} {
		res := repository(t, 0)
		res.State, res.Turn, res.Asked = state, "GET /repo for bob", time.Now()
		all := parse(t, get(res, "").Body.String())
		again := slices.ContainsFunc(all, func(e element) bool { return e.attributes["http-equiv"] == "refresh" && e.attributes["content"] == "1" })
		if again != want {
			t.Errorf("%q: looks again: %v", state, again)
		}
		if turn := slices.Contains(texts(all, "span"), "GET /repo for bob"); turn != (state == result.Waits) {
			t.Errorf("%q: says whose turn it is: %v", state, turn)
		}
	}
}

func TestPagesThatHaveWaitedForLongLookLessOften(t *testing.T) {
	for age, want := range map[time.Duration]string{0: "1", 12 * time.Second: "1", 25 * time.Second: "2", time.Hour: "5", -time.Hour: "1"} {
		res := &result.Result{State: result.Runs, Asked: time.Now().Add(-age)}
		if body := get(res, "").Body.String(); !strings.Contains(body, `<meta http-equiv="refresh" content="`+want+`">`) {
			t.Errorf("after %v: does not look again after %s s:\n%s", age, want, body)
		}
	}
}

func TestAFailedProfileSaysWhy(t *testing.T) {
	w := get(&result.Result{State: result.Failed, Method: "GET", URI: "/slow", Problems: []string{"The tracer was in use."}}, "")
	if items := texts(parse(t, w.Body.String()), "li"); w.Code != http.StatusOK || !slices.Equal(items, []string{"The tracer was in use."}) {
		t.Errorf("status %d, reasons %q", w.Code, items)
	}
}

func TestPagesAreOnlyRead(t *testing.T) {
	res := repository(t, 0)
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "GETT"} {
		for _, target := range []string{"", "profile.pb.gz", "response", "pprof/", "nope"} {
			w := httptest.NewRecorder()
			page.Serve(w, httptest.NewRequest(method, "/ID/"+target, nil), res, target, page.Options{})
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: status %d", method, target, w.Code)
			}
		}
	}
	for _, target := range []string{"", "profile.pb.gz", "graph.dot", "response", "nope"} {
		w := httptest.NewRecorder()
		page.Serve(w, httptest.NewRequest("HEAD", "/ID/"+target, nil), res, target, page.Options{})
		full := get(res, target)
		if w.Code != full.Code || w.Body.Len() != 0 || w.Header().Get("Content-Length") != fmt.Sprint(full.Body.Len()) {
			t.Errorf("HEAD %s: status %d, %d bytes, Content-Length %s", target, w.Code, w.Body.Len(), w.Header().Get("Content-Length"))
		}
	}
}
