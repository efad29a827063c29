package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/heeler-go/heeler/internal/stacks"
)

// The call graph is drawn by Graphviz as @viz-js/viz brings it to browsers; its licences are beside it.
//
//go:embed templates assets/page.css assets/page.js assets/viz.js.gz
var files embed.FS

// pages are the templates by name, each inside the layout. They are parsed when the first page is shown,
// so that programs which never profile do not pay for them.
var pages = sync.OnceValue(func() map[string]*template.Template {
	style := func() template.CSS { return template.CSS(mustRead("assets/page.css")) }
	layout := template.Must(template.New("layout.html").Funcs(template.FuncMap{
		"style": style, "span": span, "short": stacks.Short, "base": base, "clip": clip, "count": count,
	}).ParseFS(files, "templates/layout.html"))
	all := make(map[string]*template.Template)
	for _, name := range []string{"result", "pending", "sorry"} {
		all[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "templates/"+name+".html"))
	}
	return all
})

// mustRead reads a file that was built in.
func mustRead(name string) []byte {
	data, err := files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return data
}

// An asset is a file that pages load, in the form in which it is kept.
type asset struct {
	tag  string // changes with the content
	data []byte
	zip  bool // data is compressed
}

// assets are by the names that Asset knows.
var assets = sync.OnceValue(func() map[string]asset {
	all := make(map[string]asset)
	for name, file := range map[string]string{"page.js": "assets/page.js", "viz.js": "assets/viz.js.gz"} {
		data := mustRead(file)
		sum := sha256.Sum256(data)
		all[name] = asset{`"` + hex.EncodeToString(sum[:8]) + `"`, data, strings.HasSuffix(file, ".gz")}
	}
	return all
})

// Asset answers with a file that pages load: "page.js" or "viz.js". Others are not found. Browsers keep
// them, and ask each time whether they have changed.
func Asset(w http.ResponseWriter, r *http.Request, name string) {
	a, ok := assets()[name]
	if !ok {
		NotFound(w, r)
		return
	}
	if !reads(w, r) {
		return
	}
	guard(w.Header(), "")
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Set("ETag", a.tag)
	if a.zip {
		w.Header().Set("Vary", "Accept-Encoding")
	}
	if strings.Contains(r.Header.Get("If-None-Match"), a.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	data := a.data
	if a.zip && takesGzip(r.Header.Get("Accept-Encoding")) {
		w.Header().Set("Content-Encoding", "gzip")
	} else if a.zip {
		data = unzip(data)
	}
	send(w, r, http.StatusOK, "text/javascript; charset=utf-8", data)
}

// takesGzip says whether a client takes compressed answers. Who gives it a weight below one gets the
// plain file, which is never wrong.
func takesGzip(accepted string) bool {
	for coding := range strings.SplitSeq(accepted, ",") {
		if strings.TrimSpace(coding) == "gzip" {
			return true
		}
	}
	return false
}

// unzip unpacks a file that was built in.
func unzip(data []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		panic(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		panic(err)
	}
	return plain
}

// assetPath is the reference from a result's page to an asset.
func assetPath(name string) string { return "../-/" + name }
