package page

import (
	"maps"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/heeler-go/heeler/profile/internal/result"
)

// An answer is what the page shows of the application's own.
type answer struct {
	Status  int
	Text    string // of the status
	Size    string
	Cut     bool
	Headers []header
}

// A header is one line of a response's.
type header struct{ Name, Value string }

// describe lists what a response is; nil if it was not kept.
func describe(kept *result.Response) *answer {
	if kept == nil {
		return nil
	}
	a := &answer{Status: kept.Status, Text: http.StatusText(kept.Status), Size: size(int64(len(kept.Body))), Cut: kept.Cut}
	for _, name := range slices.Sorted(maps.Keys(kept.Header)) {
		for _, value := range kept.Header[name] {
			a.Headers = append(a.Headers, header{clip(name, 200), clip(value, 2000)})
		}
	}
	return a
}

// serveResponse answers with the body of the application's own answer. It may be a page of the
// application, or of whoever has found a way to put one there, and must do nothing in the name of the
// person who looks at it: it is in a sandbox, which gives it an origin of its own, without scripts, forms
// and anything from the network. It can still have a browser open a connection to somewhere, with
// <link rel=preconnect>, over which nothing is asked; no policy forbids that.
func serveResponse(w http.ResponseWriter, r *http.Request, res *result.Result) {
	if notYet(w, r, res) {
		return
	}
	kept := res.Response
	if kept == nil {
		apologise(w, r, http.StatusNotFound, apology{Title: "The answer was not kept",
			Text: "The application's own answer is kept when the profile is asked for with the option \"response\"."})
		return
	}
	given := http.Header(kept.Header)
	contentType, display := safeType(given.Get("Content-Type"), kept.Body)
	encoding := strings.ToLower(strings.TrimSpace(given.Get("Content-Encoding")))
	switch encoding {
	case "", "identity":
		encoding = ""
	case "gzip", "br", "zstd", "deflate":
		if kept.Cut { // no browser unpacks a part
			contentType, display, encoding = "application/octet-stream", false, ""
		}
	default:
		contentType, display, encoding = "application/octet-stream", false, ""
	}
	guard(w.Header(), "")
	w.Header().Set("Content-Security-Policy", "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; "+
		"form-action 'none'; base-uri 'none'; frame-ancestors 'none'")
	if encoding != "" {
		w.Header().Set("Content-Encoding", encoding)
	}
	if !display {
		attach(w.Header(), res, "response.bin")
	}
	send(w, r, http.StatusOK, contentType, kept.Body)
}

// safeType is the type under which a body is shown, and whether browsers show it at all. Others are for
// download: a browser's viewers, such as that for PDF, may not be in the sandbox.
func safeType(given string, body []byte) (contentType string, display bool) {
	if given == "" {
		given = http.DetectContentType(body) // as net/http did
	}
	media, params, err := mime.ParseMediaType(given)
	if err != nil {
		return "application/octet-stream", false
	}
	switch media {
	case "text/html", "text/plain", "application/json", "application/problem+json",
		"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/svg+xml":
	default:
		return "application/octet-stream", false
	}
	if charset := params["charset"]; charset != "" {
		return mime.FormatMediaType(media, map[string]string{"charset": charset}), true
	}
	return media, true
}
