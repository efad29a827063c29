package profile

import (
	"maps"
	"net/http"
	"strings"

	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/profile/internal/ask"
)

type handler struct {
	prof  *Profiler
	next  http.Handler
	inner request.Inner // of next
}

// Unwrap lets slowlog look for the mux whose pattern names the route.
func (h *handler) Unwrap() http.Handler { return h.next }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, values, found := ask.Cut(r.URL.RawQuery, h.prof.param)
	if !found && !strings.HasPrefix(r.URL.Path, h.prof.path) {
		h.next.ServeHTTP(w, r)
		return
	}
	h.concerned(w, r, rest, values, found)
}

// ServeRecord is ServeHTTP for a guard directly outside this one. A request that is none of the
// profiler's business goes on to a guard directly inside without having been copied.
func (h *handler) ServeRecord(w http.ResponseWriter, r *http.Request, rec *request.Record) {
	_, _, found := ask.Cut(r.URL.RawQuery, h.prof.param)
	if found || strings.HasPrefix(r.URL.Path, h.prof.path) {
		request.Serve(h, w, r, rec)
		return
	}
	h.inner.ServeRecord(w, r, rec)
}

// concerned serves a request that has the parameter or is for a result page.
func (h *handler) concerned(w http.ResponseWriter, r *http.Request, rest string, values []string, found bool) {
	p := h.prof
	if page, ok := strings.CutPrefix(r.URL.Path, p.path); ok {
		if p.serveResult(w, r, page) {
			return
		}
		found = false // who may not see results may not make any
	}
	if found && !running(r) {
		if j, answered := h.admit(w, r, rest, values); answered {
			return
		} else if j != nil {
			j.serveResponse(w, r)
			return
		}
	}
	inside := cut(r, p.param, rest) // not earlier: Allow may have read the body to look at the form
	defer request.HandBack(r, inside)
	h.next.ServeHTTP(w, inside)
}

// cut is a copy of the request without the parameter. Nobody sees the difference to a request that never
// had it: what was parsed of the query further out has lost it, too.
func cut(r *http.Request, param, rest string) *http.Request {
	inside := r.WithContext(r.Context())
	u := *r.URL
	u.RawQuery = rest
	inside.URL = &u
	inside.RequestURI = ask.CutURI(r.RequestURI, param)
	if _, ok := r.Form[param]; ok {
		inside.Form = maps.Clone(r.Form)
		if inBody, ok := r.PostForm[param]; ok {
			inside.Form[param] = inBody
		} else {
			delete(inside.Form, param)
		}
	}
	return inside
}
