package backoff

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxHosts is how many hosts a Transport remembers at once. It is for what is hostile: redirects to
// ever new names, each of which asks to be left alone.
const maxHosts = 1000

// An origin is what is to be left alone: scheme, host and port.
type origin struct{ scheme, host, port string }

// originOf is the origin of a URL in one spelling: lower case, with the port, without a final dot.
func originOf(u *url.URL) origin {
	o := origin{
		scheme: strings.ToLower(u.Scheme),
		host:   strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")),
		port:   u.Port(),
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
	h.mu.Lock()
	defer h.mu.Unlock()
	before, ok := h.wishes[o]
	if !ok {
		h.makeRoom(now)
		o = origin{strings.Clone(o.scheme), strings.Clone(o.host), strings.Clone(o.port)} // and not the whole URL
	}
	if h.wishes == nil {
		h.wishes = make(map[origin]wish)
	}
	h.wishes[o] = wish{hard: before.hard.later(w.hard), soft: before.soft.later(w.soft)}
	h.known.Store(int64(len(h.wishes)))
}

// makeRoom sees to it that one more host fits: it drops those whose time is over and, if that is not
// enough, the one whose time is over first.
func (h *hosts) makeRoom(now time.Time) {
	if len(h.wishes) < maxHosts {
		return
	}
	h.dropOver(now)
	if len(h.wishes) < maxHosts {
		return
	}
	var soonest origin
	var at time.Time
	for o, w := range h.wishes {
		if open := w.hard.later(w.soft).open; at.IsZero() || open.Before(at) {
			soonest, at = o, open
		}
	}
	delete(h.wishes, soonest)
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
