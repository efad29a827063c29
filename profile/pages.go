package profile

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/heeler-go/heeler/internal/problem"
	"github.com/heeler-go/heeler/profile/internal/page"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// Below Path there are
//
//	ID/…                 a result, for whoever asked for it
//	ID.TOKEN/result/…    the same, for whoever has the link
//	-/NAME               what pages load besides
//	ID.TOKEN/-/NAME      the same, for whoever has the link
//
// as pages look for the latter at ../-/NAME.
const (
	assets = "-/"
	shared = "result/"
)

type pages struct{ prof *Profiler }

func (h *pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, h.prof.path)
	if !ok {
		rest = strings.TrimPrefix(r.URL.Path, "/")
	}
	if !h.prof.serveResult(w, r, rest) {
		w.Header().Set("Cache-Control", "no-store") // whoever may see the page is not to get this one
		http.NotFound(w, r)
	}
}

// serveResult serves what is at rest below Path to who may see it. It does nothing, and says so, for
// others.
func (p *Profiler) serveResult(w http.ResponseWriter, r *http.Request, rest string) bool {
	name, rest, _ := strings.Cut(rest, "/")
	id, token, byLink := strings.Cut(name, ".")
	if byLink && p.signer.VerifyView(token, id, time.Now()) {
		p.serveLink(w, r, id, name, rest)
		return true
	}
	user, ok := p.allowed(r)
	switch {
	case !ok:
		return false
	case name+"/" == assets:
		page.Asset(w, r, rest)
	case byLink || !isID(id):
		page.NotFound(w, r)
	default:
		p.serveOwn(w, r, user, id, rest)
	}
	return true
}

// serveLink serves a result to who has a link.
func (p *Profiler) serveLink(w http.ResponseWriter, r *http.Request, id, name, rest string) {
	if asset, ok := strings.CutPrefix(rest, assets); ok {
		page.Asset(w, r, asset)
		return
	}
	part, ok := strings.CutPrefix(rest, shared)
	if !ok {
		switch {
		case rest == "" && !strings.HasSuffix(r.URL.Path, "/"):
			moved(w, r, name+"/"+shared)
		case rest == "" || rest+"/" == shared:
			moved(w, r, shared)
		default:
			page.NotFound(w, r)
		}
		return
	}
	if res := p.loadFor(w, r, id); res != nil {
		page.Serve(w, r, res, part, page.Options{})
	}
}

// serveOwn serves a result to who has asked for it.
func (p *Profiler) serveOwn(w http.ResponseWriter, r *http.Request, user, id, rest string) {
	res := p.loadFor(w, r, id)
	switch {
	case res == nil:
	case res.User != user:
		page.NotFound(w, r)
	case rest == "" && !strings.HasSuffix(r.URL.Path, "/"):
		moved(w, r, id+"/")
	default:
		var o page.Options
		if p.Key != nil && res.State == result.Done {
			o.Share = "../" + p.viewLink(id)
		}
		page.Serve(w, r, res, rest, o)
	}
}

// loadFor is the result; nil if there is none, and the client has been told.
func (p *Profiler) loadFor(w http.ResponseWriter, r *http.Request, id string) *result.Result {
	res, err := p.load(id)
	switch {
	case err == nil:
		return res
	case errors.Is(err, fs.ErrNotExist):
		page.NotFound(w, r)
	default:
		problem.Problem{Status: http.StatusServiceUnavailable, After: comeBack, Unread: true,
			Detail: p.secrets.Text("profile: the result cannot be had from the store: " + err.Error())}.Write(w, r)
	}
	return nil
}

// moved sends to an address in the same folder.
func moved(w http.ResponseWriter, r *http.Request, to string) {
	w.Header().Set("Location", to)
	writeText(w, r, http.StatusFound, "")
}

// viewLink is where a result is for whoever has this link to it, below Path.
func (p *Profiler) viewLink(id string) string {
	token, err := p.signer.SignView(id, time.Now().Add(viewFor))
	if err != nil {
		return id + "/" // there is no key, and so nobody who came by a link
	}
	return id + "." + token + "/" + shared
}
