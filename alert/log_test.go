package alert_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
)

// A buffer may be written by several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// logged puts a buffer in the place of slog's default logger.
func logged(t *testing.T) *buffer {
	b := &buffer{}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{ReplaceAttr: withoutTime})))
	t.Cleanup(func() { slog.SetDefault(before) })
	return b
}

var example = alert.Alert{
	Time:  time.Date(2026, 11, 20, 10, 15, 0, 123e6, time.UTC),
	Key:   "slow GET /repo/{name}",
	Title: "GET /repo/heeler has taken 23 s",
	Text:  "23 s into GET /repo/heeler\nin call 231 to mysql",
	Tags:  map[string]string{"route": "GET /repo/{name}", "host": "web3"},
	Request: &alert.Request{
		ID: "7f3a", Method: "GET", URI: "/repo/heeler?page=2", Route: "GET /repo/{name}", Host: "shop.example",
		RemoteAddr: "192.0.2.7:4711", Proto: "HTTP/1.1", Header: map[string]string{"Accept": "text/html"},
	},
	Stacks: []alert.Stack{{
		Name: "the request's own goroutine", State: "waiting for the network", Count: 1,
		Frames: []alert.Frame{
			{Func: "internal/poll.(*FD).Read", File: "/usr/local/go/src/internal/poll/fd_unix.go", Line: 165},
			{Func: "github.com/acme/shop/repo.Find", File: "/src/shop/repo/find.go", Line: 42, App: true, Source: "rows, err := db.QueryContext(ctx, q)"},
		},
	}, {Name: "started by it", State: "asleep", Count: 3, Frames: []alert.Frame{{Func: "time.Sleep", File: "time.go", Line: 1}}}},
}

func TestLogWritesOneRecordWithAllThatMatters(t *testing.T) {
	records := logged(t)
	a := example
	a.Count = 17
	if err := (alert.Log{}).Send(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	want := `level=WARN msg="GET /repo/heeler has taken 23 s (×17)" count=17 seen=2026-11-20T10:15:00.123Z` +
		` id=7f3a method=GET uri="/repo/heeler?page=2" host=shop.example host=web3 route="GET /repo/{name}"` +
		` stack="repo.Find find.go:42"` + "\n"
	if got := records.String(); got != want {
		t.Errorf("logged\n%s want\n%s", got, want)
	}
}

func TestLogAddsTheTextWhenAsked(t *testing.T) {
	records := logged(t)
	if err := (alert.Log{Text: true}).Send(t.Context(), example); err != nil {
		t.Fatal(err)
	}
	if got := records.String(); !strings.HasSuffix(got, ` text="23 s into GET /repo/heeler\nin call 231 to mysql"`+"\n") {
		t.Errorf("logged %s", got)
	}
}

func TestLogShowsAStackOfNobodysOwnInBrief(t *testing.T) {
	records := logged(t)
	frames := make([]alert.Frame, 9)
	for i := range frames {
		frames[i] = alert.Frame{Func: "net/http.serve", File: "/go/src/net/http/server.go", Line: i}
	}
	if err := (alert.Log{}).Send(t.Context(), alert.Alert{Title: "slow", Stacks: []alert.Stack{{Frames: frames}}}); err != nil {
		t.Fatal(err)
	}
	if got := records.String(); !strings.Contains(got, `stack="http.serve server.go:0 < http.serve server.go:1 `) || !strings.Contains(got, `server.go:5 < …"`) {
		t.Errorf("logged %s", got)
	}
}

func TestLogMindsItsLevelAndLogger(t *testing.T) {
	var b bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: withoutTime}))
	if err := (alert.Log{Logger: logger, Level: slog.LevelInfo}).Send(t.Context(), example); err != nil || b.Len() > 0 {
		t.Errorf("a record below the handler's level gave %v, %q", err, &b)
	}
	if err := (&alert.Log{Logger: logger, Level: slog.LevelError}).Send(t.Context(), alert.Alert{}); err != nil {
		t.Error(err)
	}
	if got := b.String(); got != "level=ERROR msg=alert\n" {
		t.Errorf("logged %q", got)
	}
}

type brokenHandler struct{ slog.Handler }

func (brokenHandler) Handle(context.Context, slog.Record) error { return errors.New("disk full") }

func TestLogReturnsTheHandlersError(t *testing.T) {
	logger := slog.New(brokenHandler{slog.NewTextHandler(&buffer{}, nil)})
	if err := (alert.Log{Logger: logger}).Send(t.Context(), example); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("Send says %v", err)
	}
}
