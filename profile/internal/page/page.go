// Package page shows a profiled request to people, and gives its parts for download.
//
//	page.Serve(w, r, res, "", page.Options{})               // the page, at …/ID/
//	page.Serve(w, r, res, "profile.pb.gz", page.Options{})  // one of its files, at …/ID/profile.pb.gz
//	page.Asset(w, r, "page.js")                             // what pages need besides, at …/-/page.js
//
// All links are relative, so the pages can be mounted anywhere. They load nothing from elsewhere, and say
// all that a person needs without JavaScript, except for the drawn call graph. Whoever may see a result
// is decided before it comes here.
package page

import (
	"bytes"
	"net/http"
	"strings"

	"github.com/heeler-go/heeler/profile/internal/result"
)

// Options are what a page shows beyond its result. The zero value is ready to use.
type Options struct {
	Share string // a link for colleagues, to show; "" shows none
}

// Serve answers with the page of a result, or with one of its parts. The part is named by the rest of
// the path below the result: "" is the page, and "profile.pb.gz", "run.trace", "graph.dot", "graph.svg",
// "graph.pdf", "response" and what begins with "pprof/" are the others; all else is not found. The query
// parameter "by" names the profile's sample type that the call graph, the flame graph and the table
// count; the profile's own choice if there is none.
//
// Parts of a result that is not done yet are a 503 with Retry-After, so that clients that try again get
// them once they are there. Only GET and HEAD are answered, other methods are a 405.
func Serve(w http.ResponseWriter, r *http.Request, res *result.Result, rest string, o Options) {
	if !reads(w, r) {
		return
	}
	switch {
	case rest == "":
		servePage(w, r, res, o)
	case rest == "response":
		serveResponse(w, r, res)
	case rest == "pprof" || strings.HasPrefix(rest, "pprof/"):
		serveUI(w, r, res, rest)
	default:
		serveFile(w, r, res, rest)
	}
}

// NotFound answers that there is no such result, or none for whoever asks.
func NotFound(w http.ResponseWriter, r *http.Request) {
	if reads(w, r) {
		apologise(w, r, http.StatusNotFound, apology{
			Title: "There is no such profile",
			Text: "Profiles are kept for a while and then make room for newer ones; this one is gone, or the address " +
				"is not complete. It may also belong to somebody else, who can send you a link to it.",
		})
	}
}

// reads says whether a request only wants to read, and answers those that want more.
func reads(w http.ResponseWriter, r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return true
	}
	guard(w.Header(), "")
	w.Header().Set("Allow", "GET, HEAD")
	http.Error(w, "profiles are read with GET and HEAD only", http.StatusMethodNotAllowed)
	return false
}

// An apology is what stands in for something that is not there.
type apology struct {
	Title, Text string
	More        []string // reasons, each a sentence
}

// apologise answers with a page that says what is wrong.
func apologise(w http.ResponseWriter, r *http.Request, status int, a apology) {
	render(w, r, "sorry", status, a.Title, 0, a)
}

// A frame is what the layout of all pages gets.
type frame struct {
	Title   string
	Nonce   string
	Script  string // where the page's script is; "" if it has none
	Refresh int    // seconds until the page loads itself again; 0 if it does not
	Data    any    // what the page shows
}

// render answers with a page; data is what its template shows.
func render(w http.ResponseWriter, r *http.Request, name string, status int, title string, refresh int, data any) {
	f := frame{Title: title, Nonce: newNonce(), Refresh: refresh, Data: data}
	if name == "result" {
		f.Script = assetPath("page.js")
	}
	var body bytes.Buffer
	if err := pages()[name].Execute(&body, f); err != nil {
		guard(w.Header(), "")
		http.Error(w, "profile: the page cannot be shown: "+err.Error(), http.StatusInternalServerError)
		return
	}
	guard(w.Header(), f.Nonce)
	send(w, r, status, "text/html; charset=utf-8", visible(body.Bytes()))
}
