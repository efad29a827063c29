package slowlog

import (
	"net/http"

	"github.com/heeler-go/heeler/alert"
)

// usual are the headers that reports show unless Watch.Header says otherwise.
var usual = []string{"User-Agent", "Referer", "X-Request-Id"}

// A header has the values that a report shows, the first of each name, in the
// order of the names. They are copied because the handler may change the map
// while a report is made; the strings never change. Looking up the usual ones
// takes a third of the time that copying a browser's header does.
type header struct {
	few  [3]string // in the entry's own memory
	more *[]string
}

func (f *header) copy(h http.Header, names []string) {
	for i, name := range names {
		values := h[name]
		if len(values) == 0 {
			continue
		}
		if i < len(f.few) {
			f.few[i] = values[0]
			continue
		}
		if f.more == nil {
			more := make([]string, len(names)-len(f.few))
			f.more = &more
		}
		(*f.more)[i-len(f.few)] = values[0]
	}
}

func (f *header) value(i int) string {
	switch {
	case i < len(f.few):
		return f.few[i]
	case f.more == nil:
		return ""
	}
	return (*f.more)[i-len(f.few)]
}

// redacted is the header as it may be shown; nil if there is none.
func (f *header) redacted(names []string, redact func(name, value string) string) map[string]string {
	var m map[string]string
	for i, name := range names {
		value := f.value(i)
		if value == "" {
			continue
		}
		if m == nil {
			m = make(map[string]string)
		}
		m[alert.OneLine(name, 100)] = fit(value, func(v string) string { return redact(name, v) })
	}
	return m
}
