package journal

import (
	"context"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/internal/request"
)

// A Handler is a [slog.Handler] that writes to the journal and never waits for it. The zero value works. It
// is safe for concurrent use; its fields are not to be changed once it is in use.
//
// A record becomes an entry with these fields:
//
//   - MESSAGE, the message;
//   - PRIORITY, from the level: below Info is debug, from Info on info, from 2 above Info on notice, from Warn on
//     warning, from Error on err, from 4 above Error on crit. Never more: emergencies go to every terminal;
//   - CODE_FILE, CODE_LINE and CODE_FUNC, where the record tells;
//   - HEELER_REQUEST_ID, where the context is that of a request to which a guard has given an ID, so that
//     journalctl HEELER_REQUEST_ID=… shows all that it has logged;
//   - one for each attribute: user-id in the group http is LOG_HTTP_USER_ID, see [FieldName]. Because of the
//     prefix no name of an attribute, wherever it comes from, can be one of the above or one that systemd knows.
//     When two come out alike the field has both values.
//
// The time is journald's own, since it differs by microseconds. Attributes beyond about a thousand are left out,
// because journald ignores an entry with more.
//
// Secrets are taken out: of each attribute whose name, together with its groups', looks like that of a secret
// (password, token, cookie and the like) the value, and of the message and of other values what looks like one
// in them, such as ?token=…. That also makes them valid UTF-8.
//
// Handle returns the error of [Sender.Send]; a [slog.Logger] ignores it, and the Sender's Stats have the count.
type Handler struct {
	// Sender is where entries go. Nil means one of its own with the zero value; set one to see its Stats.
	Sender *Sender
	// Level is the least level that is logged. Nil means slog.LevelInfo.
	Level slog.Leveler
	// Prefix begins the names of the fields made from attributes. Empty means [DefaultPrefix]. It has at most
	// 32 bytes, ends in an underscore, and may not begin with what has a meaning already, such as CODE_.
	Prefix string
	// Redact are more names whose values are secret, next to the built-in ones.
	Redact []string

	once    sync.Once
	fault   error
	secrets redact.List
	prefix  string
	sender  *Sender
	own     Sender
}

// Validate reports the first field that cannot be used. Until it is mended every record gives this error.
func (h *Handler) Validate() error {
	if h.Prefix == "" {
		return nil
	}
	return checkPrefix(h.Prefix)
}

func (h *Handler) setup() {
	h.fault = h.Validate()
	h.secrets = redact.New(h.Redact...)
	if h.prefix = h.Prefix; h.prefix == "" {
		h.prefix = DefaultPrefix
	}
	if h.sender = h.Sender; h.sender == nil {
		h.sender = &h.own
	}
}

// Enabled reports whether records of this level are logged.
func (h *Handler) Enabled(_ context.Context, level slog.Level) bool {
	least := slog.LevelInfo
	if h.Level != nil {
		least = h.Level.Level()
	}
	return level >= least
}

// Handle sends a record.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	return (&scope{Handler: h}).Handle(ctx, r)
}

// WithAttrs is the handler that adds these attributes to each record.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return (&scope{Handler: h}).WithAttrs(attrs)
}

// WithGroup is the handler that puts the attributes of each record into a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	return (&scope{Handler: h}).WithGroup(name)
}

// A scope is a Handler with what WithAttrs and WithGroup have added to it.
type scope struct {
	*Handler
	data   []byte // the attributes as fields
	fields int    // how many these are
	groups string // the open groups, each with a dot after it
}

func (s *scope) WithAttrs(attrs []slog.Attr) slog.Handler {
	s.once.Do(s.setup)
	more := *s
	more.data = slices.Clip(s.data)
	for _, a := range attrs {
		more.data, more.fields = s.appendAttr(more.data, more.fields, s.groups, a)
	}
	return &more
}

func (s *scope) WithGroup(name string) slog.Handler {
	if name == "" {
		return s
	}
	more := *s
	more.groups += name + "."
	return &more
}

func (s *scope) Handle(ctx context.Context, r slog.Record) error {
	s.once.Do(s.setup)
	if s.fault != nil {
		return s.fault
	}
	p := s.sender.packet()
	b := appendPriority(p.data, priorityOf(r.Level))
	b = appendField(b, "MESSAGE", s.secrets.Text(r.Message))
	b = appendSource(b, r.PC)
	if id := requestID(ctx); id != "" {
		b = appendField(b, RequestID, id)
	}
	b = append(b, s.data...)
	fields := s.fields
	r.Attrs(func(a slog.Attr) bool {
		b, fields = s.appendAttr(b, fields, s.groups, a)
		return true
	})
	p.data = b
	return s.sender.send(p)
}

// priorityOf is a level as a priority.
func priorityOf(level slog.Level) Priority {
	switch {
	case level < slog.LevelInfo:
		return Debug
	case level < slog.LevelInfo+2:
		return Info
	case level < slog.LevelWarn:
		return Notice
	case level < slog.LevelError:
		return Warning
	case level < slog.LevelError+4:
		return Error
	}
	return Critical
}

// appendSource appends where in the program the record comes from, if that is known.
func appendSource(b []byte, pc uintptr) []byte {
	if pc == 0 {
		return b
	}
	frame, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	b = appendField(b, "CODE_FILE", frame.File)
	b = appendField(b, "CODE_LINE", strconv.Itoa(frame.Line))
	return appendField(b, "CODE_FUNC", frame.Function)
}

// requestID is the ID that a guard has given to the request of ctx, or empty.
func requestID(ctx context.Context) string {
	if ctx == nil {
		return ""
	}
	for rec := request.From(ctx); rec != nil; rec = rec.Outer {
		if rec.ID != "" {
			return rec.ID
		}
	}
	return ""
}
