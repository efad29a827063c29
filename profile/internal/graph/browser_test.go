package graph_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/internal/graph"
)

// browse has Chromium open a page, and gives what the page has become and what the console says. With
// HEELER_SCREENSHOTS it leaves a picture in that folder.
func browse(t *testing.T, url, name string) (dom, console string) {
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
	args := []string{
		"--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--window-size=1200,700",
		"--virtual-time-budget=2000", "--user-data-dir=" + t.TempDir(), "--dump-dom",
	}
	if dir := os.Getenv("HEELER_SCREENSHOTS"); dir != "" {
		args = append(args, "--screenshot="+filepath.Join(dir, "pprof-"+name+".png"))
	}
	browser := exec.CommandContext(ctx, program, append(args, url)...)
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
		dom, console := browse(t, server.URL+"/mounted/somewhere/pprof/"+page, page)
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
