package page_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/profile/internal/result"
)

func TestTheApplicationsAnswerIsOpenedInASandbox(t *testing.T) {
	const binary = "application/octet-stream"
	for _, c := range []struct {
		given, encoding string
		cut             bool
		contentType     string
		sentEncoding    string
		attached        bool
	}{
		{given: "text/html; charset=utf-8", contentType: "text/html; charset=utf-8"},
		{given: "TEXT/HTML;charset=latin1;boundary=x", contentType: "text/html; charset=latin1"},
		{given: "application/json", contentType: "application/json"},
		{given: "image/svg+xml", contentType: "image/svg+xml"},
		{given: "", contentType: "text/html; charset=utf-8"}, // as net/http finds out
		{given: "text/javascript", contentType: binary, attached: true},
		{given: "application/pdf", contentType: binary, attached: true},
		{given: "multipart/x-mixed-replace; boundary=x", contentType: binary, attached: true},
		{given: "text/html\r\nX-Evil: 1", contentType: binary, attached: true},
		{given: "not a type", contentType: binary, attached: true},
		{given: "text/html", encoding: "gzip", contentType: "text/html", sentEncoding: "gzip"},
		{given: "text/html", encoding: "identity", contentType: "text/html"},
		{given: "text/html", encoding: "gzip", cut: true, contentType: binary, attached: true},
		{given: "text/html", encoding: "gzip, br\r\nX: 1", contentType: binary, attached: true},
	} {
		res := repository(t, 0)
		res.Response = &result.Response{Status: 404, Body: []byte("<html><script>alert(1)</script>"), Cut: c.cut, Header: map[string][]string{
			"Content-Type": {c.given}, "Content-Encoding": {c.encoding},
			"Set-Cookie": {"a=b"}, "Location": {"https://evil.example/"}, "Refresh": {"0; url=https://evil.example/"}, "Link": {"</x>; rel=preload"},
		}}
		w := get(res, "response")
		h := w.Header()
		if w.Code != http.StatusOK || w.Body.String() != string(res.Response.Body) {
			t.Errorf("%q: status %d, %s", c.given, w.Code, w.Body)
		}
		if got := h.Get("Content-Type"); !strings.EqualFold(got, c.contentType) {
			t.Errorf("%q: type %q, want %q", c.given, got, c.contentType)
		}
		if got := h.Get("Content-Encoding"); got != c.sentEncoding {
			t.Errorf("%q: encoding %q, want %q", c.given, got, c.sentEncoding)
		}
		if got := strings.HasPrefix(h.Get("Content-Disposition"), "attachment;"); got != c.attached {
			t.Errorf("%q: attached %v", c.given, got)
		}
		if got := h.Get("Content-Security-Policy"); !strings.HasPrefix(got, "sandbox; default-src 'none';") || strings.Contains(got, "allow") {
			t.Errorf("%q: policy %q", c.given, got)
		}
		for _, name := range []string{"Set-Cookie", "Location", "Refresh", "Link", "X-Evil", "X"} {
			if h.Get(name) != "" {
				t.Errorf("%q: the answer's own %s came along", c.given, name)
			}
		}
	}
}

func TestTheAnswersHeadersAreShown(t *testing.T) {
	res := repository(t, 0)
	res.Response.Cut = true
	body := get(res, "").Body.String()
	for _, want := range []string{"<code>Set-Cookie</code>", "<code>[redacted]</code>", "only the beginning was kept", "<b>200</b> OK"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}
