package graph

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/google/pprof/driver"
	"github.com/google/pprof/profile"
)

// patience is how long a page waits for its turn.
const patience = 10 * time.Second

// doors are the pages that neither read nor write files, by their path. pprof has others (source, disasm,
// saveconfig, deleteconfig); new ones stay shut until they have been looked at.
var doors = map[string]bool{"": true, "flamegraph": true, "top": true, "peek": true, "graph": true, "download": true}

// ServeUI answers a GET or HEAD request with one of pprof's own pages about a profile. The pages may be
// anywhere: they find each other by relative references. All that they show is made for this request.
//
// rest is the path below where the pages are, without a slash in front: "flamegraph", "top", "peek", "graph",
// "download", or "", which leads to the flame graph, as "graph" does where there is no dot to draw it. All
// else is not found. nonce is in base64 and new for each request. ServeUI sets a Content-Security-Policy by which
// only this page's own scripts and styles are used, no other request is made and no frame has the page. The
// headers that keep the answer out of caches are the caller's.
//
// pprof needs HOME or XDG_CONFIG_HOME in the environment; without, the answer says so.
//
// read gives the profile, once it is this request's turn, so that those who wait hold none in memory; its error
// is answered. The profile is not changed, and requests may be served at once, though pages are made one after another. A
// query may have 8 KiB and regular expressions of a cost that depends on the profile.
func ServeUI(w http.ResponseWriter, r *http.Request, read func() (*profile.Profile, error), rest, nonce string) {
	w.Header().Set("Content-Security-Policy", policy(nonce))
	switch {
	case !doors[rest]:
		http.NotFound(w, r)
		return
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "graph: method "+r.Method+": accepted are GET and HEAD", http.StatusMethodNotAllowed)
		return
	}
	query, err := parse(r.URL.RawQuery)
	if err != nil {
		fail(w, err)
		return
	}
	if rest == "" || rest == "graph" && !Available() {
		// Not with http.Redirect, which would make the path absolute: what is in front of it is not known
		// here where a prefix has been stripped.
		w.Header().Set("Location", (&url.URL{Path: "flamegraph", RawQuery: r.URL.RawQuery}).String())
		w.WriteHeader(http.StatusSeeOther)
		return
	}
	page, dot, err := render(r.Context(), read, rest, query)
	if err == nil && dot != nil {
		err = page.draw(r.Context(), dot)
	}
	if err != nil {
		fail(w, err)
		return
	}
	page.send(w, nonce)
}

// fail answers with an error.
func fail(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, errTooLong):
		status = http.StatusRequestURITooLong
	case errors.Is(err, errBusy):
		w.Header().Set("Retry-After", "10")
		status = http.StatusServiceUnavailable
	case errors.Is(err, errNoHome):
		status = http.StatusServiceUnavailable
	case errors.Is(err, errDraw):
		status = http.StatusInternalServerError
	}
	http.Error(w, strings.ToValidUTF8(err.Error(), "\uFFFD"), status)
}

var errBusy = fmt.Errorf("graph: other pages of this kind have been waited for for %v", patience)

// errNoHome is for where the environment names no folder for a user's files, as that of a service may not.
// The driver makes no page there, though all that it looks for are options that someone has saved. The
// environment is the whole process's, and to change it while C code reads it can end the process, so it is
// left as it is.
var errNoHome = errors.New("graph: pprof's own pages need the place of a user's configuration, though they write nothing " +
	"there: start this program with HOME or XDG_CONFIG_HOME set; the folder need not exist")

// render has the driver make a page, and for the page of the graph its text too, if there is one to draw.
func render(ctx context.Context, read func() (*profile.Profile, error), rest string, query url.Values) (*page, []byte, error) {
	if _, err := os.UserConfigDir(); err != nil {
		return nil, nil, fmt.Errorf("%w (%w)", errNoHome, err)
	}
	door := rest
	if rest == "graph" {
		// The driver's own runs dot for as long as it takes, and lets it print.
		door = "top"
	}

	wait, stop := context.WithTimeout(ctx, patience)
	defer stop()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-wait.Done():
		return nil, nil, errBusy
	}
	p, err := read()
	if err != nil {
		return nil, nil, err
	}
	index, err := sampleIndex(p, "")
	if err != nil {
		return nil, nil, err
	}
	copied, err := clean(p)
	if err != nil {
		return nil, nil, err
	}
	if err := affordable(query, copied); err != nil {
		return nil, nil, err
	}
	if !query.Has("si") {
		query.Set("si", fmt.Sprint(index))
	}
	page, err := fromDriver(copied, door, query)
	if err != nil || rest != "graph" || page.status != http.StatusOK {
		return page, nil, err
	}
	dot, err := compose(copied, forGraph(query))
	return page, dot, err
}

// fromDriver has the driver make a page. The caller has the turn until it is made, as the page depends on
// the options that were set when the driver ran.
func fromDriver(p *profile.Profile, door string, query url.Values) (made *page, err error) {
	set := settings{"http": "127.0.0.1:1", "no_browser": "true"} // an address that nobody listens at
	if door == "flamegraph" {
		set["functions"], set["filefunctions"] = "false", "true" // its default
	}
	request := &http.Request{
		Method: http.MethodGet, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		URL: &url.URL{Path: "/" + door, RawQuery: query.Encode()},
	}
	serve := func(args *driver.HTTPServerArgs) error {
		handler := args.Handlers["/"+door]
		if handler == nil {
			return fmt.Errorf("there is no page %q", door)
		}
		made = &page{header: http.Header{}, status: http.StatusOK}
		handler.ServeHTTP(made, request)
		return nil
	}
	err = run(p, set, &output{}, serve)
	return made, err
}
