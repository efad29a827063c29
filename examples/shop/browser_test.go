package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/heeler-go/heeler/internal/servers"
)

// A chromium is a real browser. What it complains of, and which hosts it asks, is noted.
type chromium struct {
	ctx context.Context

	mu         sync.Mutex
	complaints []string
	asked      []string // the URLs
}

// openChromium starts a Chromium that knows nothing of others and speaks to nobody unasked.
func openChromium(t *testing.T) *chromium {
	t.Helper()
	flags := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(servers.Program(t, "chromium", "chromium")), chromedp.UserDataDir(t.TempDir()), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1300, 1000))
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), flags...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	b := &chromium{ctx: ctx}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		t.Fatal(err)
	}
	_, err1 := chromedp.Call(ctx, network.Enable, network.EnableParams{})
	_, err2 := chromedp.Call(ctx, runtime.Enable, cdp.Empty{})
	_, err3 := chromedp.Call(ctx, log.Enable, cdp.Empty{})
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *chromium) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.asked = append(b.asked, e.Request.URL)
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, e.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" || e.Type == "assert" {
			b.complaints = append(b.complaints, fmt.Sprintf("console: %s", e.Args[0].Value))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" || e.Entry.Source == "security" {
			b.complaints = append(b.complaints, e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// in does something in the browser, for a minute at most.
func in[T any](t *testing.T, b *chromium, a chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	got, err := chromedp.Run(ctx, a)
	if err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		t.Fatalf("in the browser: %v; it complained of %q", err, b.complaints)
	}
	return got
}

// keep writes a picture of the whole page to where a person can look at it.
func (b *chromium) keep(t *testing.T, name string) {
	t.Helper()
	picture := in(t, b, chromedp.FullScreenshot(100))
	dir := os.Getenv("HEELER_ARTIFACTS")
	if dir == "" {
		dir = filepath.Join(os.TempDir(), "heeler-artifacts")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, name+".png")
	if err := os.WriteFile(file, picture, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Log("a picture of the page is in", file)
}

// atPeace fails if the browser complained of anything, or asked anybody but the shop.
func (b *chromium) atPeace(t *testing.T, url string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.complaints {
		t.Errorf("the browser complains: %s", c)
	}
	for _, asked := range b.asked {
		if !strings.HasPrefix(asked, url+"/") && !strings.HasPrefix(asked, "data:") && !strings.HasPrefix(asked, "blob:") {
			t.Errorf("the page asked %s, which is not the shop", asked)
		}
	}
}

func TestTheAdminProfilesAPageInABrowser(t *testing.T) {
	b := openChromium(t)
	v := visit(t)
	v.turn("mysql", "slow 15ms")
	in(t, b, chromedp.Navigate(v.url+"/admin/"+v.shop.adminKey))
	in(t, b, chromedp.Click(chromedp.CSS("footer a.profile")))
	in(t, b, chromedp.WaitVisible(chromedp.CSS("#shares")))
	request, sentence := in(t, b, chromedp.Text(chromedp.CSS(".what"))), in(t, b, chromedp.Text(chromedp.CSS("h1")))
	in(t, b, chromedp.ScrollIntoView(chromedp.CSS(".graph"))) // it is drawn when it is seen
	in(t, b, chromedp.WaitVisible(chromedp.CSS(".graph svg")))
	count := func(css string) int {
		return in(t, b, chromedp.Evaluate[int](fmt.Sprintf("document.querySelectorAll(%q).length", css)))
	}
	drawn, flames, bars := count(".graph svg g.node"), count(".flame rect"), count(".rows rect")
	if !strings.Contains(request, "/authors") || !strings.Contains(sentence, "waiting for mysql") {
		t.Errorf("the page says %q, %q", request, sentence)
	}
	if drawn < 5 || flames < 5 || bars < 5 {
		t.Errorf("%d nodes in the graph, %d calls in the flame graph, %d bars in the timeline", drawn, flames, bars)
	}
	b.keep(t, "profile")
	b.atPeace(t, v.url)
}
