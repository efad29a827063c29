package sentry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
)

// An outcome notes what became of the one request that sentry-go's transport
// makes, since that transport tells nobody.
type outcome struct {
	base   http.RoundTripper
	tried  bool
	err    error
	status int
	header http.Header
}

// RoundTrip passes the request on.
func (o *outcome) RoundTrip(req *http.Request) (*http.Response, error) {
	o.tried = true
	resp, err := o.base.RoundTrip(req)
	if err != nil {
		o.err = err
		return nil, err
	}
	o.status, o.header = resp.StatusCode, resp.Header
	return resp, nil
}

// ownTransport is like http.DefaultTransport, but leaves no connection behind
// and so no goroutine.
func ownTransport() http.RoundTripper {
	shared, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // somebody has put their own in its place
		return http.DefaultTransport
	}
	own := shared.Clone()
	own.DisableKeepAlives = true
	return own
}

// result is what Send returns.
func (s Sink) result(ctx context.Context, o *outcome) error {
	switch {
	case !o.tried:
		return errors.New("sentry: the event could not be encoded")
	case o.status >= 200 && o.status < 300:
		return nil
	case o.err == nil:
		return s.refused(o)
	case errors.Is(context.Cause(ctx), context.Canceled):
		return fmt.Errorf("sentry: event not sent to %s: %w", s.host(), context.Canceled)
	case ctx.Err() != nil:
		return &alert.LaterError{Err: fmt.Errorf("sentry: event not sent to %s: %w", s.host(), ctx.Err())}
	}
	return &alert.LaterError{Err: fmt.Errorf("sentry: event not sent to %s: %s", s.host(), s.withoutKeys(o.err.Error()))}
}

// refused makes an error of an answer that is not a yes.
func (s Sink) refused(o *outcome) error {
	err := fmt.Errorf("sentry: %s answered %d %s", s.host(), o.status, http.StatusText(o.status))
	if why := alert.OneLine(o.header.Get("X-Sentry-Error"), 200); why != "" {
		err = fmt.Errorf("%w: %s", err, s.withoutKeys(why))
	}
	switch {
	case o.status == http.StatusTooManyRequests || o.status >= 500:
		return &alert.LaterError{Err: err, After: retryAfter(o)}
	case alert.SetupStatus(o.status):
		return &alert.SetupError{Err: err}
	}
	return err
}

// retryAfter is how long Sentry asks to be left alone. It says so in seconds;
// a 429 without it means a minute, as in Sentry's own SDKs.
func retryAfter(o *outcome) time.Duration {
	seconds, err := strconv.ParseUint(strings.TrimSpace(o.header.Get("Retry-After")), 10, 31)
	if err == nil {
		return time.Duration(seconds) * time.Second
	}
	if o.status == http.StatusTooManyRequests {
		return time.Minute
	}
	return 0
}

func (s Sink) host() string {
	u, err := url.Parse(s.DSN)
	if err != nil {
		return "Sentry"
	}
	return u.Host
}

// withoutKeys cuts the DSN's keys from what somebody else has said.
func (s Sink) withoutKeys(text string) string {
	u, err := url.Parse(s.DSN)
	if err != nil || u.User == nil {
		return text
	}
	secret, _ := u.User.Password()
	for _, key := range []string{secret, u.User.Username()} {
		if key != "" {
			text = strings.ReplaceAll(text, key, "[key]")
		}
	}
	return text
}
