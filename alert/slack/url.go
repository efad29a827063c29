package slack

import (
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
)

// A URL is a webhook's. It is a type of its own so that it hides itself
// wherever it is printed, logged or encoded, also in a struct of yours:
// "https://hooks.slack.com/…". Only a conversion to string shows it. What is
// printed by way of an unexported field is out of a type's reach.
type URL string

// parse takes u apart, or says why it cannot be used without quoting it.
func (u URL) parse() (parsed *url.URL, why string) {
	if u == "" {
		return nil, "it is empty"
	}
	parsed, err := url.Parse(string(u))
	switch {
	case err != nil:
		return nil, "it is no URL"
	case parsed.Scheme != "https" && parsed.Scheme != "http":
		return nil, "it does not begin with https://"
	case parsed.Hostname() == "":
		return nil, "it has no host"
	case parsed.Scheme == "http" && !loopback(parsed.Hostname()):
		return nil, "it is http to another machine, which would show it to everybody on the way"
	case parsed.User != nil:
		return nil, "it has a user before its host"
	}
	return parsed, ""
}

// loopback says whether a host is this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// String is the scheme and the host.
func (u URL) String() string {
	parsed, why := u.parse()
	if why != "" {
		return "unusable URL"
	}
	return parsed.Scheme + "://" + parsed.Host + "/…"
}

// Format prints String, whatever the verb.
func (u URL) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(u.String())) }

// LogValue is String, for log/slog.
func (u URL) LogValue() slog.Value { return slog.StringValue(u.String()) }

// MarshalText is String, for JSON, YAML, XML and flags.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// host is where messages go.
func (u URL) host() string {
	parsed, why := u.parse()
	if why != "" {
		return "Slack"
	}
	return parsed.Host
}

// shortest is how long a part of a path or query must be to pass for a secret.
// Slack's are T, B and the letters of the token, of 9 to 24 characters.
const shortest = 6

// cutFrom cuts the URL, whole or in part, from what somebody else has said.
func (u URL) cutFrom(text string) string {
	parsed, why := u.parse()
	if why != "" {
		return strings.ReplaceAll(text, string(u), "[URL]")
	}
	secrets := []string{string(u), parsed.String(), parsed.RequestURI(), parsed.EscapedPath(), parsed.Path}
	for _, part := range [...]string{parsed.RequestURI(), parsed.Path, parsed.Fragment} {
		secrets = append(secrets, strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune("/?&=", r) })...)
	}
	for _, secret := range secrets {
		if len(secret) >= shortest && secret != "services" {
			text = strings.ReplaceAll(text, secret, "[URL]")
		}
	}
	return text
}
