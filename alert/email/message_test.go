package email_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/alert/email"
)

// A part is one leaf of a mail, decoded.
type part struct {
	kind, name, body string
}

func parse(t *testing.T, data []byte) (mail.Header, []part) {
	t.Helper()
	msg, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return msg.Header, parts(t, msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), "", msg.Body)
}

func parts(t *testing.T, contentType, encoding, name string, body io.Reader) []part {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatalf("content type %q: %v", contentType, err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		switch encoding {
		case "quoted-printable":
			body = quotedprintable.NewReader(body)
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, body)
		}
		b, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		return []part{{kind, name, strings.ReplaceAll(string(b), "\r\n", "\n")}}
	}
	var out []part
	for r := multipart.NewReader(body, params["boundary"]); ; {
		p, err := r.NextRawPart()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, parts(t, p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p.FileName(), p)...)
	}
}

func subject(h mail.Header) string {
	s, _ := new(mime.WordDecoder).DecodeHeader(h.Get("Subject"))
	return s
}

// sent is what arrives of a.
func sent(t *testing.T, a alert.Alert) (mail.Header, []part) {
	t.Helper()
	s := serve(t, startTLS)
	sink := s.sink()
	sink.SubjectPrefix = "[shop]"
	sink.MaxAttach = 100
	if err := sink.Send(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return parse(t, s.mail().data)
}

func example() alert.Alert {
	seen := time.Date(2026, 11, 20, 10, 15, 0, 123e6, time.UTC)
	return alert.Alert{
		Time: seen, Key: "k", Title: "GET /repo/heeler has taken 23 s", Count: 17,
		Text: "23 s into GET /repo/heeler?page=2\nin call 231 to mysql since 4.9 s, 230 of them the same: SELECT * FROM commits WHERE repo = ?\n\n" +
			"the request's own goroutine: waiting for the network\n    github.com/acme/shop/repo.(*Store).Find\n",
		Tags: map[string]string{"route": "GET /repo/{name}", "backend": "mysql", "calls": "231 to mysql in 22.8 s"},
		Backends: []alert.Backend{
			{Name: "mysql", Calls: 231, Errors: 2, Time: 22800 * time.Millisecond, More: 4,
				Statements: []alert.Statement{{Text: "SELECT * FROM commits WHERE repo < ?", Calls: 230, Time: 22 * time.Second}},
				Running:    []alert.Call{{Statement: "SELECT * FROM commits WHERE repo < ?", Elapsed: 4900 * time.Millisecond, Number: 231, Before: 229}}, MoreRunning: 2},
			{Name: "redis", Refused: 3},
		},
		Request: &alert.Request{
			ID: "7f3a9c0de1", Start: seen.Add(-23 * time.Second), Method: "GET", URI: "/repo/heeler?page=2&q=a<b>&token=%5Bredacted%5D",
			Route: "GET /repo/{name}", Host: "shop.example.com", RemoteAddr: "192.0.2.7:4711", Proto: "HTTP/1.1",
			Header: map[string]string{"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15"},
		},
		Stacks: []alert.Stack{
			{Name: "the request's own goroutine", State: "waiting for the network", Count: 1, Frames: []alert.Frame{
				{Func: "internal/poll.runtime_pollWait", File: "/usr/local/go/src/runtime/netpoll.go", Line: 351},
				{Func: "internal/poll.(*FD).Read", File: "/usr/local/go/src/internal/poll/fd_unix.go", Line: 165},
				{Func: "net.(*conn).Read", File: "/usr/local/go/src/net/net.go", Line: 194},
				{Func: "github.com/go-sql-driver/mysql.(*buffer).readNext", File: "/root/go/pkg/mod/github.com/go-sql-driver/mysql@v1.9.3/buffer.go", Line: 88},
				{Func: "database/sql.(*DB).queryDC.func1", File: "/usr/local/go/src/database/sql/sql.go", Line: 1812},
				{Func: "database/sql.(*DB).QueryContext", File: "/usr/local/go/src/database/sql/sql.go", Line: 1743},
				{Func: "github.com/acme/shop/internal/storage/repository.(*Store).FindCommits", File: "/home/build/src/github.com/acme/shop/internal/storage/repository/commits_store.go", Line: 142, App: true,
					Source: "rows, err := s.db.QueryContext(ctx, `SELECT * FROM commits WHERE repo = ? ORDER BY id`, repo.ID)"},
				{Func: "github.com/acme/shop/web.(*Server).showRepo", File: "/home/build/src/github.com/acme/shop/web/repo.go", Line: 57, App: true, Source: "commits, err := s.store.FindCommits(ctx, repo)"},
				{Func: "net/http.HandlerFunc.ServeHTTP", File: "/usr/local/go/src/net/http/server.go", Line: 2322},
				{Func: "github.com/go-chi/chi/v5.(*Mux).routeHTTP", File: "/root/go/pkg/mod/github.com/go-chi/chi/v5@v5.2.3/mux.go", Line: 482},
				{Func: "net/http.(*conn).serve", File: "/usr/local/go/src/net/http/server.go", Line: 2103},
			}},
			{Name: "started by it", State: "waiting for a lock", Count: 3, Frames: []alert.Frame{
				{Func: "sync.(*Mutex).Lock", File: "/usr/local/go/src/sync/mutex.go", Line: 46},
				{Func: "github.com/acme/shop/cart.Map[github.com/acme/shop/cart.Item].func1", File: "/home/build/src/github.com/acme/shop/cart/map.go", Line: 9, App: true, Source: "m.mu.Lock()"},
			}},
		},
		Files: []alert.File{
			{Name: "request.trace", Type: "application/octet-stream", Data: []byte("\x00trace\xff")},
			{Name: "report.json", Type: "application/json", Data: bytes.Repeat([]byte("1"), 200)},
		},
	}
}

func TestTheMailSaysItAsTextAndAsHTML(t *testing.T) {
	a := example()
	header, got := sent(t, a)
	if got, want := subject(header), "[shop] GET /repo/heeler has taken 23 s (×17)"; got != want {
		t.Errorf("the subject is %q, want %q", got, want)
	}
	for name, want := range map[string]string{
		"From": `"Shop" <shop@example.com>`, "To": "<oncall@example.com>", "Auto-Submitted": "auto-generated",
		"References": "<8254c329a92850f6d539dd37@alert.heeler>",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if len(got) != 3 || got[0].kind != "text/plain" || got[1].kind != "text/html" {
		t.Fatalf("the parts are %q", got)
	}
	if want := a.Report() + "\nNot attached, too large: report.json (200 bytes)\n"; strings.TrimSpace(got[0].body) != strings.TrimSpace(want) {
		t.Errorf("the text is\n%s\nwant\n%s", got[0].body, want)
	}
	if got[2] != (part{"application/octet-stream", "request.trace", "\x00trace\xff"}) {
		t.Errorf("the attachment is %q", got[2])
	}
	html := got[1].body
	for _, want := range []string{
		`<meta name="viewport" content="width=device-width, initial-scale=1">`, `<meta name="color-scheme" content="light dark">`,
		"17 alike", "2026-11-20 10:15:00 UTC", "Stands in · waiting for the network",
		`>repository.(*Store).FindCommits</div>`, `>commits_store.go:142</span>`,
		"rows, err := s.db.QueryContext(ctx, `SELECT * FROM commits",
		`>cart.Map[cart.Item].func1</div>`, "×3",
		`net/http.(*conn).serve <span style="white-space:nowrap;">server.go:2103</span>`, "/repo/heeler?page=2&amp;q=a&lt;b&gt;&amp;token=%5Bredacted%5D",
		"10:14:37.123 UTC, 23s before", "231 to mysql in 22.8 s", "The whole report", "since 4.9 s, 230 of them the same",
		"Not attached, too large", "report.json",
		">Calls to backends</h2>", ">mysql: 231 calls in 22.8s, 2 errors</div>", ">redis: 0 calls in 0s, 3 refused</div>", ">… and 4 more</div>",
		">now number 231, for 4.9s, 229 alike before: SELECT * FROM commits WHERE repo &lt; ?</div>", ">and 2 more now</div>", ">230 calls in 22s: SELECT * FROM commits WHERE repo &lt; ?</div>",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the HTML does not have %s", want)
		}
	}
	for _, never := range []string{"http://", "https://", "<img", "<link", "<script", "url(", "ZgotmplZ", "/usr/local/go"} {
		if strings.Contains(html, never) {
			t.Errorf("the HTML has %s", never)
		}
	}
	if n := strings.Count(html, "GET /repo/{name}"); n != 1 {
		t.Errorf("the route is said %d times", n)
	}
	if path := os.Getenv("HEELER_MAIL_HTML"); path != "" { // to look at it in a browser
		if err := os.WriteFile(path, []byte(html), 0o600); err != nil {
			t.Error(err)
		}
	}
}

// wantHeaders accepts the headers that a mail has, once each, and no other.
func wantHeaders(t *testing.T, header mail.Header) {
	t.Helper()
	for name, values := range header {
		if len(values) != 1 || !slices.Contains([]string{
			"Date", "Mime-Version", "Message-Id", "Subject", "From", "To", "Content-Type", "Auto-Submitted", "References",
		}, name) {
			t.Errorf("there is a header %s: %q", name, values)
		}
	}
}

func FuzzMessage(f *testing.F) {
	f.Add("slow\r\nBcc: a@b", "report", "x\"; a=b", "text/plain\r\nX: y", "main.f", "/src/x.go")
	f.Add("", "\r\n.\r\n", "..", "a/b; c", "a/b.F[c/d.T]", "[")
	f.Fuzz(func(t *testing.T, title, text, name, kind, fn, file string) {
		sink := email.Sink{Host: "h", From: "a@example.com", To: []string{"b@example.com"}, SubjectPrefix: title}
		data, err := email.Message(sink, alert.Alert{
			Key: text, Title: title, Text: text, Tags: map[string]string{title: text},
			Stacks:   []alert.Stack{{Name: title, State: text, Frames: []alert.Frame{{Func: fn, File: file, App: true, Source: text}, {Func: fn, File: file}}}},
			Backends: []alert.Backend{{Name: title, Running: []alert.Call{{Statement: text}}, Statements: []alert.Statement{{Text: fn}}}},
			Files:    []alert.File{{Name: name, Type: kind, Data: []byte(text)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		header, got := parse(t, data)
		wantHeaders(t, header)
		if len(got) != 3 || got[0].kind != "text/plain" || got[1].kind != "text/html" || got[2].name == "" {
			t.Errorf("the parts are %q", got)
		}
	})
}

func TestNothingInAnAlertCanAddAHeaderOrMarkup(t *testing.T) {
	evil := "x\r\nBcc: victim@example.com\r\n\r\n<script>alert(1)</script>\u202e"
	a := alert.Alert{
		Key: evil, Title: evil, Text: evil + "\r\n.\r\nMAIL FROM:<a@b>\r\n", Tags: map[string]string{evil: evil},
		Request:  &alert.Request{Method: evil, URI: evil, Header: map[string]string{evil: evil}},
		Stacks:   []alert.Stack{{Name: evil, State: evil, Frames: []alert.Frame{{Func: evil, File: evil, App: true, Source: evil}}}},
		Backends: []alert.Backend{{Name: evil, Calls: 1, Statements: []alert.Statement{{Text: evil}}, Running: []alert.Call{{Statement: evil}}}},
		Files: []alert.File{
			{Name: "../../" + evil, Type: "text/html\r\nX-Evil: 1", Data: []byte("d")},
			{Name: `a"; filename="b.exe`, Type: "nonsense", Data: []byte("d")},
			{Name: "..", Type: "application/json; charset=utf-8", Data: []byte("d")},
		},
	}
	header, got := sent(t, a)
	wantHeaders(t, header)
	if s := subject(header); s != "[shop] x Bcc: victim@example.com <script>alert(1)</script>" {
		t.Errorf("the subject is %q", s)
	}
	if len(got) != 5 {
		t.Fatalf("the mail has %d parts, want 5: %q", len(got), got)
	}
	for _, p := range got {
		if p.kind == "text/html" && (strings.Contains(p.body, "<script") || p.name != "") {
			t.Errorf("markup came through: %q", p)
		}
		if strings.ContainsAny(p.name, "/\\\r\n") || strings.HasPrefix(p.name, "..") {
			t.Errorf("the attachment is called %q", p.name)
		}
	}
	for i, want := range []string{"application/octet-stream", "application/octet-stream", "application/json"} {
		if got[2+i].kind != want {
			t.Errorf("attachment %d is %s, want %s", i, got[2+i].kind, want)
		}
	}
}

func TestAHugeAlertStaysAMailThatPhonesShowWhole(t *testing.T) {
	a := example()
	a.Text = strings.Repeat("line of the report with ümlauts\n", 100_000)
	a.Stacks = slices.Repeat(a.Stacks, 40)
	for i := range a.Stacks {
		a.Stacks[i].Frames = slices.Repeat(a.Stacks[i].Frames, 40)
	}
	for i := range a.Backends[0].Running { // < is &lt;
		a.Backends[0].Running[i].Statement = strings.Repeat("<é", 1000)
	}
	a.Backends[0].Running = slices.Repeat(a.Backends[0].Running, 100)
	a.Backends = slices.Repeat(a.Backends, 100)
	_, got := sent(t, a)
	if n := len(got[0].body); n > 1<<20+200 || !strings.Contains(got[0].body, "… (cut)") {
		t.Errorf("the text has %d bytes, or does not say that it was cut", n)
	}
	if n := len(got[1].body); n > 102<<10 || n < 60<<10 || !strings.Contains(got[1].body, "more calls") || !strings.Contains(got[1].body, "more stacks") ||
		!strings.Contains(got[1].body, "more backends") {
		t.Errorf("the HTML has %d bytes, want 60 to 102 KB, or does not say that it was cut", n)
	}
}

func TestAShortTextIsNotSaidTwice(t *testing.T) {
	_, got := sent(t, alert.Alert{Title: "mysql is down", Text: "no answer for 30 s\n"})
	if html := got[1].body; strings.Count(html, "no answer for 30 s") != 1 || strings.Contains(html, "Report") {
		t.Errorf("the HTML is\n%s", html)
	}
}

func TestWithoutCallsToBackendsTheMailSaysNothingOfThem(t *testing.T) {
	a := example()
	a.Backends = nil
	if _, got := sent(t, a); strings.Contains(got[1].body, "backends") {
		t.Errorf("the HTML is\n%s", got[1].body)
	}
}

func TestABareAlertIsAMailToo(t *testing.T) {
	header, got := sent(t, alert.Alert{})
	if subject(header) != "[shop] alert" || len(got) != 2 || !strings.Contains(got[1].body, ">alert</h1>") {
		t.Errorf("subject %q, parts %q", subject(header), got)
	}
}
