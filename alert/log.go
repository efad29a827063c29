package alert

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Log writes each alert as one record that fits a terminal: the headline as its
// message, and with it the request, the tags, the calls to backends in words
// and where the first stack stands.
// The zero value writes warnings to [slog.Default]. It has no state: value or
// pointer, and from several goroutines.
type Log struct {
	// Logger is where records go. Nil means slog.Default at that moment.
	Logger *slog.Logger
	// Level is the records' level. Nil means [slog.LevelWarn].
	Level slog.Leveler
	// Text adds the whole report, of some kilobytes. It is for logs that a
	// program reads; people are better served by a [Dir] or by e-mail.
	Text bool
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
	record.AddAttrs(l.attrs(a)...)
	return handler.Handle(ctx, record)
}

func (l Log) attrs(a Alert) []slog.Attr {
	var attrs []slog.Attr
	if a.Count > 1 {
		attrs = append(attrs, slog.Int("count", a.Count))
	}
	if !a.Time.IsZero() {
		attrs = append(attrs, slog.Time("seen", a.Time))
	}
	if r := a.Request; r != nil {
		attrs = append(attrs, slog.String("id", r.ID), slog.String("method", r.Method), slog.String("uri", r.URI),
			slog.String("host", r.Host))
	}
	for _, k := range slices.Sorted(maps.Keys(a.Tags)) {
		if k != "method" {
			attrs = append(attrs, slog.String(k, a.Tags[k]))
		}
	}
	if len(a.Backends) > 0 {
		attrs = append(attrs, slog.String("backends", OneLine(strings.Join(sentences(a.Backends), "; "), maxBackends)))
	}
	if len(a.Stacks) > 0 {
		attrs = append(attrs, slog.String("stack", a.Stacks[0].brief()))
	}
	if l.Text && a.Text != "" {
		attrs = append(attrs, slog.String("text", a.Text))
	}
	return attrs
}

const (
	// briefly is how many calls a stack in brief has.
	briefly = 6
	// maxBackends is how many characters a record has on backends.
	maxBackends = 500
)

// brief is the application's calls on one line, or anyone's if there are none,
// the innermost first: "store.Save save.go:42 < main.checkout cart.go:7".
func (s Stack) brief() string {
	frames := slices.DeleteFunc(slices.Clone(s.Frames), func(f Frame) bool { return !f.App })
	if len(frames) == 0 {
		frames = s.Frames
	}
	var b strings.Builder
	for i, f := range frames {
		if i == briefly {
			b.WriteString(" < …")
			break
		}
		if i > 0 {
			b.WriteString(" < ")
		}
		fmt.Fprintf(&b, "%s %s:%d", f.Name(), path.Base(filepath.ToSlash(f.File)), f.Line)
	}
	return b.String()
}
