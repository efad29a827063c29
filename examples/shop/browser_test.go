package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/heeler-go/heeler/examples/internal/chromium"
)

func TestTheAdminProfilesAPageInABrowser(t *testing.T) {
	b := chromium.Open(t)
	v := visit(t)
	v.turn("mysql", "slow 15ms")
	chromium.In(t, b, chromedp.Navigate(v.url+"/admin/"+v.shop.adminKey))
	chromium.In(t, b, chromedp.Click(chromedp.CSS("footer a.profile")))
	chromium.In(t, b, chromedp.WaitVisible(chromedp.CSS("#shares")))
	request, sentence := chromium.In(t, b, chromedp.Text(chromedp.CSS(".what"))), chromium.In(t, b, chromedp.Text(chromedp.CSS("h1")))
	chromium.In(t, b, chromedp.ScrollIntoView(chromedp.CSS(".graph"))) // it is drawn when it is seen
	chromium.In(t, b, chromedp.WaitVisible(chromedp.CSS(".graph svg")))
	count := func(css string) int {
		return chromium.In(t, b, chromedp.Evaluate[int](fmt.Sprintf("document.querySelectorAll(%q).length", css)))
	}
	drawn, flames, bars := count(".graph svg g.node"), count(".flame rect"), count(".rows rect")
	if !strings.Contains(request, "/authors") || !strings.Contains(sentence, "waiting for mysql") {
		t.Errorf("the page says %q, %q", request, sentence)
	}
	if drawn < 5 || flames < 5 || bars < 5 {
		t.Errorf("%d nodes in the graph, %d calls in the flame graph, %d bars in the timeline", drawn, flames, bars)
	}
	b.Keep(t, "profile")
	b.AtPeace(t, v.url)
}
