package page

import (
	"net/http"
	"strings"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile/internal/graph"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// serveUI answers with a page of pprof's own.
func serveUI(w http.ResponseWriter, r *http.Request, res *result.Result, rest string) {
	if notYet(w, r, res) {
		return
	}
	door, below := strings.CutPrefix(rest, "pprof/")
	if !below {
		guard(w.Header(), "")
		w.Header().Set("Location", "pprof/") // relative, as what is in front of it is not known here
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	if len(res.Profile) == 0 {
		apologise(w, r, http.StatusNotFound, apology{Title: "There is no profile to show", Text: request(res)})
		return
	}
	guard(w.Header(), "") // but for the policy, which is graph's own
	graph.ServeUI(w, r, func() (*profile.Profile, error) { return profile.ParseData(res.Profile) }, door, newNonce())
}
