package backoff

import (
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxHosts is how many hosts a Transport remembers at once. It is for what is hostile: redirects to
// ever new names, each of which asks to be left alone.
const maxHosts = 1000

// maxOrigin is more than the bytes of any origin: a name in the DNS has 253 at most (RFC 1035 §2.3.4).
const maxOrigin = 300

// An origin is what is to be left alone: scheme, host and port.
type origin struct{ scheme, host, port string }

// originOf is the origin of a URL in one spelling: lower case, with the port, without a final dot, and
// an address of IPv6 by RFC 5952.
func originOf(u *url.URL) origin {
	o := origin{
		scheme: strings.ToLower(u.Scheme),
		host:   strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")),
		port:   strings.TrimLeft(u.Port(), "0"),
	}
	if strings.Contains(o.host, ":") {
		if addr, err := netip.ParseAddr(o.host); err == nil {
			o.host = addr.String()
		}
	}
	if o.port == "" {
		o.port = o.usualPort()
	}
	return o
}

func (o origin) usualPort() string {
	switch o.scheme {
	case "http":
		return "80"
	case "https":
		return "443"
	}
	return ""
}

// String is the origin as browsers write it.
func (o origin) String() string {
	host := o.host
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if o.port != o.usualPort() {
		host += ":" + o.port
	}
	return o.scheme + "://" + host
}

// A pause is a time in which to send nothing. The zero pause has ended.
//
// It opens up to an eighth later than was asked, which keeps the clients of a host apart; those in this
// process that stand in line go through at random until its end, a quarter later than was asked.
type pause struct{ open, end time.Time }

func newPause(now time.Time, asked time.Duration) pause {
	if asked <= 0 {
		return pause{}
	}
	return pause{now.Add(asked + upTo(asked/8)), now.Add(asked + asked/4)}
}

// later is the pause that opens later.
func (p pause) later(q pause) pause {
	if q.open.After(p.open) {
		return q
	}
	return p
}

// slot is a time at which one of those who wait may go, at limit at the latest. Limit is not before the
// pause opens.
func (p pause) slot(limit time.Time) time.Time {
	if p.end.Before(limit) {
		limit = p.end
	}
	return p.open.Add(upTo(limit.Sub(p.open)))
}

// upTo is a random duration between nothing and d.
func upTo(d time.Duration) time.Duration {
	if d <= 0 {
		return 0
	}
	return rand.N(d + 1)
}

// A wish is what a host has asked for: by Retry-After, to get nothing, and by the Backoff headers, to
// get no more than is needed to finish.
type wish struct{ hard, soft pause }

func (w wish) over(now time.Time) bool {
	return !w.hard.open.After(now) && !w.soft.open.After(now)
}

// hosts remembers the wishes of hosts until they are over. The zero value is ready.
type hosts struct {
	known atomic.Int64 // len(wishes), for who wants no lock

	mu     sync.Mutex
	wishes map[origin]wish
}

// wish is what the host at u wants now.
func (h *hosts) wish(u *url.URL) wish {
	if u == nil || h.known.Load() == 0 {
		return wish{}
	}
	o, now := originOf(u), time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	w, ok := h.wishes[o]
	if ok && w.over(now) {
		delete(h.wishes, o)
		h.known.Store(int64(len(h.wishes)))
		return wish{}
	}
	return w
}

// note adds a wish to what the host at u has asked for before. A later wish never shortens one.
func (h *hosts) note(u *url.URL, w wish, now time.Time) {
	o := originOf(u)
	if len(o.scheme)+len(o.host)+len(o.port) > maxOrigin {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	before, ok := h.wishes[o]
	if !ok {
		if !h.makeRoom(w, now) {
			return
		}
		o = origin{strings.Clone(o.scheme), strings.Clone(o.host), strings.Clone(o.port)} // and not the whole URL
	}
	if h.wishes == nil {
		h.wishes = make(map[origin]wish)
	}
	h.wishes[o] = wish{hard: before.hard.later(w.hard), soft: before.soft.later(w.soft)}
	h.known.Store(int64(len(h.wishes)))
}

// makeRoom sees to it that one more host fits: it drops those whose time is over and, if that is not
// enough, the one whose time is over last. There is no room for a wish that takes longer than all: what
// is hostile asks for much, and would soon have driven out everybody else.
func (h *hosts) makeRoom(w wish, now time.Time) bool {
	if len(h.wishes) < maxHosts {
		return true
	}
	h.dropOver(now)
	if len(h.wishes) < maxHosts {
		return true
	}
	var last origin
	at := w.hard.later(w.soft).open
	for o, w := range h.wishes {
		if open := w.hard.later(w.soft).open; open.After(at) {
			last, at = o, open
		}
	}
	if last == (origin{}) {
		return false
	}
	delete(h.wishes, last)
	return true
}

func (h *hosts) dropOver(now time.Time) {
	for o, w := range h.wishes {
		if w.over(now) {
			delete(h.wishes, o)
		}
	}
}

// len is how many hosts are to be left alone now.
func (h *hosts) len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dropOver(time.Now())
	h.known.Store(int64(len(h.wishes)))
	return len(h.wishes)
}
