package redact_test

import (
	"fmt"
	"testing"

	"github.com/heeler-go/heeler/internal/redact"
)

func TestNamesAreMatchedBySubstringWhateverTheirCaseAndPunctuation(t *testing.T) {
	var l redact.List
	for _, name := range []string{
		// as FACTS lists them
		"password", "passwd", "passphrase", "secret", "api_key", "apikey", "auth", "credentials", "mysql_pwd",
		"privatekey", "private_key", "token", "session", "csrf", "xsrf", "cookie", "set_cookie", "authorization",
		"signature", "jwt", "otp", "pin", "card", "cvv", "ssn",
		// otherwise spelled
		"PASSWORD", "userPassword", "user[password]", "API-Key", "api key", "api.key", "X-Api-Key", "Set-Cookie",
		"aws_secret_access_key", "X-Amz-Credential", "Proxy-Authorization", "pass%77ord", "pass%2577ord", "api+key",
		"api%20key", "author", "shipping",
	} {
		if !l.Name(name) {
			t.Errorf("%q is not secret", name)
		}
	}
	for _, name := range []string{"", "name", "user", "key", "pass", "Content-Type", "X-Forwarded-For", "%", "%zz", "address", "о"} {
		if l.Name(name) {
			t.Errorf("%q is secret", name)
		}
	}
}

func TestHeadersWithSecretNamesAreRedactedWhole(t *testing.T) {
	l := redact.New("X-Forwarded-For")
	for _, test := range []struct{ name, value, want string }{
		{"Authorization", "Bearer abc", redact.Mark},
		{"authorization", "", redact.Mark},
		{"Cookie", "a=b; c=d", redact.Mark},
		{"Set-Cookie", "a=b", redact.Mark},
		{"X-Csrf-Token", "abc", redact.Mark},
		{"X-Forwarded-For", "10.0.0.1", redact.Mark},
		{"Referer", "https://bob:x@shop/reset;token=a/b?token=abc&page=2#card=4111", "https://[redacted]@shop/reset;token=[redacted]/b?token=[redacted]&page=2#card=[redacted]"},
		{"X-Original-Url", "/x?pin=1&a=b", "/x?pin=[redacted]&a=b"},
		{"Link", "<https://x/?token=abc>; rel=next", "<https://x/?token=[redacted]>; rel=next"},
		{"X-Debug", "sent Bearer abc", "sent Bearer [redacted]"},
		{"X-Debug", "a\x1b[31mb\nc\xff", "a [31mb c\uFFFD"},
		{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0 (X11; Linux x86_64)"},
		{"Accept", "text/html, */*;q=0.8", "text/html, */*;q=0.8"},
		{"Content-Length", "12", "12"},
	} {
		got := l.Header(test.name, test.value)
		if got != test.want {
			t.Errorf("%s: %s\n got %q\nwant %q", test.name, test.value, got, test.want)
		}
		if again := l.Header(test.name, got); again != got {
			t.Errorf("%s: once %q, twice %q", test.name, got, again)
		}
	}
}

func ExampleList() {
	var secrets redact.List // the zero value knows the usual names
	fmt.Println(secrets.Header("Authorization", "Bearer abc"))
	fmt.Println(secrets.URI("/login?user=bob&token=abc"))
	fmt.Println(secrets.Text("UPDATE users SET password = 'x' WHERE id = 5"))
	// Output:
	// [redacted]
	// /login?user=bob&token=[redacted]
	// UPDATE users SET password = '[redacted]' WHERE id = 5
}

func ExampleNew() {
	secrets := redact.New("X-Forwarded-For")
	fmt.Println(secrets.Header("X-Forwarded-For", "10.0.0.1"))
	// Output: [redacted]
}
