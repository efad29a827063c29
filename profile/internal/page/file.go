package page

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/heeler-go/heeler/profile/internal/graph"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// A file is one to download.
type file struct {
	Ref     string // from the page
	Name    string // that it is saved under
	What    string
	Command string // that opens it; "" if there is none
}

// downloads are the files that there are of a result. The graphs count by a sample type.
func downloads(res *result.Result, by string, dot bool) []file {
	var all []file
	query := "?by=" + by
	if len(res.Profile) > 0 {
		name := fileName(res, "profile.pb.gz")
		all = append(all, file{"profile.pb.gz", name, "the profile, for go tool pprof", "go tool pprof -http=: " + name})
	}
	if len(res.Trace) > 0 {
		name := fileName(res, "run.trace")
		all = append(all, file{"run.trace", name, "the whole execution trace, for go tool trace", "go tool trace " + name})
	}
	if by != "" {
		all = append(all, file{"graph.dot" + query, fileName(res, "graph.dot"), "the call graph, for Graphviz", ""})
		if dot {
			all = append(all,
				file{"graph.svg" + query, fileName(res, "graph.svg"), "the call graph as a picture", ""},
				file{"graph.pdf" + query, fileName(res, "graph.pdf"), "the call graph on paper", ""})
		}
	}
	return all
}

// fileName is the name under which a part of a result is saved: GET-repo-commits-20260102T150405Z.trace. It has only
// letters, digits, dots and hyphens, so no shell and no system takes offence at it.
func fileName(res *result.Result, part string) string {
	path, _, _ := strings.Cut(res.URI, "?")
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '-'
	}, res.Method+"-"+path)
	words := strings.FieldsFunc(safe, func(r rune) bool { return r == '-' })
	name := strings.Join(words, "-")
	if len(name) > 60 {
		name = strings.TrimRight(name[:60], "-")
	}
	if name == "" {
		name = "request"
	}
	if !res.Asked.IsZero() {
		name += "-" + res.Asked.UTC().Format("20060102T150405Z")
	}
	if _, ext, _ := strings.Cut(part, "."); strings.HasPrefix(part, "profile.") || strings.HasPrefix(part, "run.") {
		return name + "." + ext
	}
	return name + "-" + part
}

// attach has an answer saved to a file.
func attach(h http.Header, res *result.Result, part string) {
	h.Set("Content-Disposition", `attachment; filename="`+fileName(res, part)+`"`)
}

// notYet answers for the parts of a result that is not done, and says whether it is so.
func notYet(w http.ResponseWriter, r *http.Request, res *result.Result) bool {
	switch res.State {
	case result.Done:
		return false
	case result.Waits, result.Runs, result.Reads:
		w.Header().Set("Retry-After", "1")
		apologise(w, r, http.StatusServiceUnavailable, apology{Title: "The profile is not done yet", Text: request(res)})
	default:
		NotFound(w, r)
	}
	return true
}

// contentTypes are those of the files that there may be.
var contentTypes = map[string]string{
	"profile.pb.gz": "application/octet-stream", "run.trace": "application/octet-stream",
	"graph.dot": "text/vnd.graphviz; charset=utf-8", "graph.svg": "image/svg+xml", "graph.pdf": "application/pdf",
}

// serveFile answers with a file to download.
func serveFile(w http.ResponseWriter, r *http.Request, res *result.Result, name string) {
	contentType, ok := contentTypes[name]
	if !ok {
		NotFound(w, r)
		return
	}
	if notYet(w, r, res) {
		return
	}
	var data []byte
	switch name {
	case "profile.pb.gz":
		data = res.Profile
	case "run.trace":
		data = res.Trace
	default:
		if data, ok = drawGraph(w, r, res, strings.TrimPrefix(name, "graph.")); !ok {
			return
		}
	}
	if len(data) == 0 {
		apologise(w, r, http.StatusNotFound, apology{Title: "This part of the profile was not kept", Text: request(res), More: res.Problems})
		return
	}
	guard(w.Header(), "")
	attach(w.Header(), res, name)
	send(w, r, http.StatusOK, contentType, data)
}

// dot is the call graph in Graphviz's language.
func dot(ctx context.Context, res *result.Result, by string) ([]byte, error) {
	release, err := begin(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	c, err := read(res, by)
	if err != nil {
		return nil, err
	}
	return graph.DOT(ctx, c.Profile, c.by())
}

// drawGraph makes the call graph in a format. When it cannot, it answers why.
func drawGraph(w http.ResponseWriter, r *http.Request, res *result.Result, format string) ([]byte, bool) {
	data, err := dot(r.Context(), res, r.URL.Query().Get("by"))
	if notCounted(w, r, err) {
		return nil, false
	}
	if err == nil && format != "dot" {
		data, err = graph.Draw(r.Context(), data, format)
	}
	switch {
	case errors.Is(err, graph.ErrNoDot):
		apologise(w, r, http.StatusNotFound, apology{Title: "There is no drawing program here", Text: err.Error()})
	case err != nil:
		apologise(w, r, http.StatusInternalServerError, apology{Title: "The call graph cannot be drawn", Text: err.Error()})
	}
	return data, err == nil
}
