package redact_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/heeler-go/heeler/internal/redact"
)

// names are secret in several spellings.
var names = []string{
	"password", "passwd", "passphrase", "secret", "api_key", "API-Key", "apikey", "auth", "credentials", "mysql_pwd",
	"privatekey", "Private-Key", "token", "session", "csrf", "xsrf", "cookie", "Set-Cookie", "Authorization",
	"signature", "jwt", "otp", "pin", "card", "cvv", "ssn", "userPassword", "x-auth-token", "pass%77ord",
}

// inText are the ways to write a secret in a text. Each has a name and then a secret in it.
var inText = []string{
	"%s=%s", "%s = %s", "%s='%s'", "%s = \"%s\"", "%s: %s", "%s:%s", "%s => '%s'", "%s := \"%s\"", "{%s:%s}",
	`{"%s":"%s"}`, `{"%s": "%s"}`, `{\"%s\":\"%s\"}`, `{\\\"%s\\\":\\\"%s\\\"}`, `{'%s': '%s'}`, `{"%s":["%s"]}`, `{"%s":{"a":"%s"}}`,
	"u.%s = '%s'", "`%s` = '%s'", "[%s] = N'%s'", "lower(%s) = '%s'", "%s IN ('x', '%s')", "%s LIKE '%s'", "%s '%s'", "%s('%s')",
	"SET %s FOR 'bob'@'%%' = '%s'", "INSERT INTO t (a, %s) VALUES ('a', '%s')", "--%s %s", "--%s=%s", "<%s>%s</a>",
	"/x?%s=%s", "/x?a=b&%s=%s", "a[%s]=%s", "/x?next=%%2F%%3F%s%%3D%s",
}

// bare are the ways to write a secret that need no name.
var bare = []string{
	"x IDENTIFIED BY '%s'", "x IDENTIFIED WITH p AS '%s'", "Bearer %s", "bearer %s", "mysql://bob:%s@db/x", "mysql://%s@db/x",
	"bob:%s@tcp(db:3306)/x", "AUTH %s", "eyJhbGciOiJIUzI1NiJ9.%s.x", "Bearer%%20%s",
}

// inURI are the ways to write a secret in a URI.
var inURI = []string{
	"/?%s=%s", "/?a=b&%s=%s", "/?a=b;%s=%s", "/a;%s=%s/b", "/?a[%s]=%s", "/#%s=%s", "/?a=b#c?%s=%s", "/?next=/%%3F%s=%s",
	"/?next=https%%3A%%2F%%2Fx%%2F%%3F%s%%3D%s", "/?q=%%7B%%22%s%%22%%3A%%22%s%%22%%7D", "/?q=%%257B%%2522%s%%2522%%253A%%2522%s%%2522%%257D",
}

// FuzzText plants a secret in a text, under each secret name in each syntax, and redacts the whole.
func FuzzText(f *testing.F) {
	for _, seed := range []string{"hunter2", "a'b\"c", `{"a":"b"}`, "token='", "x: y, z=1\nb", "%41+%2525", "\xff\\\\\"", "(((", jwt, "a:b@c"} {
		f.Add(seed, "hunter2hunter2", seed)
	}
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		var l redact.List
		for _, s := range []string{before, after, before + after, words(before + after)} {
			wantStable(t, s, l.Text)
		}
		secret = "zq" + plain(secret) + "9"
		if strings.Contains(before, secret) || strings.Contains(after, secret) {
			return
		}
		for _, form := range inText {
			name := names[(len(before)+len(form))%len(names)]
			planted := fmt.Sprintf(form, name, secret)
			wantGone(t, before+"\n"+planted+"\n"+after, secret, l.Text)
			wantGone(t, words(before)+" "+planted+" "+words(after), secret, l.Text)
		}
		for _, form := range bare {
			planted := fmt.Sprintf(form, secret)
			wantGone(t, before+"\n"+planted+"\n"+after, secret, l.Text)
			wantGone(t, words(before)+"\n"+planted+"\n"+words(after), secret, l.Text)
		}
	})
}

// FuzzURI plants a secret in a URI, under each secret name in each syntax, and redacts the whole.
func FuzzURI(f *testing.F) {
	for _, seed := range []string{"", "&a=b", ";a=b", "?", "#", "%41", "%25%2525", "+", "\xff\n", "https://a:b@c/", "=", jwt, "/;;&&"} {
		f.Add(seed, "hunter2hunter2", seed)
	}
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		var l redact.List
		for _, s := range []string{before, after, before + after, words(before + after)} {
			wantStable(t, s, l.URI)
		}
		whole := url.QueryEscape("zq" + secret + "9")
		secret = "zq" + plain(secret) + "9"
		if strings.Contains(before+after, secret) || strings.Contains(before+after, whole) {
			return
		}
		for _, form := range inURI {
			name := names[(len(before)+len(form))%len(names)]
			planted := fmt.Sprintf(form, name, secret)
			wantGone(t, before+planted+"&"+after, secret, l.URI)
			wantGone(t, words(before)+planted+"&"+words(after), secret, l.URI)
			if strings.HasSuffix(form, "=%s") {
				wantGone(t, before+fmt.Sprintf(form, name, whole)+"&"+after, whole, l.URI)
			}
		}
	})
}

// parts are what the scanner reacts to.
var parts = []string{
	"password", "token", "name", "a", "b1", "api", "key", "=", ":", "=>", ":=", "'", "\"", "`", "\\", "\\\"", "(", ")", "[", "]",
	"{", "}", "<", ">", " ", "  ", "\n", ",", ";", "&", "?", "#", "/", "@", "://", "https://", "%", "%3D", "%20", "%25", "%27",
	"%22", "+", "eyJabcdefghijk.", "Bearer", "Basic", "bearer", "AUTH", "auth", "IDENTIFIED", "BY", "VALUES", "INSERT INTO",
	"(token)", "SET", "FOR", "IN", "LIKE", "null", "nil", "$1", "12", "--", "--token", "-----BEGIN", "PRIVATE", "KEY-----",
	"-----END", redact.Mark, "cookie", "Authorization", "::", "/*", "*/", "||", "é", "\xff", ".", "\t", "\r", "not", "N'", "x",
}

// words makes a text of parts, which random bytes would hardly hit on.
func words(s string) string {
	var b strings.Builder
	for _, c := range []byte(s[:min(len(s), 16)]) {
		b.WriteString(parts[int(c)%len(parts)])
		if int(c) >= 2*len(parts) {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// plain keeps what needs no quotes anywhere.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x80 && ('a' <= r|0x20 && r|0x20 <= 'z' || '0' <= r && r <= '9') {
			return r
		}
		return -1
	}, s)
}

func wantStable(t *testing.T, in string, redacted func(string) string) string {
	t.Helper()
	once := redacted(in)
	if twice := redacted(once); twice != once {
		t.Errorf("%q\nonce  %q\ntwice %q", in, once, twice)
	}
	if !utf8.ValidString(once) {
		t.Errorf("%q: %q is not UTF-8", in, once)
	}
	return once
}

func wantGone(t *testing.T, in, secret string, redacted func(string) string) {
	t.Helper()
	if out := wantStable(t, in, redacted); strings.Contains(out, secret) {
		t.Errorf("the secret %q is left\nin  %q\nout %q", secret, in, out)
	}
}
