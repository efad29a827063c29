package drain

import (
	"hash/maphash"
	"net/http"
	"net/netip"
	"strings"
)

// nobody is the client that has no cap of its own.
const nobody = 0

// who is a number for the request's client. It is a hash, since a number is all that a connection need
// keep of its client: among a million clients the chance is one in ten million that two are counted as one, and
// the seed is secret, so that nobody can bring it about.
func (d *Drainer) who(r *http.Request) uint64 {
	if d.MaxPerClient == 0 {
		return nobody
	}
	client := d.Client
	if client == nil {
		client = address
	}
	name := client(r)
	if name == "" {
		return nobody
	}
	return maphash.String(d.seed, name) | 1 // never nobody
}

// address is the IP address that a request came from, of IPv6 the network.
func address(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	ip, bits := from.Addr().Unmap().WithZone(""), 64
	if ip.Is4() {
		bits = 32
	}
	network, err := ip.Prefix(bits)
	if err != nil {
		return ""
	}
	return network.String()
}

// lacks says what speaks against another connection of the client; nil if nothing does. d.mu is held.
func (d *Drainer) lacks(client uint64) error {
	switch {
	case d.ending.Load():
		return ErrDraining
	case d.MaxConns > 0 && d.taken >= d.MaxConns:
		return ErrFull
	case client != nobody && int(d.clients[client]) >= d.MaxPerClient:
		return ErrClientFull
	}
	return nil
}

// take takes a slot for the client.
func (d *Drainer) take(client uint64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.lacks(client); err != nil {
		return d.refuse(err)
	}
	d.enter(client)
	return nil
}

// enter counts a slot as the client's. d.mu is held.
func (d *Drainer) enter(client uint64) {
	d.taken++
	if client != nobody {
		d.clients[client]++
	}
}

// give gives a slot back. d.mu is held.
func (d *Drainer) give(client uint64) {
	d.taken--
	if client == nobody {
		return
	}
	if d.clients[client]--; d.clients[client] == 0 {
		delete(d.clients, client)
	}
}

// turnAway says why a request for another protocol would be refused in the end; nil if it would not. So its
// handler need not run.
func (d *Drainer) turnAway(r *http.Request) *RefusedError {
	if !wantsUpgrade(r) || d.MaxConns == 0 && d.MaxPerClient == 0 && !d.ending.Load() {
		return nil
	}
	client := d.who(r)
	d.mu.Lock()
	err := d.lacks(client)
	d.mu.Unlock()
	if err == nil {
		return nil
	}
	return d.refuse(err)
}

// wantsUpgrade reports whether the connection of the request is to be used for another protocol. Those that would
// only carry HTTP are left out: curl and browsers offer them and do not mind if they are not heard.
func wantsUpgrade(r *http.Request) bool {
	protocols := r.Header["Upgrade"]
	if len(protocols) == 0 || r.ProtoMajor >= 2 {
		return false
	}
	for _, p := range strings.Split(protocols[0], ",") {
		name, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(p)), "/")
		switch name {
		case "", "h2c", "http", "tls":
		default:
			return true
		}
	}
	return false
}
