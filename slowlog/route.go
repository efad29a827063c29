package slowlog

import (
	"net/http"
	"net/url"
)

// maxLayers is how deep a mux is looked for: somebody else's Unwrap may go
// round in circles.
const maxLayers = 100

// route is the pattern under which a mux serves the request, such as
// "GET /book/{id}", or nothing if no mux is found. The mux writes it into its
// copy of the request, too, but that is the handler's as long as it runs. So
// the mux is asked again.
func route(next http.Handler, method, host, uri string) (pattern string) {
	defer func() {
		if recover() != nil { // somebody else's mux
			pattern = ""
		}
	}()
	u, err := url.ParseRequestURI(uri)
	if err != nil {
		return ""
	}
	r := &http.Request{Method: method, Host: host, URL: u, RequestURI: uri, Header: http.Header{}}
	for range maxLayers {
		switch h := next.(type) {
		case interface {
			Handler(*http.Request) (http.Handler, string)
		}:
			_, pattern = h.Handler(r)
			return pattern
		case interface{ Unwrap() http.Handler }:
			next = h.Unwrap()
		default:
			return ""
		}
	}
	return ""
}

// Unwrap lets a Watch outside look for the mux.
func (h *handler) Unwrap() http.Handler { return h.next }
