package graph_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile/internal/graph"
)

const nonce = "c2VjcmV0+/s="

// reader gives a profile.
func reader(p *profile.Profile) func() (*profile.Profile, error) {
	return func() (*profile.Profile, error) { return p, nil }
}

// get asks for one of pprof's pages.
func get(t testing.TB, p *profile.Profile, page string) *http.Response {
	t.Helper()
	rest, query, _ := strings.Cut(page, "?")
	r := httptest.NewRequest("GET", "/", nil)
	r.URL.Path, r.URL.RawQuery = "/x/pprof/"+rest, query
	w := httptest.NewRecorder()
	graph.ServeUI(w, r, reader(p), rest, nonce)
	return w.Result()
}

// body reads an answer that is expected to be a page.
func body(t testing.TB, response *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("%d, %v: %s", response.StatusCode, err, b)
	}
	return string(b)
}

func TestPagesShowTheProfile(t *testing.T) {
	for page, want := range map[string]string{
		"flamegraph":            `"FullName":"main.(*Store).query","FileName":"/src/shop/main.go"`,
		"top":                   `"Name":"main.(*Store).query"`,
		"top?si=running":        `"FlatFormat":"30ms"`,
		"top?si=2":              "Type: network",
		"peek?f=cart":           "main.(*Store).query /src/shop/main.go:1",
		"flamegraph?f=nonsense": "Focus expression matched no samples",
		"top?i=cart&sort=cum":   `"CumFormat":"10ms"`,
	} {
		if text := body(t, get(t, shop(), page)); !strings.Contains(text, want) {
			t.Errorf("%s: there is no %s in\n%s", page, want, text)
		}
	}
}

func TestTheProfileCanBeDownloaded(t *testing.T) {
	p, err := profile.Parse(get(t, shop(), "download").Body)
	if err != nil || len(p.Sample) != 3 || p.Sample[0].Value[0] != 60e6 {
		t.Errorf("%v, %v", err, p)
	}
}

func TestThePagesBeginWithTheFlameGraph(t *testing.T) {
	response := get(t, shop(), "?si=running")
	if to := response.Header.Get("Location"); response.StatusCode != 303 || to != "flamegraph?si=running" {
		t.Errorf("%d to %q", response.StatusCode, to)
	}
}

func TestDoorsThatReadOrWriteFilesAreNotThere(t *testing.T) {
	for _, door := range []string{
		"source", "disasm", "weblist", "saveconfig", "deleteconfig", "flamegraph2", "flamegraphold", "list", "tags",
		"/top", "top/", "Top", "../top", "top\x00", "%74op", "debug/pprof", "nonsense",
	} {
		if response := get(t, shop(), door+"?f=main&config=x"); response.StatusCode != 404 {
			t.Errorf("%q: %d", door, response.StatusCode)
		}
	}
}

func TestNoPageHasALinkToADoorThatIsNotThere(t *testing.T) {
	for _, page := range []string{"flamegraph", "top", "peek"} {
		text := body(t, get(t, shop(), page))
		for _, door := range []string{`href="./source"`, `href="./disasm"`, `id="save-config"`, `id="config"`, "save-dialog\"", "initConfigManager();"} {
			if strings.Contains(text, door) {
				t.Errorf("%s: there is a %s", page, door)
			}
		}
		for _, kept := range []string{`href="./top"`, `href="./flamegraph"`, `href="./download"`, `id="sample"`, `id="search"`, `id="errors"`, `<link rel="icon" href="data:,">`} {
			if !strings.Contains(text, kept) {
				t.Errorf("%s: there is no %s any more", page, kept)
			}
		}
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		w := httptest.NewRecorder()
		graph.ServeUI(w, httptest.NewRequest(method, "/pprof/top", nil), reader(shop()), "top", nonce)
		if w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s: %d, allowed are %q", method, w.Code, w.Header().Get("Allow"))
		}
	}
}

var (
	element   = regexp.MustCompile(`<(?:script|style)[^>]*>`)
	value     = regexp.MustCompile(`="[^"]*"`)
	forbidden = regexp.MustCompile(`(?i)<[a-z][^>]*\s(?:on[a-z]+|style)\s*=|<(?:img|iframe|object|embed|base|form|meta http)`)
)

func TestScriptsAndStylesHaveTheNonceAndNothingElseRuns(t *testing.T) {
	pages := []string{"flamegraph", "top", "peek", "top?f=nothing"}
	if graph.Available() {
		pages = append(pages, "graph")
	}
	for _, p := range []*profile.Profile{shop(), hostileShop(hostile...)} {
		for _, page := range pages {
			response := get(t, p, page)
			text := body(t, response)
			found := element.FindAllString(text, -1)
			if len(found) < 3 {
				t.Errorf("%s: only %q", page, found)
			}
			for _, tag := range found {
				if !strings.Contains(tag, ` nonce="c2VjcmV0+/s="`) {
					t.Errorf("%s: %s has no nonce", page, tag)
				}
			}
			if bad := forbidden.FindString(value.ReplaceAllString(text, `=""`)); bad != "" {
				t.Errorf("%s: there is a %q", page, bad)
			}
			policy := response.Header.Get("Content-Security-Policy")
			if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'; script-src 'nonce-"+nonce+"';") || !strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("%s: policy %s", page, policy)
			}
		}
	}
}

func TestAProfileThatCannotBeReadIsTold(t *testing.T) {
	w := httptest.NewRecorder()
	broken := func() (*profile.Profile, error) { return nil, errors.New("the profile is broken") }
	graph.ServeUI(w, httptest.NewRequest("GET", "/", nil), broken, "top", nonce)
	if w.Code != 400 || !strings.Contains(w.Body.String(), "the profile is broken") {
		t.Errorf("%d, %s", w.Code, w.Body)
	}
}

func TestAPageDoesNotWaitForItsTurnForEverAndHoldsNoProfileMeanwhile(t *testing.T) {
	release := graph.HoldTurn()
	defer release()
	gone, leave := context.WithCancel(t.Context())
	leave()
	w := httptest.NewRecorder()
	graph.ServeUI(w, httptest.NewRequestWithContext(gone, "GET", "/", nil), func() (*profile.Profile, error) {
		t.Error("the profile was read")
		return shop(), nil
	}, "top", nonce)
	if w.Code != 503 || w.Header().Get("Retry-After") != "10" {
		t.Errorf("%d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
}

func TestABrokenProfileIsAnErrorAndNoPanic(t *testing.T) {
	for _, p := range []*profile.Profile{nil, {}, {SampleType: make([]*profile.ValueType, 1)}} {
		for _, page := range []string{"top", "flamegraph", "peek", "graph", "download"} {
			if status := get(t, p, page).StatusCode; status != 400 && status != 303 {
				t.Errorf("%s: %d", page, status)
			}
		}
	}
}
