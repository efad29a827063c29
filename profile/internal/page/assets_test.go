package page_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/profile/internal/page"
)

// asset asks for an asset with a header.
func asset(name, header, value string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/-/"+name, nil)
	r.Header.Set(header, value)
	page.Asset(w, r, name)
	return w
}

func TestAssetsAreCompressedForWhoTakesThat(t *testing.T) {
	plain := asset("viz.js", "Accept-Encoding", "")
	if !strings.HasPrefix(plain.Body.String(), "/*!\nViz.js 3.31.0") || plain.Header().Get("Content-Encoding") != "" {
		t.Errorf("the drawing program begins with %.40q", plain.Body)
	}
	for _, refuses := range []string{"gzip;q=0", "br", "xgzip"} {
		if w := asset("viz.js", "Accept-Encoding", refuses); w.Header().Get("Content-Encoding") != "" {
			t.Errorf("%q: got %q", refuses, w.Header().Get("Content-Encoding"))
		}
	}
	w := asset("viz.js", "Accept-Encoding", "br, gzip, deflate")
	if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" {
		t.Fatalf("headers %v", w.Header())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	if unpacked, err := io.ReadAll(z); err != nil || string(unpacked) != plain.Body.String() {
		t.Errorf("unpacked it is another one: %v", err)
	}
}

func TestBrowsersKeepAssetsWhileTheyAreTheSame(t *testing.T) {
	for _, name := range []string{"page.js", "viz.js"} {
		w := asset(name, "Accept", "*/*")
		tag := w.Header().Get("ETag")
		if w.Code != http.StatusOK || tag == "" || w.Header().Get("Cache-Control") != "private, no-cache" {
			t.Errorf("%s: status %d, headers %v", name, w.Code, w.Header())
		}
		if w := asset(name, "If-None-Match", `W/`+tag); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
			t.Errorf("%s again: status %d, %d bytes", name, w.Code, w.Body.Len())
		}
		if w := asset(name, "If-None-Match", `"other"`); w.Code != http.StatusOK {
			t.Errorf("%s, another one: status %d", name, w.Code)
		}
	}
}

func TestOtherAssetsAreNotFound(t *testing.T) {
	for _, name := range []string{"", "page.css", "viz.js.gz", "../page.js", "templates/result.html", "PAGE.JS"} {
		if w := asset(name, "Accept", "*/*"); w.Code != http.StatusNotFound {
			t.Errorf("%q: status %d", name, w.Code)
		}
	}
	w := httptest.NewRecorder()
	page.Asset(w, httptest.NewRequest("POST", "/-/page.js", nil), "page.js")
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", w.Code)
	}
}
