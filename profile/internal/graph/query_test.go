package graph_test

import (
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/heeler-go/heeler/profile/internal/graph"
)

func TestBadQueriesAreToldSo(t *testing.T) {
	for query, want := range map[string]struct {
		status int
		text   string
	}{
		"f=(":                                 {400, "parsing focus regexp"},
		"si=nonsense":                         {400, "must be one of: [wall running network"},
		"nf=x":                                {400, "error setting config field nodefraction"},
		"unit=%22]%3B":                        {400, "accepted are letters"},
		"%zz":                                 {400, "invalid URL escape"},
		"tf=99999999999999999999":             {400, "pprof panicked"},
		"f=" + strings.Repeat("a", 8<<10):     {414, "at most 8192 bytes are accepted"},
		"f=" + strings.Repeat(".{1000}", 600): {400, "the filters are too complex"},
		"tf=(k=" + strings.Repeat(".{1000}", 600): {400, "the filters are too complex"},
	} {
		response := get(t, hostileShop(hostile...), "top?"+query)
		text, _ := io.ReadAll(response.Body)
		if response.StatusCode != want.status || !strings.Contains(string(text), want.text) {
			t.Errorf("%.30s: %d, %s", query, response.StatusCode, text)
		}
		if kind := response.Header.Get("Content-Type"); kind != "text/plain; charset=utf-8" {
			t.Errorf("%.30s: %s", query, kind)
		}
	}
}

// One user's options are not those of another's page, of the page after, or of a graph.
func TestOptionsAreOfOneRequestOnly(t *testing.T) {
	const query = "?si=running&f=render&g=lines&sort=cum&unit=us&mean=t&h=json&tf=goroutine&n=1&calltree=t"
	clean := map[string]string{}
	for _, page := range []string{"top", "flamegraph", "peek"} {
		clean[page] = body(t, get(t, shop(), page))
	}
	// Whatever ran before this test, these are pprof's defaults.
	if text := body(t, get(t, shop(), "top?sort=flat&g=functions&si=wall")); text != clean["top"] {
		t.Errorf("not the default is\n%s", clean["top"])
	}
	before, err := graph.DOT(t.Context(), shop(), "wall")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for page, want := range clean {
				get(t, shop(), page+query)
				get(t, shop(), "graph"+query)
				if text := body(t, get(t, shop(), page)); text != want {
					t.Errorf("%s is another now:\n%s", page, text)
				}
				if dot, err := graph.DOT(t.Context(), shop(), "wall"); err != nil || string(dot) != string(before) {
					t.Errorf("%v, the graph is another now:\n%s", err, dot)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzQueries(f *testing.F) {
	for _, query := range []string{
		"f=main&i=x&h=y&s=z&sf=a&prunefrom=b&tf=c=d,e&ti=1:2kb&ts=f&th=g", "si=1&mean=t&unit=ms&n=5&nf=0.1&ef=0.2&rel=t",
		"dropneg=1&calltree=yes&compact=t&noinlines=f&showcolumns=t&sort=cum&g=addresses", "tf=:99999999999999999999", "unit=auto", "n=-5",
	} {
		f.Add(query)
	}
	p := hostileShop("<b>", `"`)
	f.Fuzz(func(t *testing.T, query string) {
		for _, page := range []string{"flamegraph", "top", "peek", "download"} {
			response := get(t, p, page+"?"+query)
			if s := response.StatusCode; s != 200 && s != 400 && s != 414 {
				t.Errorf("%s: %d", page, s)
			}
			text, _ := io.ReadAll(response.Body)
			html := strings.HasPrefix(response.Header.Get("Content-Type"), "text/html")
			if html && (strings.Contains(string(text), "<b>") || forbidden.Match(value.ReplaceAll(text, []byte(`=""`)))) {
				t.Errorf("%s: something has not been escaped:\n%s", page, text)
			}
		}
	})
}
