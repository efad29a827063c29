package graph_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/heeler-go/heeler/profile/internal/browse"
	"github.com/heeler-go/heeler/profile/internal/graph"
)

func TestThePagesWorkInABrowserUnderTheirPolicy(t *testing.T) {
	var mu sync.Mutex
	var asked []string // since it was last told
	tellAsked := func() []string {
		mu.Lock()
		defer mu.Unlock()
		defer func() { asked = nil }()
		return asked
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mu.Unlock()
		_, rest, _ := strings.Cut(r.URL.Path, "/mounted/somewhere/pprof/")
		graph.ServeUI(w, r, reader(hostileShop(hostile...)), rest, nonce)
	}))
	defer server.Close()
	// What only the pages' scripts make, and what must have become of them.
	pages := map[string]string{
		"flamegraph": `<div class="boxbg[^>]*style="[^"]*width: [0-9]`,
		"top":        `<td>main\.\(\*Store\)\.query</td>`,
		"peek":       `<a title="[^"]*" href="\?" id="focus" class="disabled">`,
	}
	if graph.Available() {
		pages["graph"] = `(?s)id="focus" class="disabled">.*<g id="node1" class="node">`
	}
	for page, want := range pages {
		dom, console := browse.Page(t, server.URL+"/mounted/somewhere/pprof/"+page, "pprof-"+page, "--window-size=1200,700")
		if console != "" {
			t.Errorf("%s: the console says %s", page, console)
		}
		if !regexp.MustCompile(want).MatchString(dom) {
			t.Errorf("%s: there is no %s in\n%s", page, want, dom)
		}
		if strings.Contains(dom, "<title>owned") {
			t.Errorf("%s: a script of the profile has run", page)
		}
		if paths := tellAsked(); len(paths) != 1 {
			t.Errorf("%s: the browser asked for %q", page, paths)
		}
	}
}
