package main

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strings"
)

//go:embed templates static
var files embed.FS

// pages are the templates by name, each inside the layout.
type pages map[string]*template.Template

// parsePages reads the templates that were built in, so it panics on a mistake in them.
func parsePages() pages {
	funcs := template.FuncMap{"stars": func(n int) string { return strings.Repeat("★", n) + strings.Repeat("☆", 5-n) }}
	layout := template.Must(template.New("layout.html").Funcs(funcs).
		ParseFS(files, "templates/layout.html", "templates/shelf.html", "templates/live.html"))
	all := make(pages)
	for _, name := range []string{"home", "about", "search", "authors", "book", "cart", "break", "sorry"} {
		all[name] = template.Must(template.Must(layout.Clone()).ParseFS(files, "templates/"+name+".html"))
	}
	all["live"] = template.Must(template.New("live.html").Funcs(funcs).ParseFS(files, "templates/live.html"))
	return all
}

// A view is what the layout gets.
type view struct {
	Name  string // of the page, for the navigation
	Title string // empty is the shop's own
	Data  any    // what the page shows

	Profile string // the page's own URI, to be profiled; empty if the visitor may not
}

// render answers with a page. A page that cannot be made is an error before anything was sent.
func (s *shop) render(w http.ResponseWriter, r *http.Request, name string, status int, title string, data any) error {
	var page bytes.Buffer
	if err := s.pages[name].Execute(&page, view{name, title, data, s.profileLink(r)}); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(page.Bytes()) // fails only if the visitor has left
	return nil
}

// An apology is what the page shows that stands in for another.
type apology struct {
	Text       string
	Status     int
	StatusText string
	RetryAfter string // seconds; empty if it will not help to come back
}

// sorry answers with a page that says what is wrong.
func (s *shop) sorry(w http.ResponseWriter, r *http.Request, status int, title, text string) {
	a := apology{text, status, http.StatusText(status), w.Header().Get("Retry-After")}
	if err := s.render(w, r, "sorry", status, title, a); err != nil {
		http.Error(w, title, status)
	}
}

// serveStatic serves what is in static/.
func serveStatic(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Cache-Control", "max-age=300")
	http.FileServerFS(files).ServeHTTP(w, r)
	return nil
}
