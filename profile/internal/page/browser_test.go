package page_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/internal/page"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// browse has Chromium open a page, and gives what the page has become and what the console says. With
// HEELER_SCREENSHOTS it leaves a picture in that folder.
func browse(t *testing.T, url, name string, flags ...string) (dom, console string) {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("there is no chromium: install it")
		}
		t.Skip("there is no chromium: install it")
	}
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	flags = append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--hide-scrollbars",
		"--virtual-time-budget=10000", "--user-data-dir="+t.TempDir(), "--dump-dom")
	if dir := os.Getenv("HEELER_SCREENSHOTS"); dir != "" {
		flags = append(flags, "--screenshot="+filepath.Join(dir, "profile-"+name+".png"))
	}
	browser := exec.CommandContext(ctx, program, append(flags, url)...)
	var out, log bytes.Buffer
	browser.Stdout, browser.Stderr = &out, &log
	if err := browser.Run(); err != nil {
		t.Fatalf("chromium: %v: %s", err, log.String())
	}
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, ":CONSOLE") {
			console += line
		}
	}
	return out.String(), console
}

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
	results := map[string]*result.Result{"usual": repository(t, 12)}
	hack := func(text string) string { return "hostile" + string(rune('a'+slices.Index(hostile, text))) }
	for _, text := range hostile[:5] {
		results[hack(text)] = filled(t, text)
	}
	url, asked := site(t, results)
	drawn := regexp.MustCompile(`<div class="graph drawn"[^>]*><svg(?s:.*)<g id="node1" class="node">`)
	t.Run("pages", func(t *testing.T) {
		for name := range results {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dom, console := browse(t, url+name+"/", name, "--window-size=1300,3400")
				for try := 1; try < 5 && !drawn.MatchString(dom); try++ {
					dom, console = browse(t, url+name+"/", name, "--window-size=1300,3400")
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
		browse(t, url+"usual/", "dark", "--window-size=1300,3400", "--force-dark-mode")
		browse(t, url+"usual/", "narrow", "--window-size=500,3400")
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
	dom, _ := browse(t, url+"usual/response", "response", "--window-size=700,400")
	if !strings.Contains(dom, "<h1>Hello</h1>") || !strings.Contains(dom, "<title>quiet</title>") {
		t.Errorf("the answer has become %s", dom)
	}
	if paths := asked(); !slices.Equal(paths, []string{"usual/response"}) {
		t.Errorf("the browser asked for %q", paths)
	}
}
