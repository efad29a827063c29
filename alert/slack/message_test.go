package slack_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/alert/slack"
)

func slow() alert.Alert {
	return alert.Alert{
		Time:  time.Date(2026, 11, 20, 10, 15, 0, 0, time.UTC),
		Title: "GET /repo/{name} is slow: 23s", Count: 17,
		Text: "23 s into GET /repo/heeler\nwaiting for the network\n\nand all the rest of it",
		Tags: map[string]string{"host": "web3", "route": "GET /repo/{name}", "api token": "hunter2"},
		Request: &alert.Request{
			ID: "7f3a", Method: "GET", URI: "/repo/heeler?page=2&token=hunter2", Host: "shop.example.com",
		},
		Backends: []alert.Backend{{Name: "mysql", Calls: 231, Errors: 2, Time: 8100 * time.Millisecond,
			Running: []alert.Call{{Statement: "SET PASSWORD = 'hunter2'", Elapsed: 4900 * time.Millisecond}}}},
		Stacks: []alert.Stack{
			{Name: "the request's own goroutine", State: "waiting for the network", Count: 1, Frames: []alert.Frame{
				{Func: "net.(*conn).Read", File: "/usr/local/go/src/net/net.go", Line: 194},
				{Func: "github.com/acme/shop/cart.(*Store).Save", File: "/home/build/shop/cart/store.go", Line: 42, App: true},
				{Func: "github.com/acme/shop.checkout", File: "/home/build/shop/checkout.go", Line: 7, App: true},
			}},
			{Name: "started by it", State: "asleep", Count: 3},
		},
		Files: []alert.File{{Name: "request.trace", Data: make([]byte, 100)}},
	}
}

func TestAMessageSaysWhatHowOftenAndWhereItStands(t *testing.T) {
	m := sent(t, slow())
	want := `*GET /repo/{name} is slow: 23s (×17)*
--
23 s into GET /repo/heeler
waiting for the network
--
in a call to mysql for 4.9s: SET PASSWORD = '[redacted]'
mysql: 231 calls in 8.1s, 2 errors
--
` + "```" + `
the request's own goroutine: waiting for the network
  cart.(*Store).Save store.go:42
  shop.checkout checkout.go:7
and 1 more stacks
` + "```" + `
--
Files, not sent to Slack: request.trace (100 bytes)
--
api token: [redacted] · host: web3 · route: GET /repo/{name} · request 7f3a · 2026-11-20 10:15:00 UTC`
	if m.String() != want {
		t.Errorf("the message is\n%s\nwant\n%s", m, want)
	}
	if want := "GET /repo/{name} is slow: 23s (×17)\n23 s into GET /repo/heeler\nwaiting for the network\n\nand all the rest of it"; m.Text != want {
		t.Errorf("a notification shows\n%s\nwant\n%s", m.Text, want)
	}
	if last := m.Blocks[len(m.Blocks)-1]; last.Type != "context" || m.Blocks[0].Type != "section" {
		t.Errorf("the blocks are %+v", m.Blocks)
	}
}

func TestWhatHasBeenSaidIsNotSaidTwice(t *testing.T) {
	for name, c := range map[string]struct {
		a    alert.Alert
		want string
	}{
		"nothing at all":              {alert.Alert{}, "*alert*"},
		"only a title":                {alert.Alert{Title: "mysql hangs"}, "*mysql hangs*"},
		"the title is the first line": {alert.Alert{Title: "mysql hangs", Text: "mysql hangs\n\nsince noon\n\n\nsays cron\n"}, "*mysql hangs*\n--\n```\nsince noon\n\n\nsays cron\n```"},
		"the title was too long": {alert.Alert{Title: strings.Repeat("x", 201), Text: strings.Repeat("x", 201)},
			"*" + strings.Repeat("x", 199) + "…*\n--\n" + strings.Repeat("x", 201)},
		"a request without words": {alert.Alert{Title: "slow", Request: &alert.Request{Method: "GET", URI: "/login?token=hunter2", Host: "shop"}},
			"*slow*\n--\nGET /login?token=[redacted] on shop"},
		"stars in the title": {alert.Alert{Title: "in cart.(*Store).Save"}, "in cart.(*Store).Save"},
		"a stack of nobody's own": {alert.Alert{Title: "slow", Stacks: []alert.Stack{{Name: "its own", Frames: []alert.Frame{{Func: "time.Sleep", File: "sleep.go", Line: 1}}}}},
			"*slow*\n--\n```\nits own\n  time.Sleep sleep.go:1\n```"},
	} {
		if got := sent(t, c.a).String(); got != c.want {
			t.Errorf("%s: the message is\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

// units counts as generously as Slack may: in UTF-16.
func units(s string) int { return len(utf16.Encode([]rune(s))) }

// raw is what Slack would make something of.
var raw = regexp.MustCompile(`[<>]|&(?:[^alg]|$)|&a[^m]|&[lg][^t]`)

func TestHostileWordsCallNobodyAndLinkNowhere(t *testing.T) {
	const hostile = "<!channel> <@U024BE7LH> <https://evil.example|your bank> &lt;!here&gt; ```\n</x> @everyone #general \x1b[31m\u202eabc \xff&"
	a := alert.Alert{
		Title: hostile, Text: hostile + "\n\n" + hostile, Tags: map[string]string{hostile: hostile}, Key: hostile,
		Request:  &alert.Request{ID: hostile, Method: hostile, URI: hostile, Host: hostile},
		Backends: []alert.Backend{{Name: hostile, Running: []alert.Call{{Statement: hostile}}}},
		Files:    []alert.File{{Name: hostile}},
	}
	stacked := a
	stacked.Stacks = []alert.Stack{{Name: hostile, State: hostile, Frames: []alert.Frame{{Func: hostile, File: hostile}}}}
	wordless := a
	wordless.Text = ""
	for _, a := range []alert.Alert{a, stacked, wordless} {
		m := sent(t, a)
		if m.Mrkdwn || m.UnfurlLinks || m.UnfurlMedia {
			t.Errorf("Slack is asked to make something of it: %+v", m)
		}
		if strings.Contains(m.Text, "@everyone") || !strings.Contains(m.Text, "@\u200beveryone") {
			t.Errorf("a server that knows no blocks, and no verbatim, is made to call everyone: %s", m.Text)
		}
		all := append(m.texts(), text{"mrkdwn", m.Text, true})
		if len(all) < 4 {
			t.Fatalf("only %d texts:\n%s", len(all), m)
		}
		for _, text := range all {
			if found := raw.FindString(text.Text); found != "" {
				t.Errorf("%q is in\n%s", found, text.Text)
			}
			if strings.ContainsAny(text.Text, "\x1b\u202e") || !utf8.ValidString(text.Text) {
				t.Errorf("%q would do something to a reader's screen", text.Text)
			}
			if text.Type != "mrkdwn" || !text.Verbatim {
				t.Errorf("Slack is asked to look for names and addresses in %+v", text)
			}
			inside, isCode := strings.CutPrefix(text.Text, "```\n")
			if inside, _ = strings.CutSuffix(inside, "\n```"); isCode && strings.Contains(inside, "```") {
				t.Errorf("a block of code ends early:\n%s", text.Text)
			}
		}
		if !strings.Contains(m.String(), "&lt;!channel&gt;") || !strings.Contains(m.String(), "&amp;lt;!here&amp;gt;") {
			t.Errorf("the words are not all there:\n%s", m)
		}
	}
}

func TestAMessageHasRoomInSlackWhateverTheAlert(t *testing.T) {
	for _, unit := range []string{"x", "&", "\n\n&", "é", "日", "😀", "`", "\xff", "x\n"} {
		huge := strings.Repeat(unit, 30_000)
		a := alert.Alert{Title: huge, Text: huge, Tags: map[string]string{}, Request: &alert.Request{ID: huge, Method: huge, URI: huge, Host: huge}}
		for i := range 200 {
			a.Tags[fmt.Sprint(i)+huge[:300]] = huge[:300]
			a.Files = append(a.Files, alert.File{Name: huge[:300]})
			a.Backends = append(a.Backends, alert.Backend{Name: huge, Running: []alert.Call{{Statement: huge}}})
		}
		stacked := a
		stacked.Stacks = make([]alert.Stack, 100)
		for i := range stacked.Stacks {
			stacked.Stacks[i] = alert.Stack{Name: huge, State: huge, Frames: make([]alert.Frame, 500)}
		}
		stacked.Stacks[0].Frames[0] = alert.Frame{Func: huge, File: huge, App: true}
		for _, a := range []alert.Alert{a, stacked} {
			m := sent(t, a)
			total := units(m.Text)
			for _, text := range m.texts() {
				n := units(text.Text)
				if n > 3000 || n == 0 || strings.TrimSpace(text.Text) == "" {
					t.Errorf("%q: a text of %d characters", unit, n)
				}
				total += n
			}
			if total > 40_000 || len(m.Blocks) > 50 || m.Text == "" || units(m.Text) > 1000 {
				t.Errorf("%q: %d characters in %d blocks", unit, total, len(m.Blocks))
			}
		}
	}
}

func TestWhatIsCutSaysHowMuch(t *testing.T) {
	m := sent(t, alert.Alert{Title: "t", Text: "t\n\n" + strings.Repeat("<", 5000)})
	all := m.texts()
	shown := strings.Count(all[1].Text, "&lt;")
	if want := fmt.Sprintf("```\n%s\n```\n… (cut: %d more characters)", strings.Repeat("&lt;", shown), 5000-shown); all[1].Text != want || shown < 600 {
		t.Errorf("the text is\n%s", all[1].Text)
	}
	m = sent(t, alert.Alert{Title: "t", Text: strings.Repeat("日", 5000)})
	shown = strings.Count(m.texts()[1].Text, "日")
	if want := fmt.Sprintf("… (cut: %d more characters)", 5000-shown); !strings.HasSuffix(m.texts()[1].Text, want) || shown < 2700 {
		t.Errorf("the text is\n%s", m.texts()[1].Text)
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "a<b>&c", "<!channel>", "&amp;", "```", "````x``", "日本😀", "\xff\xfe\x00", "\u202e\u2067"} {
		f.Add(s, 10)
		f.Add(s, 1000)
	}
	f.Fuzz(func(t *testing.T, s string, room int) {
		room %= 5000
		got, left := slack.Escape(s, room)
		if raw.MatchString(got) || !utf8.ValidString(got) {
			t.Errorf("%q is %q", s, got)
		}
		if n := units(got); n > max(room, 0) {
			t.Errorf("%q is %q, of %d characters, in room for %d", s, got, n, room)
		}
		// What is shown and what is left are all of it: nothing is lost unsaid.
		shown := strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(got)
		if n := utf8.RuneCountInString(shown) + left; n != utf8.RuneCountInString(s) {
			t.Errorf("%q is %q and %d more", s, got, left)
		}
		if room < 200 {
			return
		}
		block := slack.Code(s, room)
		if strings.Count(block, "```") != 2 || units(block) > room {
			t.Errorf("%q as code, in room for %d, is\n%s", s, room, block)
		}
	})
}
