package backoff

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/internal/retryafter"
)

// DefaultMax is the most that a Transport without a Max lets a host ask for: a day. It is there for
// mistakes and malice, so it is longer than what servers ask for in earnest.
const DefaultMax = 24 * time.Hour

// A Transport is an [http.RoundTripper] that leaves a host alone when it asks for that:
//
//	client := &http.Client{Transport: &backoff.Transport{}}
//
// Any response may ask, whatever its status, by the headers that [Parse] reads. From then on requests
// to the same scheme, host and port fail at once with an [*Error], or wait if Wait is set, until the
// time is over: never earlier than asked, and up to a quarter later, at random, so that clients do not
// come back all at once. What a host asks for is never shortened by a later response.
//
// So a 202, a 429 for one client's sake or a redirect with Retry-After holds up the whole host. Such a
// redirect holds up the request that it leads to as well, wherever that goes, if Wait is set: without,
// it is followed at once to another host, and fails where it leads to the same.
//
// Hosts are compared as they are written, but for upper case, a final dot and the spelling of ports and
// of addresses of IPv6: a name in Unicode and the same in Punycode are two.
//
// These are the rules of Sync's clients; a server says so by RFC 9110 §10.2.3, RFC 6585 §4 and Sync's
// headers.
//
// With a breaker, the breaker goes inside, as Base: so it sees each attempt, and no pause counts as the
// backend's time. What it refuses is not tried again.
//
// The zero Transport is ready: it fails fast and repeats nothing. Its fields are not to be changed
// once it is in use. Its methods may be called from several goroutines. It has no goroutine of its own
// and remembers at most 1000 hosts: beyond, the one whose time is over last is forgotten.
type Transport struct {
	// Base sends the requests. Nil means http.DefaultTransport.
	Base http.RoundTripper

	// Max is the longest time that a host can ask for; what is longer counts as Max, to which the
	// quarter is added. Zero means DefaultMax; at most MaxWait.
	Max time.Duration

	// Wait is how long a request may wait for its host, in all. One that would have to wait longer, or
	// beyond its context's deadline, fails at once. Zero means that none waits.
	Wait time.Duration

	// Finish says that a request is part of something that has been begun and must be finished. It is
	// sent although the host has asked, by X-Backoff, Backoff or X-Weave-Backoff, to be left alone
	// after that. Against Retry-After it has no say. Nil finishes nothing. It is asked only where
	// that makes a difference.
	Finish func(*http.Request) bool

	// Retries is how many times a request is sent again at most, after a 503 or 429 or when the
	// connection fails before there is a response, unless it would fail again for sure: by an address
	// that is none, or TLS. A body that fails to be read can look like the connection.
	//
	// Only those are which may be sent twice: with a method that is idempotent (RFC 9110 §9.2.2), with
	// an Idempotency-Key header, or which Repeat allows; and, if they have a body, with GetBody set, as
	// http.NewRequest does for bytes and strings. Zero means none.
	//
	// A retry comes no sooner than the host has asked and RetryDelay allows. Where that is beyond
	// RetryFor or the context's deadline there is none, and the last response is returned as it came,
	// or else the last error. A context that ends during the wait is returned as its cause.
	//
	// There is no limit to the retries of all requests together: while a server is down it gets up to
	// 1+Retries times as many, and the pauses that it asks for are what holds them back. Of the
	// responses that are replaced nothing is seen, not their Set-Cookie either.
	Retries int

	// RetryFor is how long after the first attempt the last may start. Zero means DefaultRetryFor.
	RetryFor time.Duration

	// RetryDelay is the least time before the first retry. It doubles with each, up to ten seconds or
	// itself, and up to as much again is added at random. Zero means DefaultRetryDelay.
	RetryDelay time.Duration

	// Repeat says that a request may be sent twice although its method does not: a POST to a search,
	// say. Nil allows none.
	Repeat func(*http.Request) bool

	hosts hosts
	count clientCounters
}

type clientCounters struct {
	requests, refused, waited, retried, asked atomic.Uint64
}

// TransportStats are a Transport's counts since it was made.
type TransportStats struct {
	Requests uint64 // that RoundTrip was called with
	Refused  uint64 // of these, not sent at all, with an Error
	Waited   uint64 // of these, that waited for their host before they were sent, or before their context ended
	Retried  uint64 // attempts after the first of a request
	Asked    uint64 // responses that asked for their host to be left alone
	Hosts    int    // that are left alone now
}

// Stats returns the counts as of now.
func (t *Transport) Stats() TransportStats {
	return TransportStats{
		Requests: t.count.requests.Load(),
		Refused:  t.count.refused.Load(),
		Waited:   t.count.waited.Load(),
		Retried:  t.count.retried.Load(),
		Asked:    t.count.asked.Load(),
		Hosts:    t.hosts.len(),
	}
}

// Validate reports what is wrong with the fields. RoundTrip returns the same error.
func (t *Transport) Validate() error {
	var errs []error
	for _, d := range []struct {
		name  string
		value time.Duration
		most  time.Duration
		zero  string
	}{
		{"Max", t.Max, MaxWait, DefaultMax.String()},
		{"Wait", t.Wait, MaxWait, "none"},
		{"RetryFor", t.RetryFor, MaxWait, DefaultRetryFor.String()},
		{"RetryDelay", t.RetryDelay, MaxWait, DefaultRetryDelay.String()},
	} {
		if d.value < 0 || d.value > d.most {
			errs = append(errs, fmt.Errorf("backoff: Transport.%s is %v; it must be positive and at most %v, or zero for %s",
				d.name, d.value, d.most, d.zero))
		}
	}
	if t.Retries < 0 {
		errs = append(errs, fmt.Errorf("backoff: Transport.Retries is %d; it must be positive, or zero for none", t.Retries))
	}
	return errors.Join(errs...)
}

// valid is Validate without its allocations.
func (t *Transport) valid() bool {
	return t.Retries >= 0 && t.Max >= 0 && t.Wait >= 0 && t.RetryFor >= 0 && t.RetryDelay >= 0 &&
		max(t.Max, t.Wait, t.RetryFor, t.RetryDelay) <= MaxWait
}

// RoundTrip sends the request once its host allows it, as described above. An error is an [*Error],
// that of Validate, the cause of a context that ended during a wait, or Base's. It changes nothing in
// the request, and the response and its body are Base's own but for those of a retry that came to
// nothing.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	t.count.requests.Add(1)
	if err := t.admit(req); err != nil {
		if req.Body != nil {
			req.Body.Close() // as a RoundTripper must, on errors too
		}
		return nil, err
	}
	if t.Retries == 0 {
		return t.send(req)
	}
	return t.persist(req)
}

// CloseIdleConnections passes the call on to Base, if that has the method. [http.Client] calls it.
func (t *Transport) CloseIdleConnections() {
	if base, ok := t.base().(interface{ CloseIdleConnections() }); ok {
		base.CloseIdleConnections()
	}
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

// admit waits until the request may be sent for the first time, or says why it may not.
func (t *Transport) admit(req *http.Request) error {
	if !t.valid() {
		return t.Validate()
	}
	var own pause
	if t.Wait > 0 { // who does not wait would never get to where a redirect leads that asks for a pause
		own = t.redirected(req)
	}
	p := t.pauseOf(req).later(own)
	if p.open.IsZero() {
		return nil // as nearly always
	}
	now := time.Now()
	limit := earlier(now.Add(t.Wait), req.Context())
	for waited := false; p.open.After(now); now = time.Now() {
		if p.open.After(limit) {
			return t.refuse(req, p)
		}
		if !waited {
			waited = true
			t.count.waited.Add(1)
		}
		if err := sleep(req, p.slot(limit)); err != nil {
			return err
		}
		p = t.pauseOf(req).later(own) // the host may have asked again
	}
	return nil
}

// refuse makes the error. If the request is on behalf of one that is being served, it is counted there,
// and no more: that one may not need it.
func (t *Transport) refuse(req *http.Request, p pause) error {
	t.count.refused.Add(1)
	err := &Error{Host: originOf(req.URL).String(), Until: p.slot(p.end)}
	request.From(req.Context()).CountRefused(err.Host)
	return err
}

// pauseOf is what the request's host wants, of what concerns the request.
func (t *Transport) pauseOf(req *http.Request) pause {
	w := t.hosts.wish(req.URL)
	if w.soft.open.After(w.hard.open) && t.Finish != nil && t.Finish(req) {
		return w.hard
	}
	return w.hard.later(w.soft)
}

// redirected is the pause that a redirect asked for before the request it leads to (RFC 9110 §10.2.3).
// That concerns this request only: else any host could have the client leave any other alone.
func (t *Transport) redirected(req *http.Request) pause {
	if req.Response == nil || req.URL == nil {
		return pause{}
	}
	now := time.Now()
	wait, _ := retryafter.RetryAfter(req.Response.Header, now)
	p := newPause(now, t.capped(wait))
	if req.Response.Request == nil {
		return p
	}
	// The host that sent the redirect is left alone from when it came, and not only from now on.
	if since := t.hosts.wish(req.Response.Request.URL).hard; since.open.Before(p.open) {
		return since
	}
	return p
}

// send makes one attempt and heeds what the response asks for.
func (t *Transport) send(req *http.Request) (*http.Response, error) {
	resp, err := t.base().RoundTrip(req)
	if resp != nil {
		t.heed(req, resp.Header)
	}
	return resp, err
}

func (t *Transport) heed(req *http.Request, h http.Header) {
	now := time.Now()
	hard, _ := retryafter.RetryAfter(h, now)
	soft, _ := retryafter.Backoff(h, now)
	if hard == 0 && soft == 0 || req.URL == nil {
		return
	}
	t.count.asked.Add(1)
	t.hosts.note(req.URL, wish{hard: newPause(now, t.capped(hard)), soft: newPause(now, t.capped(soft))}, now)
}

func (t *Transport) capped(wait time.Duration) time.Duration {
	if t.Max == 0 {
		return min(wait, DefaultMax)
	}
	return min(wait, t.Max)
}

// earlier is the context's deadline if it has one before limit, and else limit.
func earlier(limit time.Time, ctx context.Context) time.Time {
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(limit) {
		return deadline
	}
	return limit
}

// sleep waits until the given time. It ends with the request's context and then returns the cause.
func sleep(req *http.Request, until time.Time) error {
	timer := time.NewTimer(time.Until(until))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-req.Context().Done():
		return context.Cause(req.Context())
	case <-req.Cancel: //lint:ignore SA1019 it is still to be honoured
		return context.Canceled
	}
}
