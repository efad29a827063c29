package graph

import (
	"net/http"

	"github.com/google/pprof/profile"
)

// ServeUI answers a request for one of pprof's own pages about a profile.
//
// rest is the path below where the pages are, without a slash: "" (which leads to the flame graph),
// "flamegraph", "top", "peek", "graph", "download".
func ServeUI(w http.ResponseWriter, r *http.Request, p *profile.Profile, rest, nonce string) {
	http.NotFound(w, r)
}
