package alert_test

import (
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/heeler-go/heeler/alert"
)

func TestOneLine(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"", 5, ""},
		{"plain", 5, "plain"},
		{"too long", 5, "too …"},
		{"  a \r\n\t b  ", 9, "a b"},
		{"a\x00b\x1b[31mc", 20, "a b [31mc"},
		{"a\u2028b\u202ec\u200bd", 20, "a b c d"},
		{"\xff\xfe", 5, "\ufffd\ufffd"},
		{"äöü", 3, "äöü"},
		{"äöüß", 3, "äö…"},
		{"ab c", 3, "ab…"},
		{"x", 0, "…"},
	} {
		if got := alert.OneLine(c.in, c.limit); got != c.want {
			t.Errorf("OneLine(%q, %d) is %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func FuzzOneLine(f *testing.F) {
	f.Add("GET /a\r\nBcc: x@y", 20)
	f.Add("\u202egnp.exe", 4)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(1, min(limit, 1000))
		got := alert.OneLine(s, limit)
		if n := utf8.RuneCountInString(got); n > limit || !utf8.ValidString(got) {
			t.Errorf("%q has %d characters, want at most %d of UTF-8", got, n, limit)
		}
		if strings.ContainsFunc(got, func(r rune) bool {
			return r != ' ' && (unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r))
		}) || strings.Contains(got, "  ") {
			t.Errorf("%q is not one clean line", got)
		}
	})
}

func TestTheHeadlineSaysHowManyItStandsFor(t *testing.T) {
	for want, a := range map[string]alert.Alert{
		"slow":                         {Title: "slow"},
		"slow (×17)":                   {Title: "slow\n", Count: 17},
		"alert":                        {},
		strings.Repeat("x", 199) + "…": {Title: strings.Repeat("x", 300)},
	} {
		if got := a.Headline(); got != want {
			t.Errorf("the headline is %q, want %q", got, want)
		}
	}
}

func TestTheReportHasTheTextOrElseTheParts(t *testing.T) {
	a := example
	a.Count = 2
	head := `GET /repo/heeler has taken 23 s (×2)
Seen: 2026-11-20 10:15:00.123 UTC
Stands for: 2 alike, of which this is the first
host: web3
route: GET /repo/{name}
`
	if got, want := a.Report(), head+"\n23 s into GET /repo/heeler\nin call 231 to mysql\n"; got != want {
		t.Errorf("the report is\n%s\nwant\n%s", got, want)
	}
	a.Text = ""
	a.Request.Start = time.Date(2026, 11, 20, 10, 14, 37, 0, time.UTC)
	want := head + `
GET /repo/heeler?page=2 HTTP/1.1
    ID: 7f3a
    Start: 2026-11-20T10:14:37Z
    Route: GET /repo/{name}
    Host: shop.example
    From: 192.0.2.7:4711
    Accept: text/html

the request's own goroutine: waiting for the network
   internal/poll.(*FD).Read
       /usr/local/go/src/internal/poll/fd_unix.go:165
 → github.com/acme/shop/repo.Find
       /src/shop/repo/find.go:42
           rows, err := db.QueryContext(ctx, q)

started by it: asleep (×3)
   time.Sleep
       time.go:1
`
	if got := a.Report(); got != want {
		t.Errorf("the report is\n%s\nwant\n%s", got, want)
	}
}
