package control

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// An entry is a proxy under control. The server's mu guards it.
type entry struct {
	proxy    *chaos.Proxy
	upstream string // its backend, as it was set last
	created  bool   // through the API: it ends with the server

	// before are faults that Vaurien's API has replaced, by what it calls them.
	before map[string][]chaos.Fault
}

// json is how a proxy looks to clients.
func (e *entry) json() Proxy {
	protocol := wire.TCP
	if e.proxy.Protocol != nil {
		protocol = e.proxy.Protocol
	}
	return Proxy{
		Name: e.proxy.Name, Listen: e.proxy.Addr(), Upstream: e.upstream, Enabled: e.proxy.Running(),
		Protocol: protocol.Name(), Seed: e.proxy.Stats().Seed, Toxics: toxicsOf(e.proxy.Faults()),
	}
}

// A wish is a proxy as a client wants it to be.
type wish struct {
	Name     string       `json:"name"`
	Listen   string       `json:"listen"`
	Upstream string       `json:"upstream"`
	Enabled  *bool        `json:"enabled"`
	Protocol string       `json:"protocol"`
	Seed     uint64       `json:"seed"`
	Toxics   []toxicInput `json:"toxics"`
}

func readWish(r *http.Request) (w wish, err error) {
	body, err := readBody(r)
	if err == nil {
		err = readJSON(body, &w)
	}
	return w, err
}

// on says whether the proxy is to listen, which it is unless one says otherwise.
func (w wish) on() bool { return w.Enabled == nil || *w.Enabled }

// check says which field has no acceptable value. Where is empty, or says which proxy it is.
func (w wish) check(ctx context.Context, where string) error {
	for _, field := range []struct{ name, value string }{{"name", w.Name}, {"upstream", w.Upstream}} {
		if field.value == "" {
			e := missing(field.name)
			e.Message += where
			return e
		}
	}
	if strings.ContainsFunc(w.Name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return refusal(http.StatusBadRequest, "name", "name%s is %q, want no control characters", where, w.Name)
	}
	return w.checkListen(ctx, where)
}

// checkListen says whether one could listen there. It is asked before any lock is taken, so that a name
// server that does not answer holds up nobody else.
func (w wish) checkListen(ctx context.Context, where string) error {
	if err := resolves(ctx, w.Listen); err != nil {
		return refusal(http.StatusBadRequest, "listen", "listen%s is %q: %v", where, w.Listen, err)
	}
	return nil
}

// resolves says whether the host of an address to listen on has an address.
func resolves(ctx context.Context, listen string) error {
	host, _, err := net.SplitHostPort(listen)
	if listen == "" || strings.HasPrefix(listen, "unix:") || err == nil && host == "" {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w; want host:port or unix:/path", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err = net.DefaultResolver.LookupHost(ctx, host)
	return err
}

// build makes a proxy that has all its faults, and does not listen yet.
func (s *Server) build(w wish) (*entry, error) {
	protocol := wire.ByName(s.protocols(), cmp.Or(w.Protocol, wire.TCP.Name()))
	if protocol == nil {
		var names []string
		for _, p := range s.protocols() {
			names = append(names, p.Name())
		}
		return nil, refusal(http.StatusBadRequest, "protocol", "protocol %q is not known, want one of %s",
			w.Protocol, strings.Join(names, ", "))
	}
	faults, err := s.faults(w.Toxics)
	if err != nil {
		return nil, err
	}
	return newEntry(&chaos.Proxy{
		Name: w.Name, Listen: w.Listen, Backend: w.Upstream, Protocol: protocol, Seed: w.Seed,
		Notify: s.Notify,
	}, faults)
}

// newEntry puts a new proxy, with its faults, under control.
func newEntry(p *chaos.Proxy, faults []chaos.Fault) (*entry, error) {
	if err := p.Validate(); err != nil {
		return nil, refusal(http.StatusBadRequest, "", "%v", err)
	}
	if err := setFaults(p, faults); err != nil {
		return nil, err
	}
	return &entry{proxy: p, upstream: p.Backend, created: true}, nil
}

// enable makes the proxy listen, or not. Nothing is started once the server has ended.
func (s *Server) enable(e *entry, on bool) error {
	switch {
	case on == e.proxy.Running():
		return nil
	case !on:
		return e.proxy.Close()
	case s.closed:
		return refusal(http.StatusServiceUnavailable, "", "the server has been closed")
	}
	return e.proxy.Start()
}

// move gives a proxy other addresses and, as toxiproxy does, ends its connections. If it cannot listen at
// the new one it goes on at the old.
func (s *Server) move(e *entry, listen, upstream string, on bool) error {
	next := &entry{proxy: e.proxy, upstream: upstream, created: e.created, before: e.before}
	if elsewhere(e.proxy, listen) {
		// A proxy listens where it first did for as long as it is: this takes another one.
		moved, err := newEntry(&chaos.Proxy{
			Name: e.proxy.Name, Listen: listen, Backend: upstream,
			Protocol: e.proxy.Protocol, Seed: e.proxy.Stats().Seed, DialTimeout: e.proxy.DialTimeout,
			Notify: e.proxy.Notify,
		}, e.proxy.Faults())
		if err != nil {
			return err
		}
		next.proxy, next.created = moved.proxy, true
	}
	was := e.proxy.Running()
	err := s.enable(e, false)
	if err == nil {
		err = next.proxy.SetBackend(upstream)
	}
	if err == nil {
		err = s.enable(next, on)
	}
	if err != nil {
		if back := errors.Join(e.proxy.SetBackend(e.upstream), s.enable(e, was)); back != nil {
			return fmt.Errorf("%w; and then, back at %s: %v", err, e.proxy.Addr(), back)
		}
		return err
	}
	*e = *next
	return nil
}

// elsewhere says that an address is not where the proxy listens. Port 0 is wherever it listens already.
func elsewhere(p *chaos.Proxy, listen string) bool {
	if listen == "" || listen == p.Listen || listen == p.Addr() {
		return false
	}
	want, err := net.ResolveTCPAddr("tcp", listen)
	if err != nil {
		return true
	}
	is, err := net.ResolveTCPAddr("tcp", cmp.Or(p.Addr(), "127.0.0.1:0"))
	if err != nil {
		return true
	}
	all := func(ip net.IP) bool { return ip == nil || ip.IsUnspecified() }
	if all(want.IP) != all(is.IP) || !all(want.IP) && !want.IP.Equal(is.IP) {
		return true
	}
	return want.Port != 0 && want.Port != is.Port
}

// find gives the proxy of that name.
func (s *Server) find(name string) (*entry, error) {
	i := slices.IndexFunc(s.entries, func(e *entry) bool { return e.proxy.Name == name })
	if i < 0 {
		return nil, notFound("proxy")
	}
	return s.entries[i], nil
}
