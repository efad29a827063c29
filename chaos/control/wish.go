package control

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// A wish is a proxy as a client wants it to be.
type wish struct {
	Name     string            `json:"name"`
	Listen   string            `json:"listen"`
	Upstream string            `json:"upstream"`
	Enabled  *bool             `json:"enabled"`
	Protocol string            `json:"protocol"`
	Seed     uint64            `json:"seed"`
	Toxics   []json.RawMessage `json:"toxics"`

	ips []netip.Addr // of Listen
}

func readWish(r *http.Request) (w wish, err error) {
	body, err := readBody(r)
	if err == nil {
		err = readJSON(body, &w)
	}
	return w, err
}

// on says whether the proxy is to listen, which it is unless one says otherwise.
func (w *wish) on() bool { return w.Enabled == nil || *w.Enabled }

// check says which field has no acceptable value. Where is empty, or says which proxy it is.
func (w *wish) check(ctx context.Context, where string) error {
	for _, field := range []struct{ name, value string }{{"name", w.Name}, {"upstream", w.Upstream}} {
		if field.value == "" {
			e := missing(field.name)
			e.Message += where
			return e
		}
	}
	if err := checkName(w.Name, where); err != nil {
		return err
	}
	return w.checkAddresses(ctx, where)
}

// checkAddresses says whether one could connect and listen there. It is asked before any lock is taken,
// so that a name server that does not answer holds up nobody else.
func (w *wish) checkAddresses(ctx context.Context, where string) error {
	if w.Upstream != "" && !isAddress(w.Upstream) {
		return badAddress("upstream", where, w.Upstream, "want host:port or unix:/path")
	}
	if w.Listen == "" {
		return nil
	}
	if !isAddress(w.Listen) {
		return badAddress("listen", where, w.Listen, "want host:port or unix:/path")
	}
	if err := w.resolve(ctx); err != nil {
		return badAddress("listen", where, w.Listen, err.Error())
	}
	return nil
}

// checkFixed refuses to change what a proxy keeps for as long as it is.
func (w *wish) checkFixed(e *entry) error {
	if is := e.protocol(); w.Protocol != "" && w.Protocol != is {
		return refusal(http.StatusBadRequest, "protocol",
			"protocol is %.60q, want that of the proxy, %q; delete it to have another one", w.Protocol, is)
	}
	if is := e.proxy.Stats().Seed; w.Seed != 0 && float64(w.Seed) != float64(is) { // JavaScript knows no more of it
		return refusal(http.StatusBadRequest, "seed",
			"seed is %d, want that of the proxy, %d; delete it to have another one", w.Seed, is)
	}
	return nil
}

func badAddress(field, where, got, want string) error {
	return refusal(http.StatusBadRequest, field, "%s%s is %.200q: %s", field, where, got, want)
}

// isAddress says whether a proxy takes this for an address.
func isAddress(addr string) bool { return (&chaos.Proxy{Backend: addr}).Validate() == nil }

// resolveTimeout is for a name server that does not answer.
const resolveTimeout = 5 * time.Second

// resolve finds the addresses of the host to listen on. In the place of a name that only a name server
// knows comes its address: the proxy, which has locks, is not to ask for it again.
func (w *wish) resolve(ctx context.Context) error {
	host, port, err := net.SplitHostPort(w.Listen)
	if err != nil || host == "" || strings.HasPrefix(w.Listen, "unix:") {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return err
	}
	first := found[0].Unmap()
	for _, ip := range found {
		w.ips = append(w.ips, ip.Unmap())
		if !first.Is4() && ip.Unmap().Is4() { // as net.Listen prefers it
			first = ip.Unmap()
		}
	}
	if _, err := netip.ParseAddr(host); err != nil && !strings.EqualFold(host, "localhost") {
		w.Listen = net.JoinHostPort(first.String(), port)
	}
	return nil
}

// elsewhere says that the proxy is not to listen where it does. Port 0 is wherever it listens already.
func (w *wish) elsewhere(p *chaos.Proxy) bool {
	is := p.Addr()
	if w.Listen == "" || w.Listen == is || w.Listen == p.Listen && strings.HasSuffix(w.Listen, ":0") {
		return false
	}
	if want := port(w.Listen); want != "0" && want != port(is) || strings.HasPrefix(w.Listen, "unix:") {
		return true
	}
	at, err := netip.ParseAddr(hostname(is))
	if err != nil { // it has not listened yet
		return !strings.EqualFold(hostname(is), hostname(w.Listen))
	}
	for _, ip := range w.ips {
		if ip == at.Unmap() || ip.IsUnspecified() && at.IsUnspecified() {
			return false
		}
	}
	return len(w.ips) > 0 || !at.IsUnspecified()
}

// port is the number of an address's port, or nothing.
func port(addr string) string {
	_, name, err := net.SplitHostPort(addr)
	if err != nil {
		return ""
	}
	if n, err := net.LookupPort("tcp", name); err == nil {
		name = strconv.Itoa(n)
	}
	return name
}
