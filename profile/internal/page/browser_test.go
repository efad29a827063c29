package page_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/internal/browse"
	"github.com/heeler-go/heeler/profile/internal/page"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// compiled is how long a browser may take to compile the drawing program. It takes 0.1 s when nothing else
// runs; where that much does that it takes longer, it may try again.
const compiled = 2 * time.Second

// site serves results and says what was asked for.
func site(t testing.TB, results map[string]*result.Result) (url string, asked func() []string) {
	var mu sync.Mutex
	var paths []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ok := strings.CutPrefix(r.URL.Path, "/mounted/somewhere/")
		mu.Lock()
		paths = append(paths, path)
		mu.Unlock()
		id, rest, _ := strings.Cut(path, "/")
		if rest == "graph.dot" {
			// The browser's time stands still while it waits for an answer. It would not for the drawing
			// program, which it compiles meanwhile.
			time.Sleep(compiled)
		}
		switch res := results[id]; {
		case ok && id == "-":
			page.Asset(w, r, rest)
		case res != nil:
			page.Serve(w, r, res, rest, page.Options{Share: "../" + id + ".token/result/"})
		default:
			page.NotFound(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL + "/mounted/somewhere/", func() []string {
		mu.Lock()
		defer mu.Unlock()
		slices.Sort(paths)
		return slices.Compact(slices.Clone(paths))
	}
}

func TestPagesWorkInABrowserUnderTheirPolicy(t *testing.T) {
	results := map[string]*result.Result{"usual": repository(t, 12), "hostile": filled(t, strings.Join(hostile[:5], ""))}
	url, asked := site(t, results)
	drawn := regexp.MustCompile(`<div class="graph drawn"[^>]*><svg(?s:.*)<g id="node1" class="node">`)
	t.Run("pages", func(t *testing.T) {
		for name := range results {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dom, console := browse.Page(t, url+name+"/", "profile-"+name, "--window-size=1300,3400")
				for try := 1; try < 5 && !drawn.MatchString(dom); try++ {
					dom, console = browse.Page(t, url+name+"/", "profile-"+name, "--window-size=1300,3400")
				}
				if console != "" {
					t.Errorf("the console says %s", console)
				}
				if !drawn.MatchString(dom) {
					t.Error("the call graph was not drawn")
				}
				if strings.Contains(dom, "<title>hacked") {
					t.Error("text of the program has run")
				}
			})
		}
	})
	if os.Getenv("HEELER_SCREENSHOTS") != "" {
		browse.Page(t, url+"usual/", "profile-dark", "--window-size=1300,3400", "--force-dark-mode")
		browse.Page(t, url+"usual/", "profile-narrow", "--window-size=500,3400")
	}
	for _, path := range asked() {
		id, rest, _ := strings.Cut(path, "/")
		if results[id] != nil && (rest == "" || rest == "graph.dot") || path == "-/page.js" || path == "-/viz.js" {
			continue
		}
		t.Errorf("the browser asked for %q", path)
	}
}

func TestTheApplicationsScriptsDoNotRun(t *testing.T) {
	res := repository(t, 0)
	res.Response.Body = []byte(`<title>quiet</title><h1>Hello</h1><script>document.title="hacked"</script><img src=x onerror="document.title='hacked'">` +
		`<form action=/x><button id=b>go</button></form><meta http-equiv=refresh content="0;url=/refreshed"><iframe src=/framed></iframe>`)
	url, asked := site(t, map[string]*result.Result{"usual": res})
	dom, _ := browse.Page(t, url+"usual/response", "profile-response", "--window-size=700,400")
	if !strings.Contains(dom, "<h1>Hello</h1>") || !strings.Contains(dom, "<title>quiet</title>") {
		t.Errorf("the answer has become %s", dom)
	}
	if paths := asked(); !slices.Equal(paths, []string{"usual/response"}) {
		t.Errorf("the browser asked for %q", paths)
	}
}
