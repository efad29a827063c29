//go:build linux

package journal_test

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/journal"
)

func TestAttributesBecomeFields(t *testing.T) {
	at := time.Date(2026, 11, 20, 10, 15, 0, 5, time.UTC)
	for _, story := range []struct {
		attr        slog.Attr
		name, value string
	}{
		{slog.String("order", "a\nb\x00"), "LOG_ORDER", "a\nb\x00"},
		{slog.Int("user-id", 7), "LOG_USER_ID", "7"},
		{slog.Bool("user.ok", true), "LOG_USER_OK", "true"},
		{slog.Float64("Ratio", 0.5), "LOG_RATIO", "0.5"},
		{slog.Duration("took", time.Second), "LOG_TOOK", "1s"},
		{slog.Time("at", at), "LOG_AT", "2026-11-20T10:15:00.000000005Z"},
		{slog.Any("err", errors.New("no")), "LOG_ERR", "no"},
		{slog.Any("bytes", []byte("raw")), "LOG_BYTES", "raw"},
		{slog.Any("struct", struct{ A int }{1}), "LOG_STRUCT", "{A:1}"},
		{slog.Any("nil", nil), "LOG_NIL", "<nil>"},
		{slog.Any("nil pointer", (*broken)(nil)), "LOG_NIL_POINTER", "<nil>"},
		{slog.Any("valuer", valuer{}), "LOG_VALUER", "valued"},
		{slog.Any("broken", &broken{}), "LOG_BROKEN", "%!v(PANIC=Error method: broken)"},
		{slog.Any("worse", worse{}), "LOG_WORSE", "[journal_test.worse panics when it is printed]"},
		{slog.Any("chain", chain{}), "LOG_CHAIN", "LogValue called too many times on Value of type journal_test.chain"},
		{slog.Group("http", slog.Group("request", slog.Int("n", 1))), "LOG_HTTP_REQUEST_N", "1"},
		{slog.Group("", slog.Int("inline", 1)), "LOG_INLINE", "1"},
		{slog.String("", "no name"), "LOG_", "no name"},
		{slog.String("message", "x"), "LOG_MESSAGE", "x"},
		{slog.String("K=1\nMESSAGE", "forged"), "LOG_K_1_MESSAGE", "forged"},
		{slog.String("größe", "5"), "LOG_GR__E_CD38F49A", "5"},
		{slog.String(strings.Repeat("n", 61), "5"), "LOG_" + strings.Repeat("N", 51) + "_5936A701", "5"},
		{slog.String(strings.Repeat("n", 60), "5"), "LOG_" + strings.Repeat("N", 60), "5"},
	} {
		fields := logged(t, &journal.Handler{}, func(l *slog.Logger) { l.Info("m", story.attr) })
		if found := values(fields, story.name); !slices.Equal(found, []string{story.value}) {
			t.Errorf("%v: %s is %q, in %q", story.attr, story.name, found, fields)
		}
		if found := values(fields, "MESSAGE"); !slices.Equal(found, []string{"m"}) {
			t.Errorf("%v: MESSAGE is %q", story.attr, found)
		}
	}
}

type valuer struct{}

func (valuer) LogValue() slog.Value { return slog.StringValue("valued") }

type broken struct{ why string }

func (b *broken) Error() string { panic("broken" + b.why) }

// A worse one panics with what panics.
type worse struct{}

func (worse) Error() string { panic(worse{}) }

// A chain is its own value.
type chain struct{}

func (c chain) LogValue() slog.Value { return slog.AnyValue(c) }

// A nested group has itself in it, some times.
type nested struct{ times int }

func (n nested) LogValue() slog.Value {
	attrs := []slog.Attr{slog.Int("n", 1)}
	for range n.times {
		attrs = append(attrs, slog.Any("a", n))
	}
	return slog.GroupValue(attrs...)
}

func TestAGroupThatHasItselfInItHasAnEnd(t *testing.T) {
	fields := logged(t, &journal.Handler{}, func(l *slog.Logger) { l.Info("m", "it", nested{1}) })
	if found := values(fields, "LOG_IT_A_A_N"); !slices.Equal(found, []string{"1"}) {
		t.Errorf("near its beginning it says %q", found)
	}
	if last := fields[len(fields)-1]; last.Value != "[a group in 32 groups]" {
		t.Errorf("it ends with %q", last)
	}
	h := &journal.Handler{Sender: &journal.Sender{Path: listen(t).path}}
	defer h.Sender.Close()
	slog.New(h).Info("m", "it", nested{3})
	if stats := h.Sender.Stats(); stats != (journal.Stats{Sent: 1}) {
		t.Errorf("one with thousands in it is counted as %+v", stats)
	}
}
