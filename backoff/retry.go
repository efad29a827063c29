package backoff

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/heeler-go/heeler/internal/request"
)

const (
	// DefaultRetryFor is how long a Transport without a RetryFor keeps trying.
	DefaultRetryFor = 30 * time.Second
	// DefaultRetryDelay is the first delay of a Transport without a RetryDelay.
	DefaultRetryDelay = 100 * time.Millisecond

	maxRetryDelay = 10 * time.Second
)

// persist sends the request and, as long as it is worth while, sends it again.
func (t *Transport) persist(req *http.Request) (*http.Response, error) {
	limit := earlier(time.Now().Add(t.retryFor()), req.Context())
	resp, err := t.send(req)
	for n := 0; n < t.Retries && failed(resp, err) && t.repeatable(req); n++ {
		delay := t.retryDelay(n)
		at := time.Now().Add(delay + upTo(delay))
		own := pause{at, at}
		if req.Context().Err() != nil || t.pauseOf(req).later(own).open.After(limit) {
			return resp, err
		}
		again, gone := rewound(req)
		if gone != nil {
			if err != nil {
				err = errors.Join(err, gone)
			}
			return resp, err
		}
		setAside(req.Context(), resp, limit)
		if ok, stop := t.await(req, own, limit); !ok {
			closeBody(again.Body)
			if stop == nil {
				return resp, err
			}
			if resp != nil {
				closeBody(resp.Body)
			}
			return nil, stop
		}
		t.count.retried.Add(1)
		resp, err = t.send(again)
		if resp != nil && resp.Request == again {
			resp.Request = req // the caller knows no other
		}
	}
	return resp, err
}

// await waits until the request's host allows a retry, and own does. It is not ok if that is after limit
// or the context ends first: then stop is the cause.
func (t *Transport) await(req *http.Request, own pause, limit time.Time) (ok bool, stop error) {
	for {
		p, now := t.pauseOf(req).later(own), time.Now()
		switch {
		case req.Context().Err() != nil:
			return false, context.Cause(req.Context())
		case p.open.After(limit) || !now.Before(limit):
			return false, nil
		case !p.open.After(now):
			return true, nil
		}
		if stop := sleep(req, p.slot(limit)); stop != nil {
			return false, stop
		}
	}
}

func closeBody(body io.Closer) {
	if body != nil {
		body.Close()
	}
}

// failed says whether an attempt came to what another one may mend: the server had no time for it, or
// the connection did not last until a response.
func failed(resp *http.Response, err error) bool {
	if err == nil {
		return resp != nil && (resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests)
	}
	var refuser request.Refuser
	if resp != nil || errors.As(err, &refuser) || permanent(err) {
		return false // a breaker below knows better than to try again
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || lostHTTP2(err)
}

// permanent says whether an error that looks like a network's would come again: what has been asked for
// does not exist, or the two do not agree on TLS.
func permanent(err error) bool {
	var addr *net.AddrError
	var text *net.ParseError
	var unknown net.UnknownNetworkError
	var cert *tls.CertificateVerificationError
	if errors.As(err, &addr) || errors.As(err, &text) || errors.As(err, &unknown) || errors.As(err, &cert) {
		return true
	}
	var op *net.OpError
	for ; errors.As(err, &op); err = op.Err {
		if op.Op == "remote error" || op.Op == "local error" { // a TLS alert
			return true
		}
	}
	return false
}

// lostHTTP2 says whether an HTTP/2 server has reset the stream, or the connection with it. Net/http
// exports neither error; that of a connection is known by its text alone.
func lostHTTP2(err error) bool {
	var reset streamError
	if errors.As(err, &reset) {
		return true
	}
	for ; err != nil; err = errors.Unwrap(err) {
		if text := err.Error(); strings.HasPrefix(text, "http2: server sent GOAWAY and closed the connection") ||
			text == "http2: client connection lost" {
			return true
		}
	}
	return false
}

// A streamError is what net/http makes of a stream that an HTTP/2 server resets. The type is not
// exported, but lets errors.As copy it into any struct with these fields.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

func (streamError) Error() string { return "stream error" }

// repeatable says whether the request may be sent twice, and can be.
func (t *Transport) repeatable(req *http.Request) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	switch req.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace, http.MethodPut, http.MethodDelete:
		return true
	}
	for _, name := range [...]string{"Idempotency-Key", "X-Idempotency-Key"} { // net/http goes by these
		if _, ok := req.Header[name]; ok {
			return true
		}
	}
	return t.Repeat != nil && t.Repeat(req)
}

// rewound is a copy of the request with its body at the beginning.
func rewound(req *http.Request) (*http.Request, error) {
	again := req.WithContext(req.Context())
	if req.Body == nil || req.Body == http.NoBody {
		return again, nil
	}
	body, err := req.GetBody()
	again.Body = body
	return again, err
}

func (t *Transport) retryFor() time.Duration {
	if t.RetryFor == 0 {
		return DefaultRetryFor
	}
	return t.RetryFor
}

// retryDelay is the least time before the n-th retry, from 0.
func (t *Transport) retryDelay(n int) time.Duration {
	delay := t.RetryDelay
	if delay == 0 {
		delay = DefaultRetryDelay
	}
	most := max(delay, maxRetryDelay)
	for ; n > 0 && delay < most; n-- {
		delay *= 2
	}
	return min(delay, most)
}
