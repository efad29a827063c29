package graph_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/heeler-go/heeler/profile/internal/browse"
	"github.com/heeler-go/heeler/profile/internal/graph"
)

func TestThePagesWorkInABrowserUnderTheirPolicy(t *testing.T) {
	var mu sync.Mutex
	var asked, expected []string
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
	t.Run("pages", func(t *testing.T) {
		for page, want := range pages {
			path := "/mounted/somewhere/pprof/" + page
			expected = append(expected, path)
			t.Run(page, func(t *testing.T) {
				t.Parallel()
				dom, console := browse.Page(t, server.URL+path, "pprof-"+page, "--window-size=1200,700")
				if console != "" {
					t.Errorf("the console says %s", console)
				}
				if !regexp.MustCompile(want).MatchString(dom) {
					t.Errorf("there is no %s in\n%s", want, dom)
				}
				if strings.Contains(dom, "<title>owned") {
					t.Error("a script of the profile has run")
				}
			})
		}
	})
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(asked)
	if slices.Sort(expected); !slices.Equal(asked, expected) {
		t.Errorf("the browsers asked for %q, want %q", asked, expected)
	}
}
