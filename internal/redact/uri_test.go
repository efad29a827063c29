package redact_test

import (
	"strings"
	"testing"

	"github.com/heeler-go/heeler/internal/redact"
)

func TestSecretsInURIsAreRedacted(t *testing.T) {
	for _, test := range []struct{ in, want string }{
		{"/login?user=bob&token=abc", "/login?user=bob&token=[redacted]"},
		{"/?token=abc&token=def", "/?token=[redacted]&token=[redacted]"},
		{"/?token=abc;user=bob", "/?token=[redacted];user=bob"},
		{"/?token=ab;cd;user=bob", "/?token=[redacted];user=bob"},
		{"/?token=ab;cd", "/?token=[redacted]"},
		{"/?token=a=b", "/?token=[redacted]"},
		{"/?token=a?b/c:d,e", "/?token=[redacted]"},
		{"/?token=", "/?token="},
		{"/?token", "/?token"},
		{"/?TOKEN=a+b", "/?TOKEN=[redacted]"},
		{"/?a%5Bpassword%5D=x&a[pin]=1", "/?a%5Bpassword%5D=[redacted]&a[pin]=[redacted]"},
		{"/?%74oken=abc", "/?%74oken=[redacted]"},
		{"/?%2574oken=abc", "/?%2574oken=[redacted]"},
		{"/?api+key=abc", "/?api+key=[redacted]"},
		{"/?token%3Dabc", "/?token%3D%5Bredacted%5D"},
		{"/a;token=x/b;v=1?c=d", "/a;token=[redacted]/b;v=1?c=d"},
		{"/a;token=x;y/b", "/a;token=[redacted]/b"},
		{"/x#access_token=abc&state=1", "/x#access_token=[redacted]&state=1"},
		{"/x?a=b#/login?token=abc", "/x?a=b#/login?token=[redacted]"},
		{"https://bob:hunter2@shop:8443/x?pin=1", "https://[redacted]@shop:8443/x?pin=[redacted]"},
		{"https://bob:hun/ter2@shop/x?pin=1", "https://[redacted]@shop/x?pin=[redacted]"},
		{"https://bob@shop", "https://[redacted]@shop"},
		{"/?next=https://x/?token=abc&a=1", "/?next=https://x/?token=[redacted]&a=1"},
		{"/?next=https%3A%2F%2Fx%2F%3Ftoken%3Dabc&a=1", "/?next=https%3A%2F%2Fx%2F%3Ftoken%3D%5Bredacted%5D&a=1"},
		{"/?next=/x%3Ftoken%3Dabc/d", "/?next=%2Fx%3Ftoken%3D%5Bredacted%5D"},
		{"/?next=https%3A%2F%2Fbob%3Ahunter2%40x%2F", "/?next=https%3A%2F%2F%5Bredacted%5D%40x%2F"},
		{"/?next=%2Fa%3Fb%3D%252Fc%253Ftoken%253Dabc", "/?next=%2Fa%3Fb%3D%252Fc%253Ftoken%253D%255Bredacted%255D"},
		{"/?next=%2525252525252574", "/?next=%25255Bredacted%25255D"},
		{"/?q=%7B%22password%22%3A%22x%22%7D", "/?q=%7B%22password%22%3A%22%5Bredacted%5D%22%7D"},
		{"/verify/" + jwt + "/x", "/verify/[redacted]/x"},
		{"/?v=" + jwt, "/?v=[redacted]"},
		{"/?author=tolkien", "/?author=[redacted]"}, // by the rule
	} {
		wantURI(t, test.in, test.want)
	}
}

func TestAllElseInAURIStaysByteForByte(t *testing.T) {
	for _, uri := range []string{
		"", "/", "*", "//", "/?", "/?&&;;==&", "/a/../b//c", "/%zz%", "/a%2Fb?c=%41+d%20e&f", "/?a=1&a=2;b=3#", "example.com:443",
		"https://auth.example.com:8443/x?a=b", "http://[::1]:80/", "/search?q=a+b%2Bc&p=100%25", "/t/12:30?at=10:30",
		"/?q=hello,world|x^y{z}", "/日本?名=前", "/?mail=bob@example.com", "/tokens/5/cards", "/?a=b=c", "/?q=auth+service",
	} {
		wantURI(t, uri, uri)
	}
}

func TestAURIStaysOnOneLine(t *testing.T) {
	wantURI(t, "/a\r\nb\x00c\x1b\xff\u2028?d=\te", "/a%0D%0Ab%00c%1B%FF%E2%80%A8?d=%09e")
	wantURI(t, "/?token=a\nb&c=\x7f", "/?token=[redacted]&c=%7F")
	wantURI(t, "/\uFFFD", "/\uFFFD")
}

func wantURI(t *testing.T, in, want string) {
	t.Helper()
	var l redact.List
	got := l.URI(in)
	if got != want {
		t.Errorf("%q\n got %q\nwant %q", in, got, want)
	}
	if again := l.URI(got); again != got {
		t.Errorf("%q\nonce  %q\ntwice %q", in, got, again)
	}
	if strings.ContainsAny(got, "\r\n\x00\x1b") {
		t.Errorf("%q: %q is not one line", in, got)
	}
}
