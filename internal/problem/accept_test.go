package problem_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/internal/problem"
)

func TestTheClientsAcceptDecides(t *testing.T) {
	for accept, json := range map[string]bool{
		"":                                     false,
		"*/*":                                  false, // curl
		"application/json":                     true,
		"APPLICATION/JSON":                     true,
		"application/problem+json":             true,
		"application/vnd.api+json":             true,
		"application/*":                        true,
		"text/plain":                           false,
		"text/html":                            false,
		"image/png":                            false, // neither: a person may read text
		"application/json;q=0":                 false,
		"application/json;q=0, text/plain;q=0": false,

		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": false, // a browser
		"application/json, text/plain, */*":                               true,  // axios
		"application/json, text/javascript, */*; q=0.01":                  true,  // jQuery
		"text/plain, application/json":                                    false,
		"application/json, */*":                                           true,
		"*/*, application/json":                                           true, // it is named
		"*/*, text/plain":                                                 false,
		"application/*, text/*":                                           true,
		"text/*, application/*":                                           false,

		"application/json;q=0.5, text/html;q=0.4":           true,
		"application/json;q=0.4, text/html;q=0.5":           false,
		"text/*;q=0.5, */*;q=0.6":                           true, // */* is 0.6 for JSON
		"*/*;q=0.5, text/plain;q=0":                         true,
		"*/*, application/json;q=0":                         false,
		"application/json;q=0, application/problem+json":    true,
		"application/json;q=0.1, application/json, text/*":  true,
		"application/json ; q = 1 , text/plain ; q=0.999":   true,
		"application/json;Q=0.2, text/plain;q=0.3":          false,
		"application/json;charset=utf-8;q=1, text/*;q=0.5":  true,
		`text/plain;x="a, application/json", image/png`:     false, // quoted
		`text/plain;x="\", b";q=0.1, application/json;q=.2`: true,
		`application/json;x="never closed, text/plain`:      true,

		// A weight that is none takes its range with it.
		"application/json;q=2":                     false,
		"application/json;q=-1":                    false,
		"application/json;q=NaN":                   false,
		"application/json;q=":                      false,
		"application/json;q=high, text/plain;q=.1": false,
		",, ;q=1,application/json,":                true,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Accept"] = []string{accept}
		problem.Problem{Status: 503}.Write(w, r)
		if got := w.Header().Get("Content-Type") == "application/problem+json"; got != json {
			t.Errorf("%q: JSON is %v, want %v", accept, got, json)
		}
	}
}

func TestSeveralAcceptHeadersAreOne(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["Accept"] = []string{"text/html;q=0.2", "application/json;q=0.3"}
	problem.Problem{Status: 503}.Write(w, r)
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("%s", got)
	}
}

func TestWhoAsksForTooMuchGetsText(t *testing.T) {
	const json = "application/json, "
	for name, c := range map[string]struct {
		accept string
		json   bool
	}{
		"2 KiB":                    {json + strings.Repeat(" ", 2<<10-len(json)), true},
		"more than 2 KiB":          {json + strings.Repeat(" ", 2<<10), false},
		"the fiftieth range":       {strings.Repeat("a/b,", 49) + json, true},
		"the range after that":     {strings.Repeat("a/b,", 50) + json, false},
		"the fiftieth, of nothing": {strings.Repeat(",", 50) + json, false},
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept", c.accept)
		problem.Problem{Status: 503}.Write(w, r)
		if got := w.Header().Get("Content-Type") == "application/problem+json"; got != c.json {
			t.Errorf("%s: JSON is %v, want %v", name, got, c.json)
		}
	}
}

// Whatever the client sends, it gets one of the two, each time the same, and
// JSON only if it has asked for that.
func FuzzAccept(f *testing.F) {
	for _, seed := range []string{"*/*", "application/json;q=0.5, text/html", `a/b;c="d,e"`, ";;;,,,", "text/*;q=1e400", strings.Repeat(`"\`, 50)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		kinds := make(map[string]bool)
		for range 2 {
			w := httptest.NewRecorder()
			r := &http.Request{Method: "GET", Header: http.Header{"Accept": {accept}}}
			problem.Problem{Status: 503}.Write(w, r)
			kinds[w.Header().Get("Content-Type")] = true
		}
		if len(kinds) != 1 || !kinds["application/problem+json"] && !kinds["text/plain; charset=utf-8"] {
			t.Errorf("%q: %v", accept, kinds)
		}
		if kinds["application/problem+json"] && !strings.Contains(strings.ToLower(accept), "json") && !strings.Contains(accept, "*") {
			t.Errorf("%q does not ask for JSON", accept)
		}
	})
}
