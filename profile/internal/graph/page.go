package graph

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"strings"
)

// maxPage bounds a page, in bytes. It grows with the number of distinct stacks.
const maxPage = 64 << 20

// A page is an http.ResponseWriter that keeps what the driver answers.
type page struct {
	header http.Header
	status int
	body   bytes.Buffer
	full   bool
}

func (p *page) Header() http.Header  { return p.header }
func (p *page) WriteHeader(code int) { p.status = code }

func (p *page) Write(b []byte) (int, error) {
	if p.full || p.body.Len()+len(b) > maxPage {
		p.full = true
		return 0, errFull
	}
	return p.body.Write(b)
}

var errFull = fmt.Errorf("graph: the page is over the limit of %d bytes", maxPage)

// policy lets scripts and styles with the nonce work; pprof's search box has a picture in a data URL.
func policy(nonce string) string {
	return fmt.Sprintf("default-src 'none'; script-src 'nonce-%[1]s'; "+
		"style-src 'nonce-%[1]s'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", nonce)
}

// send answers with the page. Of the driver's headers it takes the two that it knows.
func (p *page) send(w http.ResponseWriter, nonce string) {
	if p.full {
		http.Error(w, errFull.Error(), http.StatusInternalServerError)
		return
	}
	body, kind := p.body.Bytes(), p.header.Get("Content-Type")
	if kind == "text/html" {
		body, kind = withNonce(shut(body), nonce), "text/html; charset=utf-8"
	}
	w.Header().Set("Content-Type", kind)
	if disposition := p.header.Get("Content-Disposition"); disposition != "" {
		w.Header().Set("Content-Disposition", disposition)
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(body) // the client may have left
}

// withNonce marks the scripts and styles of one of pprof's pages. They are its templates': whatever comes
// from a profile has been escaped, so it has no < of its own. There is no other script or style in the pages,
// no on… handler and no style attribute; scripts set styles through the DOM, which the policy lets them.
// The icon keeps browsers from asking for one.
func withNonce(page []byte, nonce string) []byte {
	attribute := ` nonce="` + html.EscapeString(nonce) + `"`
	for _, tag := range []string{"<script", "<style"} {
		page = bytes.ReplaceAll(page, []byte(tag), []byte(tag+attribute))
	}
	return bytes.Replace(page, []byte("<head>"), []byte(`<head><link rel="icon" href="data:,">`), 1)
}

// shut takes out of one of pprof's pages what leads to pages that are not there: sources, disassembly,
// options that are saved, and without dot the graph.
func shut(page []byte) []byte {
	page = without(page, `<div id="config" class="menu-item">`, `<div id="download" class="menu-item">`)
	page = without(page, `<div id="dialog-overlay">`, `<div id="errors">`)
	page = bytes.Replace(page, []byte("  initConfigManager();\n"), nil, 1)
	// All links are before the first script, which may be of many megabytes.
	end := bytes.Index(page, []byte("<script"))
	if end < 0 {
		end = len(page)
	}
	links := doorToFiles.ReplaceAll(page[:end], nil)
	if !Available() {
		links = doorToGraph.ReplaceAll(links, nil)
	}
	return append(links, page[end:]...)
}

// Links are in lines of their own. Text from a profile or a query has no quotation mark that is not escaped.
var (
	doorToFiles = regexp.MustCompile(`(?m)^.*href="\./(source|disasm)".*\n`)
	doorToGraph = regexp.MustCompile(`(?m)^.*href="\./graph".*\n`)
)

// without cuts a page from one text up to another. It is as it was if one of them is missing.
func without(page []byte, from, to string) []byte {
	before, rest, found := bytes.Cut(page, []byte(from))
	if !found {
		return page
	}
	_, after, found := bytes.Cut(rest, []byte(to))
	if !found {
		return page
	}
	return bytes.Join([][]byte{before, []byte(to), after}, nil)
}

var (
	errDraw   = errors.New("graph: the graph could not be drawn")
	table     = regexp.MustCompile(`(?s)<div id="top">.*?</table>\s*</div>`)
	selection = regexp.MustCompile(`viewer\(new URL\(window\.location\.href\), .*\);\n`)
	node      = regexp.MustCompile(`(?m)^N([0-9]+) \[label=.* tooltip="(.*) \([^()]*\)" color="`)
)

// draw makes pprof's page of the functions, which has all the menus, its page of the graph. The script of
// the page is told the names of the nodes, so that they can be selected.
func (p *page) draw(ctx context.Context, dot []byte) error {
	svg, err := Draw(ctx, dot, "svg")
	if err != nil {
		return fmt.Errorf("%w: %w", errDraw, err)
	}
	start := max(bytes.Index(svg, []byte("<svg")), 0)
	names := []string{""} // the first node is N1
	for _, found := range node.FindAllSubmatch(dot, -1) {
		names = append(names, strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(string(found[2])))
	}
	known, err := json.Marshal(names)
	if err != nil {
		return fmt.Errorf("%w: %w", errDraw, err)
	}
	body := p.body.Bytes()
	drawn := bytes.Join([][]byte{[]byte(`<div id="graph">`), svg[start:], []byte("</div>")}, nil)
	body = selection.ReplaceAllLiteral(body, fmt.Appendf(nil, "viewer(new URL(window.location.href), %s);\n", known))
	body = table.ReplaceAllLiteral(body, drawn)
	p.body = *bytes.NewBuffer(body)
	return nil
}
