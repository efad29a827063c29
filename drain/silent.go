package drain

import (
	"net"
	"net/http"
	"time"
)

// ConnState may be set as the ConnState of an [http.Server] before that serves, or be called by it. Then Shutdown knows which
// connections have never sent a byte, and closes those, whatever handlers the server has beside those that the
// Drainer sees. It costs a look into a map when a request begins.
func (d *Drainer) ConnState(conn net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		d.hears.Store(true)
		d.fresh.Store(conn, time.Now())
	case http.StateActive, http.StateHijacked, http.StateClosed:
		d.fresh.Delete(conn)
	}
}

// closeSilent closes the connections that have not sent a byte for some time, and reports whether there are
// others that have not.
func (d *Drainer) closeSilent(now time.Time) (others bool) {
	for conn, since := range d.fresh.Range {
		if now.Sub(since.(time.Time)) < settling {
			others = true
			continue
		}
		conn.(net.Conn).Close()
		d.fresh.Delete(conn)
	}
	return others
}
