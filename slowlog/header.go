package slowlog

import (
	"net/http"
	"slices"

	"github.com/heeler-go/heeler/alert"
)

// A header is what a report shows of a request's header: the first value of
// each field. It is copied because the handler may change the map while a
// report is made; the strings never change.
type header struct {
	first [6]field // in the entry's own memory; unused ones have no name
	more  []field
}

type field struct{ name, value string }

// maxFields bounds what a hostile request can make an entry keep.
const maxFields = 64

func (f *header) copy(h http.Header) {
	if len(h) > len(f.first) {
		f.more = make([]field, 0, min(len(h), maxFields)-len(f.first))
	}
	n := 0
	for name, values := range h {
		switch {
		case len(values) == 0 || name == "":
		case n < len(f.first):
			f.first[n] = field{name, values[0]}
			n++
		case len(f.more) < cap(f.more):
			f.more = append(f.more, field{name, values[0]})
		}
	}
}

// redacted is the header as it may be shown; nil if there is none.
func (f *header) redacted(value func(name, value string) string) map[string]string {
	var m map[string]string
	for _, h := range slices.Concat(f.first[:], f.more) {
		if h.name == "" {
			continue
		}
		if m == nil {
			m = make(map[string]string)
		}
		m[alert.OneLine(h.name, 100)] = fit(h.value, func(v string) string { return value(h.name, v) })
	}
	return m
}
