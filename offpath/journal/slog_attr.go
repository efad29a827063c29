package journal

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/heeler-go/heeler/internal/redact"
)

// maxAttrs is how many fields an entry may have next to those that it has anyway.
const maxAttrs = maxFields - 16

// appendAttr appends an attribute, or all in it if it is a group, and counts.
func (h *Handler) appendAttr(b []byte, fields int, groups string, a slog.Attr) ([]byte, int) {
	a.Value = a.Value.Resolve()
	if a.Equal(slog.Attr{}) || fields >= maxAttrs {
		return b, fields
	}
	if a.Value.Kind() == slog.KindGroup {
		if a.Key != "" {
			groups += a.Key + "."
		}
		for _, inner := range a.Value.Group() {
			b, fields = h.appendAttr(b, fields, groups, inner)
		}
		return b, fields
	}
	path := groups + a.Key
	value := redact.Mark
	if !h.secrets.Name(path) {
		value = h.text(a.Value)
	}
	return appendValue(appendName(b, h.prefix, path), value), fields + 1
}

// text is a value without the secrets in it.
func (h *Handler) text(v slog.Value) string {
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
