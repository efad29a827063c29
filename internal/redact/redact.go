// Package redact keeps secrets out of what leaves the process: reports, alerts, logs.
//
// What stands under a secret name is secret. A name is secret if it contains one of the words of
// Sentry's denylist, such as password, token, auth or cookie, whatever the case, and whether or not its
// words are parted: api_key, API-Key, "api key" and apikey are alike.
//
//	var secrets redact.List
//	secrets.URI("/login?user=bob&token=abc") // /login?user=bob&token=[redacted]
//	secrets.Text("password = 'x'")           // password = '[redacted]'
//
// The rule is blunt on purpose. That too much goes is accepted: author=tolkien does, since it contains
// auth. That a secret gets through is not.
//
// Redacting twice changes nothing more.
package redact

import (
	"strings"
	"unicode"
)

// Mark stands where a secret was.
const Mark = "[redacted]"

// builtin are Sentry's denylist, as FACTS has it under Redaction, as normal writes them. Two are wider
// than there: credential for credentials, which is what AWS signs with, and pwd for mysql_pwd, which is
// what SQL Server's and ODBC's connection strings say.
var builtin = []string{
	"password", "passwd", "passphrase", "secret", "apikey", "auth", "credential", "pwd", "privatekey",
	"token", "session", "csrf", "xsrf", "cookie", "signature", "jwt", "otp", "pin", "card", "cvv", "ssn",
}

// A List says which names are secret. The zero value knows the built-in ones. It is safe for concurrent
// use.
type List struct {
	extra []string
}

// New is the built-in list and more names, matched in the same way, such as X-Forwarded-For. A name of
// nothing but punctuation is ignored.
func New(extra ...string) List {
	var l List
	for _, name := range extra {
		if name = normal(name); name != "" {
			l.extra = append(l.extra, name)
		}
	}
	return l
}

// Name says whether what stands under name is secret. The name may be percent-encoded.
func (l List) Name(name string) bool {
	name = normal(name)
	for _, secret := range builtin {
		if strings.Contains(name, secret) {
			return true
		}
	}
	for _, secret := range l.extra {
		if strings.Contains(name, secret) {
			return true
		}
	}
	return false
}

// normal is a name decoded, in lower case, without the characters that part its words.
func normal(name string) string {
	for range maxDepth {
		decoded := decode(name)
		if decoded == name {
			break
		}
		name = decoded
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '-', '_', '.', ' ', '+', '\t':
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// Header is the value of a header field, fit to be shown on one line: [Mark] if its name is secret,
// otherwise the value without the secrets in it, such as a token in a Referer's query.
func (l List) Header(name, value string) string {
	switch {
	case l.Name(name):
		return Mark
	case strings.HasPrefix(value, "/") || strings.Contains(value, "://") && !strings.ContainsAny(value, " \t"):
		return l.URI(value)
	}
	return l.Text(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, value))
}

// Text is a statement, a piece of a log, a source line or an error message without the secrets in it,
// in valid UTF-8. It finds
//
//   - name=value, name: value, name => value and the like, in queries, connection strings, log lines and
//     printed structs, the name and the value in quotes or not; to the end of the line where no other
//     pair follows name: value;
//   - "name":"value", "name":[…] and "name":{…} in JSON, also when it is itself inside a string;
//   - SQL: password = 'x', PASSWORD 'x', token IN ('x'), IDENTIFIED BY 'x', SET PASSWORD FOR u = 'x',
//     and an INSERT whose column list has a secret name;
//   - <name>value</name>, --name value, Redis's AUTH;
//   - whatever their name: Bearer and Basic credentials, user:password@host, JSON Web Tokens, private
//     keys in PEM;
//   - all these percent-encoded.
//
// It does not find a secret whose name is not next to it: a command's positional arguments, or
// 'x' = password. It takes time in proportion to the length.
func (l List) Text(s string) string {
	return settle(strings.ToValidUTF8(s, "\uFFFD"), func(s string) string { return l.text(s, maxDepth) })
}

// settle redacts until nothing changes. Once is nearly always enough; but where quotes are out of step,
// two marks may come to stand in what now looks like one value.
func settle(s string, redact func(string) string) string {
	for range 10 {
		once := redact(s)
		if once == s {
			break
		}
		s = once
	}
	return s
}
