package control

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// guard says whether a request may be answered at all, and with what error not.
func (s *Server) guard(r *http.Request) *Error {
	if s.Token == "" {
		if !s.knownHost(r.Host) {
			return refusal(http.StatusForbidden, "Host",
				"the host %q is not one of this server, want localhost, an IP address, or one of Server.Hosts", r.Host)
		}
	} else if !tokenIs(r, s.Token) {
		return refusal(http.StatusUnauthorized, "Authorization",
			"the token is missing or wrong, want \"Authorization: Bearer …\", or it as the password of the URL")
	}
	return crossSite(r)
}

// knownHost keeps out pages whose name has been pointed at this machine (DNS rebinding): their requests
// bear that name. An address has no name that could be pointed elsewhere.
func (s *Server) knownHost(host string) bool {
	host = hostname(host)
	if _, err := netip.ParseAddr(host); err == nil || strings.EqualFold(host, "localhost") {
		return true
	}
	same := func(known string) bool { return strings.EqualFold(host, hostname(known)) }
	return host != "" && (same(s.Addr) || slices.ContainsFunc(s.Hosts, same))
}

// hostname is a host without its port and brackets.
func hostname(hostport string) string {
	if host, _, err := net.SplitHostPort(hostport); err == nil {
		return host
	}
	return strings.Trim(hostport, "[]")
}

// tokenIs compares in a time that does not tell how much of the token was right. Clients that know of no
// tokens, toxiproxy's and Vaurien's, send the password of their URL, which is as good.
func tokenIs(r *http.Request, want string) bool {
	_, got, ok := r.BasicAuth()
	if !ok {
		scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return false
		}
		got = strings.TrimSpace(rest)
	}
	a, b := sha256.Sum256([]byte(got)), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// crossSite refuses what a page of another site makes a browser send; reading, too, for what is read
// here are addresses and conversations. A browser that does not say where its request comes from could
// be anywhere; toxiproxy refuses all browsers.
func crossSite(r *http.Request) *Error {
	refused := refusal(http.StatusForbidden, "Origin", "a page of another site may not use this server")
	if new(http.CrossOriginProtection).Check(r) != nil {
		return refused
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none":
		return nil
	case "":
	default:
		return refused
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return refused
		}
		return nil
	}
	if strings.HasPrefix(r.UserAgent(), "Mozilla/") {
		return refusal(http.StatusForbidden, "User-Agent", "User agent not allowed")
	}
	return nil
}

// loopback says that only this machine can connect to an address. A name other than localhost could
// be anywhere.
func loopback(addr string) bool {
	host := hostname(addr)
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
