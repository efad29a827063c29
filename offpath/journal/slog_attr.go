package journal

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/heeler-go/heeler/internal/redact"
)

// maxAttrs is how many fields an entry may have next to those that it has anyway.
const maxAttrs = maxFields - 16

// maxDepth is how many groups in each other are looked into. A LogValuer whose group has itself in it has no end.
const maxDepth = 32

// appendAttr appends an attribute, or all in it if it is a group, and counts.
func (h *Handler) appendAttr(b []byte, fields int, groups string, a slog.Attr) ([]byte, int) {
	return h.appendAt(0, b, fields, groups, a)
}

// appendAt is appendAttr for one that is as many groups deep as depth says.
func (h *Handler) appendAt(depth int, b []byte, fields int, groups string, a slog.Attr) ([]byte, int) {
	if fields >= maxAttrs {
		return b, fields
	}
	a.Value = a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return b, fields
	}
	path := groups + a.Key
	value := redact.Mark
	switch {
	case a.Value.Kind() == slog.KindGroup && depth < maxDepth:
		if a.Key != "" {
			groups = path + "."
		}
		for _, inner := range a.Value.Group() {
			b, fields = h.appendAt(depth+1, b, fields, groups, inner)
		}
		return b, fields
	case a.Value.Kind() == slog.KindGroup:
		value = fmt.Sprintf("[a group in %d groups]", maxDepth)
	case !h.secrets.Name(path):
		value = h.text(a.Value)
	}
	return appendValue(appendName(b, h.prefix, path), value), fields + 1
}

// text is a value without the secrets in it. Package fmt holds a panic of a value's method, but not one whose own
// value panics as well when it is printed; no record may end a request.
func (h *Handler) text(v slog.Value) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("[%T panics when it is printed]", v.Any())
		}
	}()
	switch v.Kind() {
	case slog.KindString:
		return h.secrets.Text(v.String())
	case slog.KindTime:
		return v.Time().Format(time.RFC3339Nano)
	case slog.KindAny:
		switch v := v.Any().(type) {
		case []byte:
			return h.secrets.Text(string(v))
		case error: // not with %+v, with which some show their stack
			return h.secrets.Text(fmt.Sprintf("%v", v))
		default:
			return h.secrets.Text(fmt.Sprintf("%+v", v))
		}
	}
	return v.String()
}
