// Package browse has tests look at pages as a browser does.
//
//	dom, console := browse.Page(t, server.URL+"/", "start")
package browse

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/servers"
)

// Page has Chromium open a page, and gives what the page has become and what the console says. The time of the page's
// scripts runs ahead, ten seconds of it in a moment, and stands still while an answer is awaited. The flags come before
// Page's own. With HEELER_SCREENSHOTS it leaves a picture, NAME.png, in that folder. Where there is no Chromium the
// test is skipped, in CI it fails.
func Page(t *testing.T, url, name string, flags ...string) (dom, console string) {
	t.Helper()
	program := servers.Program(t, "chromium", "chromium")
	ctx, stop := context.WithTimeout(t.Context(), 2*time.Minute)
	defer stop()
	flags = append(flags, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--enable-logging=stderr", "--hide-scrollbars",
		"--virtual-time-budget=10000", "--user-data-dir="+t.TempDir(), "--dump-dom")
	if dir := os.Getenv("HEELER_SCREENSHOTS"); dir != "" {
		flags = append(flags, "--screenshot="+filepath.Join(dir, name+".png"))
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
