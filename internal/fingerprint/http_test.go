package fingerprint_test

import (
	"net/url"
	"strings"
	"testing"
	"unicode"

	"github.com/heeler-go/heeler/internal/fingerprint"
)

func TestARequestIsKnownByItsMethodHostAndPathWithoutValues(t *testing.T) {
	for _, c := range []struct{ method, url, want string }{
		{"GET", "https://api.example.com/book/12/cover?size=2#top", "GET api.example.com/book/?/cover"},
		{"POST", "http://bob:hunter2@db3.example.com:8080/_search", "POST db3.example.com:8080/_search"},
		{"", "http://[::1]:80/", "GET [::1]:80/"},
		{"get", "https://x.example", "get x.example"},
		{"GET", "https://x/v1/v22/v333/v/version", "GET x/v1/v22/?/v/version"},
		{"GET", "https://x/user/bob@example.com/a=b/a%20b/caf%C3%A9/a,b/~bob/ann.b@x.org", "GET x/user/?/?/?/?/?/?/?"},
		{"GET", "https://x/12.json/report.pdf/a.b.12/.well-known", "GET x/?.json/report.pdf/a.b.?/.well-known"},
		{"POST", "https://x/acme.shop.v1.CartService/AddItemToCart", "POST x/acme.shop.v1.CartService/AddItemToCart"},
		{"GET", "https://x/deadbeef/decade/facade", "GET x/?/decade/facade"},
		{"GET", "https://x/reset/kJxQwrTbVn/authentication", "GET x/reset/?/authentication"},
		{"GET", "https://x/reset/letmein/Tokens/anna/token/", "GET x/reset/?/Tokens/?/token/"},
		{"GET", "https://x/password-reset//hunter.json/reset_password/hunter/confirm/hunter/key", "GET x/password-reset//?/reset_password/?/confirm/?/key"},
		{"POST", "https://hooks.example.com/webhooks/Tr-ub-ad-or/x", "POST hooks.example.com/webhooks/?/x"},
		{"GET", "https://x/keyboard/anna/sharepoint/anna", "GET x/keyboard/anna/sharepoint/anna"},
		{"GET", "https://x/txlxabckfeywszrx/qcerASIOchUTiMyY/IZUMHHLWYBKI/uktetnpxtoca/BJeboWaSWjVK/quzotajixalo", "GET x/?/?/?/?/?/?"},
		{"GET", "https://x/subscriptions/administrators/infrastructure/GetUserAccounts/AddItemToCart/instructions/AUTHORIZATION/externalization",
			"GET x/subscriptions/administrators/infrastructure/GetUserAccounts/AddItemToCart/instructions/AUTHORIZATION/externalization"},
		{"GET", "https://x/0190163d-8694-739b-aea5-966c26f8ad91/" + strings.Repeat("a", 25), "GET x/?/?"},
		{"GET", "https://x/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "GET x/?.?.?"},
		{"GET", "https://x/a..b/" + strings.Repeat("a.", 30), "GET x/a..b/?"},
		{"GET", "https://x//a//", "GET x//a//"},
		{"GET", "relative/path/1", "GET /relative/path/?"},
		{"GET", "mailto:bob@example.com", "GET /?"},
		{"GET\r\nX: 1", "https://x/a", "? x/a"},
		{strings.Repeat("A", 21), "https://x/a", "? x/a"},
		{"GET", "https://" + strings.Repeat("h", 101) + "/a", "GET ?/a"},
		{"GET", "https://x" + strings.Repeat("/abc", 1000), "GET x" + strings.Repeat("/abc", 62) + "/…"},
	} {
		u, err := url.Parse(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := fingerprint.HTTP(c.method, u); got != c.want {
			t.Errorf("%s %.80s\n is %s\nwant %s", c.method, c.url, got, c.want)
		}
	}
	if got := fingerprint.HTTP("PUT", nil); got != "PUT" {
		t.Errorf("without a URL it is %q", got)
	}
}

func FuzzHTTP(f *testing.F) {
	f.Add("GET", "api.example.com:80", "/book/12/a.b/../x@y")
	f.Add("\xff\n", "a\x00", "//..//%zz/\u202e")
	f.Fuzz(func(t *testing.T, method, host, path string) {
		for _, u := range []*url.URL{{Host: host, Path: path}, {Host: host, Path: "/a/" + path, RawPath: path}, {Opaque: path, User: url.UserPassword("bob", "hunter2")}} {
			got := fingerprint.HTTP(method, u)
			if len(got) > 300 {
				t.Errorf("%q is %d bytes", got, len(got))
			}
			for _, r := range got {
				if r > unicode.MaxASCII && r != '…' || !unicode.IsPrint(r) {
					t.Errorf("%q has %q in it", got, r)
				}
			}
			_, shown, _ := strings.Cut(got, "/")
			if host != "" {
				shown = strings.TrimPrefix(got[strings.IndexByte(got, ' ')+1:], host)
			}
			for part := range strings.FieldsFuncSeq(shown, func(r rune) bool { return r == '/' || r == '.' }) {
				version := len(part) <= 3 && strings.HasPrefix(strings.ToLower(part), "v")
				if strings.ContainsAny(part, "@=%&") || strings.ContainsAny(part, "0123456789") && !version {
					t.Errorf("%q has a value in it", got)
				}
			}
		}
	})
}

func BenchmarkHTTP(b *testing.B) {
	u, _ := url.Parse("https://api.example.com/v1/book/12/cover?size=2")
	b.ReportAllocs()
	for b.Loop() {
		sink = fingerprint.HTTP("GET", u)
	}
}
