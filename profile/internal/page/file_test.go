package page_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/internal/graph"
	"github.com/heeler-go/heeler/profile/internal/page"
	"github.com/heeler-go/heeler/profile/internal/result"
)

func TestEveryPartIsServed(t *testing.T) {
	res := repository(t, 0)
	for target, want := range map[string]struct{ contentType, name string }{
		"":                      {"text/html; charset=utf-8", ""},
		"profile.pb.gz":         {"application/octet-stream", "GET-acme-forge-commits-20261121T031245Z.pb.gz"},
		"run.trace":             {"application/octet-stream", "GET-acme-forge-commits-20261121T031245Z.trace"},
		"graph.dot":             {"text/vnd.graphviz; charset=utf-8", "GET-acme-forge-commits-20261121T031245Z-graph.dot"},
		"graph.dot?by=network":  {"text/vnd.graphviz; charset=utf-8", "GET-acme-forge-commits-20261121T031245Z-graph.dot"},
		"response":              {"text/html; charset=utf-8", ""},
		"pprof/top":             {"text/html; charset=utf-8", ""},
		"pprof/flamegraph?si=0": {"text/html; charset=utf-8", ""},
	} {
		w := get(res, target)
		if w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("%s: status %d, %d bytes", target, w.Code, w.Body.Len())
		}
		disposition := ""
		if want.name != "" {
			disposition = `attachment; filename="` + want.name + `"`
		}
		if got := w.Header().Get("Content-Type"); !strings.EqualFold(got, want.contentType) {
			t.Errorf("%s: type %q", target, got)
		}
		if got := w.Header().Get("Content-Disposition"); got != disposition {
			t.Errorf("%s: disposition %q, want %q", target, got, disposition)
		}
	}
	if w := get(res, "profile.pb.gz"); w.Body.String() != string(res.Profile) {
		t.Error("the profile is another one")
	}
	if w := get(res, "pprof"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "pprof/" {
		t.Errorf("pprof: status %d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestPicturesAreOfferedWhereDotDrawsThem(t *testing.T) {
	// Elsewhere there is no program to be found.
	t.Setenv("PATH", t.TempDir())
	if graph.Available() {
		t.Fatal("there is a dot in an empty folder")
	}
	res := repository(t, 0)
	if body := get(res, "").Body.String(); strings.Contains(body, "graph.svg") || strings.Contains(body, "graph.pdf") || !strings.Contains(body, "graph.dot") {
		t.Error("pictures are offered, or not even the text is")
	}
	for _, target := range []string{"graph.svg", "graph.pdf"} {
		if w := get(res, target); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "install Graphviz") {
			t.Errorf("%s: status %d: %s", target, w.Code, w.Body)
		}
	}
}

func TestOtherPartsAreNotFound(t *testing.T) {
	res := repository(t, 0)
	res.Trace, res.Response, res.Profile = nil, nil, nil
	for _, target := range []string{"nope", "profile.pb.gz", "run.trace", "response", "pprof/", "pprofx", "pprof/source", "../secret", "PROFILE.PB.GZ", "graph.png", "/"} {
		w := get(res, target)
		if w.Code != http.StatusNotFound {
			t.Errorf("%s: status %d", target, w.Code)
		}
	}
	w := httptest.NewRecorder()
	page.NotFound(w, httptest.NewRequest("GET", "/", nil))
	if h1 := texts(parse(t, w.Body.String()), "h1"); w.Code != http.StatusNotFound || !slices.Equal(h1, []string{"There is no such profile"}) {
		t.Errorf("status %d, %q", w.Code, h1)
	}
}

func TestPartsThatAreNotDoneYetAreWorthAnotherTry(t *testing.T) {
	for _, state := range []result.State{result.Waits, result.Runs, result.Reads, result.Failed} {
		res := repository(t, 0)
		res.State = state
		for _, target := range []string{"profile.pb.gz", "run.trace", "graph.dot", "response", "pprof/"} {
			w := get(res, target)
			status, after := http.StatusServiceUnavailable, "1"
			if state == result.Failed {
				status, after = http.StatusNotFound, ""
			}
			if w.Code != status || w.Header().Get("Retry-After") != after {
				t.Errorf("%s of one that is %s: status %d, Retry-After %q", target, state, w.Code, w.Header().Get("Retry-After"))
			}
		}
	}
}

func TestFileNamesAreSafeEverywhere(t *testing.T) {
	asked := time.Date(2026, 11, 21, 3, 12, 45, 0, time.UTC)
	for _, c := range []struct {
		res  result.Result
		part string
		want string
	}{
		{result.Result{Method: "GET", URI: "/acme/forge?page=2", Asked: asked}, "profile.pb.gz", "GET-acme-forge-20261121T031245Z.pb.gz"},
		{result.Result{Method: "GET", URI: "/acme/forge"}, "run.trace", "GET-acme-forge.trace"},
		{result.Result{Method: "POST", URI: "/"}, "graph.svg", "POST-graph.svg"},
		{result.Result{}, "profile.pb.gz", "request.pb.gz"},
		{result.Result{Method: "GET", URI: "/../..\\\"\r\nX: $(rm) %00\u202e"}, "graph.dot", "GET-X-rm-00-graph.dot"},
		{result.Result{Method: "-o", URI: "/.profile"}, "run.trace", "o-profile.trace"},
	} {
		if got := page.FileName(&c.res, c.part); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.res.Method, c.res.URI, got, c.want)
		}
	}
}
