// Package redact keeps secrets out of what leaves the process: reports, alerts, logs.
//
// A value is secret if it stands under a name that contains one of the words of Sentry's denylist, such
// as password, token, auth or cookie, whatever the case, and whether or not its words are parted:
// api_key, API-Key and apikey are alike. The rule is blunt on purpose: author=tolkien goes too, since it
// contains auth. What must not happen is that a secret is let through.
//
//	var secrets redact.List
//	secrets.URI("/login?user=bob&token=abc") // /login?user=bob&token=[redacted]
//
// Whatever was redacted once stays the same when it is redacted again.
package redact

import "strings"

// Mark stands where a secret was.
const Mark = "[redacted]"

// builtin are the names of FACTS, Redaction: Sentry's denylist.
var builtin = []string{
	"password", "passwd", "passphrase", "secret", "apikey", "auth", "credential", "mysqlpwd", "pwd",
	"privatekey", "token", "session", "csrf", "xsrf", "cookie", "signature", "jwt", "otp", "pin", "card",
	"cvv", "ssn",
}

// A List says which names are secret. The zero value knows the built-in ones. It is safe for concurrent
// use.
type List struct {
	extra []string
}

// New is the built-in list and more names, matched in the same way. A name of nothing but punctuation
// is ignored.
func New(extra ...string) List {
	var l List
	for _, name := range extra {
		if name = normal(name); name != "" {
			l.extra = append(l.extra, name)
		}
	}
	return l
}

// Name says whether what stands under name is secret.
func (l List) Name(name string) bool {
	name = normal(name)
	for _, names := range [][]string{builtin, l.extra} {
		for _, secret := range names {
			if strings.Contains(name, secret) {
				return true
			}
		}
	}
	return false
}

// normal is a name in lower case without the characters that part its words.
func normal(name string) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '-', '_', '.', ' ', '+':
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// Header is the value of a header field, fit to be shown: [Mark] if its name is secret, otherwise the
// value without the secrets in it.
func (l List) Header(name, value string) string {
	if l.Name(name) {
		return Mark
	}
	return l.Text(value)
}

// URI is a request target, such as the path and query of a request line or a whole URL, without the
// secrets in it.
func (l List) URI(uri string) string {
	return l.Text(uri)
}

// Text is a statement, a line of a log, a source line or an error message without the secrets in it.
func (l List) Text(s string) string {
	return strings.ToValidUTF8(s, "\uFFFD")
}
