package alert

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"time"
)

// Log writes each alert as one record: the headline as its message, and with
// it the key, the tags, the request and the text. The zero value writes
// warnings to [slog.Default]. It has no state: value or pointer, and from
// several goroutines.
type Log struct {
	// Logger is where records go. Nil means slog.Default at that moment.
	Logger *slog.Logger
	// Level is the records' level. Nil means [slog.LevelWarn].
	Level slog.Leveler
}

// Send writes the record and returns the handler's error. A handler that is
// not interested in the level is none.
func (l Log) Send(ctx context.Context, a Alert) error {
	logger := l.Logger
	if logger == nil {
		logger = slog.Default()
	}
	level := slog.LevelWarn
	if l.Level != nil {
		level = l.Level.Level()
	}
	handler := logger.Handler()
	if !handler.Enabled(ctx, level) {
		return nil
	}
	record := slog.NewRecord(time.Now(), level, a.Headline(), 0)
	record.AddAttrs(a.attrs()...)
	return handler.Handle(ctx, record)
}

func (a Alert) attrs() []slog.Attr {
	attrs := []slog.Attr{slog.Int("count", max(a.Count, 1))}
	if !a.Time.IsZero() {
		attrs = append(attrs, slog.Time("seen", a.Time))
	}
	if a.Key != "" {
		attrs = append(attrs, slog.String("key", a.Key))
	}
	if len(a.Tags) > 0 {
		tags := make([]slog.Attr, 0, len(a.Tags))
		for _, k := range slices.Sorted(maps.Keys(a.Tags)) {
			tags = append(tags, slog.String(k, a.Tags[k]))
		}
		attrs = append(attrs, slog.GroupAttrs("tags", tags...))
	}
	if r := a.Request; r != nil {
		attrs = append(attrs, slog.Group("request",
			slog.String("id", r.ID), slog.String("method", r.Method), slog.String("uri", r.URI),
			slog.String("route", r.Route), slog.String("host", r.Host)))
	}
	if a.Text != "" {
		attrs = append(attrs, slog.String("text", a.Text))
	}
	return attrs
}
