//go:build linux

package journal_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/heeler-go/heeler/internal/journald"
	"github.com/heeler-go/heeler/offpath/journal"
	"github.com/heeler-go/heeler/slowlog"
)

// logged is what a handler sends for what a story logs.
func logged(t *testing.T, h *journal.Handler, story func(*slog.Logger)) []journal.Field {
	t.Helper()
	l := listen(t)
	h.Sender = &journal.Sender{Path: l.path}
	defer h.Sender.Close()
	story(slog.New(h))
	return l.next(t)
}

func TestSecretsDoNotReachTheJournal(t *testing.T) {
	h := &journal.Handler{Redact: []string{"badge"}}
	fields := logged(t, h, func(l *slog.Logger) {
		l = l.With("password", "hunter2").WithGroup("api")
		l.Info("GET /login?token=hunter2", "key", "hunter2", "uri", "/x?session=hunter2&page=3", "badge", "hunter2",
			slog.Group("authorization", "scheme", "hunter2"), "header", http.Header{"Cookie": {"hunter2"}}, "page", 3)
	})
	if text := fmt.Sprint(fields); strings.Contains(text, "hunter2") {
		t.Errorf("it says %s", text)
	}
	for name, want := range map[string]string{
		"MESSAGE": "GET /login?token=[redacted]", "LOG_PASSWORD": "[redacted]", "LOG_API_KEY": "[redacted]",
		"LOG_API_URI": "/x?session=[redacted]&page=3", "LOG_API_BADGE": "[redacted]", "LOG_API_PAGE": "3",
		"LOG_API_AUTHORIZATION_SCHEME": "[redacted]",
	} {
		if found := values(fields, name); !slices.Equal(found, []string{want}) {
			t.Errorf("%s is %q, not %q", name, found, want)
		}
	}
}

func TestLevelsBecomePriorities(t *testing.T) {
	for level, want := range map[slog.Level]string{
		-100: "7", slog.LevelDebug: "7", -1: "7", slog.LevelInfo: "6", 1: "6", 2: "5", 3: "5",
		slog.LevelWarn: "4", 7: "4", slog.LevelError: "3", 11: "3", 12: "2", 100: "2",
	} {
		fields := logged(t, &journal.Handler{Level: slog.Level(-100)}, func(l *slog.Logger) { l.Log(t.Context(), level, "m") })
		if found := values(fields, "PRIORITY"); !slices.Equal(found, []string{want}) {
			t.Errorf("%v is %q, not %s", level, found, want)
		}
	}
	for _, story := range []struct {
		least   slog.Leveler
		level   slog.Level
		enabled bool
	}{
		{nil, slog.LevelDebug, false}, {nil, slog.LevelInfo, true},
		{slog.LevelWarn, slog.LevelInfo, false}, {slog.LevelWarn, slog.LevelWarn, true},
	} {
		h := &journal.Handler{Level: story.least}
		for _, handler := range []slog.Handler{h, h.WithGroup("g"), h.WithAttrs(nil)} {
			if got := handler.Enabled(t.Context(), story.level); got != story.enabled {
				t.Errorf("from %v on, %v is enabled: %t", story.least, story.level, got)
			}
		}
	}
}

func TestARecordSaysWhereItComesFrom(t *testing.T) {
	var file string
	var line int
	fields := logged(t, &journal.Handler{}, func(l *slog.Logger) {
		_, file, line, _ = runtime.Caller(0)
		l.Info("m")
	})
	for name, want := range map[string]string{"CODE_FILE": file, "CODE_LINE": strconv.Itoa(line + 1)} {
		if found := values(fields, name); !slices.Equal(found, []string{want}) {
			t.Errorf("%s is %q, not %q", name, found, want)
		}
	}
	if found := values(fields, "CODE_FUNC"); len(found) != 1 || !strings.Contains(found[0], "TestARecordSaysWhereItComesFrom") {
		t.Errorf("CODE_FUNC is %q", found)
	}
	fields = logged(t, &journal.Handler{}, func(l *slog.Logger) {
		l.Handler().Handle(t.Context(), slog.NewRecord(time.Now(), 0, "m", 0))
	})
	if found := values(fields, "CODE_FILE"); found != nil {
		t.Errorf("a record that does not know says %q", found)
	}
}

func TestTheRequestsIDIsThere(t *testing.T) {
	l := listen(t)
	s := &journal.Sender{Path: l.path}
	defer s.Close()
	logger := slog.New(&journal.Handler{Sender: s})
	var watch slowlog.Watch
	seen := make(chan string, 1)
	handler := watch.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		seen <- watch.InFlight()[0].ID
		logger.InfoContext(r.Context(), "in a request")
		logger.Info("apart")
	}))
	handler.ServeHTTP(nopWriter{}, &http.Request{Method: "GET", RequestURI: "/", Header: http.Header{}})
	if found, id := values(l.next(t), journal.RequestID), <-seen; !slices.Equal(found, []string{id}) || id == "" {
		t.Errorf("the request is %q and the field %q", id, found)
	}
	if found := values(l.next(t), journal.RequestID); found != nil {
		t.Errorf("without a request it is %q", found)
	}
}

type nopWriter struct{}

func (nopWriter) Header() http.Header         { return http.Header{} }
func (nopWriter) Write(p []byte) (int, error) { return len(p), nil }
func (nopWriter) WriteHeader(int)             {}

func TestAHandlersChildrenShareNothingButTheirBeginning(t *testing.T) {
	l := listen(t)
	h := &journal.Handler{Sender: &journal.Sender{Path: l.path}}
	defer h.Sender.Close()
	long := strings.Repeat("1", 30) // leaves room behind it in memory, which no two may use
	parent := slog.New(h).With("a", long)
	one, two := parent.With("b", 2), parent.With("b", 3)
	one.Info("m", "c", 4)
	two.Info("m", "c", 5)
	parent.WithGroup("g").With("d", 6).WithGroup("h").Info("m", "e", 7)
	slog.New(parent.Handler().WithGroup("")).Info("m", "f", 8)
	for _, want := range [][]journal.Field{
		{{Name: "LOG_A", Value: long}, {Name: "LOG_B", Value: "2"}, {Name: "LOG_C", Value: "4"}},
		{{Name: "LOG_A", Value: long}, {Name: "LOG_B", Value: "3"}, {Name: "LOG_C", Value: "5"}},
		{{Name: "LOG_A", Value: long}, {Name: "LOG_G_D", Value: "6"}, {Name: "LOG_G_H_E", Value: "7"}},
		{{Name: "LOG_A", Value: long}, {Name: "LOG_F", Value: "8"}},
	} {
		found := slices.DeleteFunc(l.next(t), func(f journal.Field) bool { return !strings.HasPrefix(f.Name, "LOG_") })
		if !slices.Equal(found, want) {
			t.Errorf("found %q, not %q", found, want)
		}
	}
}

func TestOneLineWithTooManyAttributesStillGoesOut(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	var attrs []any
	for i := range 3000 {
		attrs = append(attrs, slog.Int(fmt.Sprint("n", i), i))
	}
	logger := slog.New(&journal.Handler{Sender: sender(t, j)})
	logger.Info("many", attrs...)
	logger.With(attrs[:600]...).Info("many", attrs[600:]...)
	found := j.Entries("MESSAGE=many")
	if len(found) != 2 {
		t.Fatalf("found %d entries", len(found))
	}
	for _, entry := range found {
		if entry["LOG_N1000"] == nil || entry["LOG_N2000"] != nil {
			t.Errorf("an entry has %d fields", len(entry))
		}
	}
}

func TestAPrefixThatCouldForgeIsRefused(t *testing.T) {
	for prefix, fault := range map[string]bool{
		"": false, "SHOP_": false, "S_": false, "A1_": false, strings.Repeat("P", 31) + "_": false,
		"SHOP": true, "_": true, "_SHOP_": true, "shop_": true, "SHOP-_": true, "M": true, strings.Repeat("P", 32) + "_": true,
		"CODE_": true, "MESSAGE_": true, "SYSLOG_X_": true, "HEELER_": true, "K=1\nMESSAGE_": true,
	} {
		h := &journal.Handler{Prefix: prefix, Sender: &journal.Sender{Path: filepath.Join(t.TempDir(), "none")}}
		err := h.Validate()
		if (err != nil) != fault || fault && !strings.Contains(err.Error(), "Handler.Prefix") {
			t.Errorf("%q: %v", prefix, err)
		}
		handled := h.WithGroup("g").Handle(t.Context(), slog.Record{Message: "m"})
		if fault && (handled == nil || handled.Error() != err.Error()) || !fault && handled != journal.ErrAbsent {
			t.Errorf("%q: Handle says %v", prefix, handled)
		}
		h.Sender.Close()
	}
}

func TestWithoutASenderThereIsOne(t *testing.T) {
	if _, err := os.Stat(journal.Socket); err == nil {
		t.Skip("this machine has a journal, and it is not ours to write to")
	}
	err := new(journal.Handler).Handle(context.Background(), slog.Record{Message: "m"})
	if err != journal.ErrAbsent {
		t.Errorf("the error is %v", err)
	}
}

// TestTheHandlerKeepsSlogsRules reads entries back from a real journald. One rule cannot be kept: an entry
// always has a time, journald's.
func TestTheHandlerKeepsSlogsRules(t *testing.T) {
	t.Parallel()
	j := journald.Start(t)
	s := sender(t, j)
	name := func(t *testing.T) string { return strings.ToUpper(filepath.Base(t.Name())) }
	slogtest.Run(t, func(t *testing.T) slog.Handler {
		if strings.HasSuffix(t.Name(), "zero-time") {
			t.Skip("an entry always has a time")
		}
		return (&journal.Handler{Sender: s}).WithAttrs([]slog.Attr{slog.String("TEST_CASE", name(t))})
	}, func(t *testing.T) map[string]any {
		found := j.Entries("LOG_TEST_CASE=" + name(t))
		if len(found) != 1 {
			t.Fatalf("found %d entries", len(found))
		}
		result := map[string]any{
			slog.TimeKey:    found[0]["_SOURCE_REALTIME_TIMESTAMP"],
			slog.LevelKey:   found[0]["PRIORITY"],
			slog.MessageKey: found[0]["MESSAGE"][0],
		}
		for field, values := range found[0] {
			if path, ours := strings.CutPrefix(field, "LOG_"); ours && field != "LOG_TEST_CASE" {
				put(result, strings.Split(path, "_"), values[0])
			}
		}
		return result
	})
}

// put enters a value under its path. In slogtest groups are in capitals and the rest is not.
func put(result map[string]any, path []string, value string) {
	for _, group := range path[:len(path)-1] {
		inner, _ := result[group].(map[string]any)
		if inner == nil {
			inner = map[string]any{}
			result[group] = inner
		}
		result = inner
	}
	result[strings.ToLower(path[len(path)-1])] = value
}
