package control

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// An entry is a proxy under control. The server's mu guards it.
type entry struct {
	proxy   *chaos.Proxy
	created bool          // through the API: it ends with the server
	deleted chan struct{} // is closed when a client has deleted it

	// before are faults that Vaurien's API has replaced, by what it calls them.
	before map[string][]chaos.Fault
}

func newEntry(p *chaos.Proxy, created bool) *entry {
	return &entry{proxy: p, created: created, deleted: make(chan struct{})}
}

// protocol is the name of what the proxy speaks.
func (e *entry) protocol() string {
	return cmp.Or(e.proxy.Protocol, wire.TCP).Name()
}

// json is how a proxy looks to clients.
func (e *entry) json() Proxy {
	return Proxy{
		Name: e.proxy.Name, Listen: e.proxy.Addr(), Upstream: e.proxy.Target(), Enabled: e.proxy.Running(),
		Protocol: e.protocol(), Seed: e.proxy.Stats().Seed, Toxics: toxicsOf(e.proxy.Faults()),
	}
}

// build makes a proxy that has all its faults, and does not listen yet.
func (s *Server) build(w wish) (*entry, error) {
	protocol, err := s.protocol(cmp.Or(w.Protocol, wire.TCP.Name()))
	if err != nil {
		return nil, err
	}
	p := &chaos.Proxy{
		Name: w.Name, Listen: cmp.Or(w.Listen, "127.0.0.1:0"), Backend: w.Upstream, Protocol: protocol, Seed: w.Seed, Notify: s.tell,
	}
	faults, err := s.faults(w.Toxics, protocol)
	if err != nil {
		return nil, err
	}
	return newEntry(p, true), setFaults(p, faults)
}

// protocol finds the protocol of that name.
func (s *Server) protocol(name string) (wire.Protocol, error) {
	if p := wire.ByName(s.protocols(), name); p != nil {
		return p, nil
	}
	var names []string
	for _, p := range s.protocols() {
		names = append(names, p.Name())
	}
	return nil, refusal(http.StatusBadRequest, "protocol", "protocol %.60q is not known, want one of %s",
		name, strings.Join(names, ", "))
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

// moveListener lets the proxy listen elsewhere; connections stay. Where the two addresses are in each
// other's way, as 127.0.0.1:80 and 0.0.0.0:80 are, it has to be closed for that.
func (s *Server) moveListener(e *entry, to string) error {
	p, from := e.proxy, e.proxy.Addr()
	err := p.SetListen(to)
	if err == nil || !p.Running() || port(from) != port(to) {
		return err
	}
	p.Close()
	p.SetListen(to) // of a closed proxy: it is looked at by Start
	if err = s.enable(e, true); err != nil {
		p.SetListen(from)
		s.enable(e, true)
	}
	return err
}

// moveBackend lets the proxy connect elsewhere, and ends the connections to where it did, as toxiproxy
// does: clients that keep some in a pool would go on to use the old one. The address is good.
func (s *Server) moveBackend(e *entry, to string) error {
	was := e.proxy.Running()
	if err := e.proxy.SetBackend(to); err != nil || !was {
		return err
	}
	e.proxy.Close()
	return s.enable(e, true)
}

// find gives the proxy of that name.
func (s *Server) find(name string) (*entry, error) {
	i := slices.IndexFunc(s.entries, func(e *entry) bool { return e.proxy.Name == name })
	if i < 0 {
		return nil, notFound("proxy")
	}
	return s.entries[i], nil
}
