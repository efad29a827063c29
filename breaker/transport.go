package breaker

import (
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/heeler-go/heeler/internal/fingerprint"
)

// Transport guards a backend that speaks HTTP. Nil means http.DefaultTransport.
//
// A request that is refused fails with an *OpenError, which http.Client wraps
// in a *url.Error; use errors.As. What counts as a failure: an error of base,
// such as a reset, and a response with a status of 500 or more, which is handed
// on as it came. A status below 500 does not. Nor does an error that the
// caller's context explains, or the request's own body, nor one of a request that
// cannot be sent at all, as its header is not valid. Whoever wants 429 to
// count has base make an error of it. IsFailure is asked about errors, not
// about statuses.
//
// A call lasts until its response's body has been read to the end or closed,
// and an error before that is a failure, too. Timeout is for each wait: for the
// response's header, and for every Read of its body. It begins anew when a
// piece of the request's body has been sent. The time that the caller takes to
// produce the one and to read the other does not count; that which base itself
// takes does, such as in http.Transport's queue for one of MaxConnsPerHost. An
// event stream whose server may be silent for longer needs a Breaker with a
// longer Timeout. After 101 Switching Protocols the connection is the caller's
// alone.
//
// With a backoff.Transport the breaker goes inside, so that it sees each attempt
// and no pause counts as the backend's time; what it refuses is not tried again:
//
//	&backoff.Transport{Base: api.Transport(nil), Retries: 2}
//
// The call is in the request's tally, and in Stats, by its method, host and
// path, without values.
func (b *Breaker) Transport(base http.RoundTripper) http.RoundTripper {
	b.current()
	return &transport{b, base}
}

type transport struct {
	b    *Breaker
	base http.RoundTripper // nil is http.DefaultTransport
}

func (t *transport) next() http.RoundTripper {
	if t.base == nil {
		return http.DefaultTransport
	}
	return t.base
}

// CloseIdleConnections is what http.Client's calls.
func (t *transport) CloseIdleConnections() {
	if next, ok := t.next().(interface{ CloseIdleConnections() }); ok {
		next.CloseIdleConnections()
	}
}

func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c, err := t.b.begin(req.Context(), fingerprint.HTTP(req.Method, req.URL))
	if err != nil {
		if req.Body != nil {
			req.Body.Close()
		}
		return nil, err
	}
	x := &exchange{call: c}
	defer x.leave()
	inside := x.within(req)
	resp, err := t.next().RoundTrip(inside)
	x.answered()
	if resp != nil {
		resp.Request = x.asked(req, inside, resp.Request)
	}
	if err != nil {
		err = x.named(err)
		if x.excused(req, err) {
			c.finish(uncounted)
		}
		c.end(err)
		return resp, err
	}
	x.receive(resp)
	return resp, nil
}

// An exchange is a request on its way, and then its response.
type exchange struct {
	call *call

	mu       sync.Mutex // the request's body is read on another goroutine than the response's
	got      bool       // the response is there
	pausing  int        // Reads of the request's body, while the caller produces more of it
	producer error      // the caller's, that ended the request's body
	misfit   bool       // that body is not as long as was said
	kept     bool       // the call goes on with the response's body
}

// within is the request with the call's context, and with its body watched.
func (x *exchange) within(req *http.Request) *http.Request {
	inside := req.WithContext(&x.call.ctx)
	inside.Body = x.watched(req.Body, req.ContentLength)
	if again := req.GetBody; again != nil {
		inside.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			return x.watched(body, req.ContentLength), err
		}
	}
	return inside
}

// asked is the response's request, without the call's context, which ends with
// the call. base may have sent another one than it was given.
func (x *exchange) asked(req, inside, sent *http.Request) *http.Request {
	if sent == nil || sent == inside {
		return req
	}
	if c, _ := sent.Context().Value(callKey{}).(*call); c == x.call {
		return sent.WithContext(req.Context())
	}
	return sent
}

func (x *exchange) watched(body io.ReadCloser, length int64) io.ReadCloser {
	if body == nil || body == http.NoBody {
		return body
	}
	return &upload{ReadCloser: body, x: x, length: length}
}

// leave ends the call if a panic, or Goexit, keeps it from going on.
func (x *exchange) leave() {
	if x.kept || x.call.fate.Load()&ended != 0 {
		return
	}
	value := recover()
	x.answered()
	x.call.finish(x.call.judgePanic(value))
	if value != nil {
		panic(value)
	}
}

// answered says that base has returned: the request's body, which it may go on
// to read, has no part in the time any more.
func (x *exchange) answered() {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.got = true
	if x.pausing > 0 {
		x.call.wait()
	}
	x.call.unanswered.Store(false)
}

// named gives an error that Timeout has caused the name of the backend.
func (x *exchange) named(err error) error {
	if late := x.call.late(); late != nil {
		return late
	}
	return err
}

// excused reports whether the caller is why there is no response: it broke off
// the request's body, closed the channel that came before contexts, or asked
// for what cannot be sent.
func (x *exchange) excused(req *http.Request, err error) bool {
	if x.call.late() != nil {
		return false
	}
	x.mu.Lock()
	producer, misfit := x.producer, x.misfit
	x.mu.Unlock()
	if producer != nil && errors.Is(err, producer) || misfit || unfit(req, err) {
		return true
	}
	select {
	//lint:ignore SA1019 old clients use it
	case <-req.Cancel:
		_, timed := req.Context().Deadline() // it may be http.Client's way to say that this has passed
		return !timed
	default:
		return false
	}
}

// receive takes the response's body into the call, or ends it if there is none.
func (x *exchange) receive(resp *http.Response) {
	c, v := x.call, success
	if resp.StatusCode >= 500 {
		v = badAnswer
		c.settle(v) // it counts now, however long it is read
	}
	if resp.Body == nil || resp.Body == http.NoBody || resp.StatusCode == http.StatusSwitchingProtocols {
		c.finish(v)
		return
	}
	c.rest()
	x.kept = true
	d := &download{body: resp.Body, x: x, verdict: v}
	resp.Body = d
	d.watch(c.ctx.Parent)
}
