package breaker

import (
	"net/http"
	"strings"

	"github.com/heeler-go/heeler/internal/field"
)

// unfit reports whether a request that came back with an error cannot have been
// sent, by the rules of net/http. Where a base may have mended it, the error
// decides.
func unfit(req *http.Request, err error) bool {
	switch {
	case req.URL == nil, req.Header == nil, req.Body == nil && req.ContentLength != 0, req.Method != "" && !field.IsToken(req.Method),
		!areFields(req.Header), !areFields(req.Trailer):
		return true
	}
	for _, refusal := range []string{"unsupported protocol scheme", "no Host in request URL"} {
		if strings.Contains(err.Error(), refusal) {
			return true
		}
	}
	return false
}

// areFields reports whether names and values are such as a header may have
// (RFC 9110, section 5).
func areFields(h http.Header) bool {
	for name, values := range h {
		if !field.IsToken(name) {
			return false
		}
		for _, v := range values {
			if strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
				return false
			}
		}
	}
	return true
}
