// Package sentry sends alerts to Sentry as events with a stack trace: the
// application's own calls are in-app frames, other goroutines are threads, and
// events of the same route and place are one issue.
//
//	alerts := &alert.Queue{Sinks: []alert.Sink{&sentry.Sink{
//		DSN: os.Getenv("SENTRY_DSN"), Environment: "production", Release: version,
//	}}}
//
// It is built on github.com/getsentry/sentry-go, Sentry's own, for the event
// and the wire. Of it, it uses the synchronous transport and nothing global: no
// hub, no client, no goroutine, no environment variable. So Send returns when
// Sentry has the event, its error is what happened to it, and there is nothing
// to flush or close.
package sentry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/getsentry/sentry-go"

	"github.com/heeler-go/heeler/alert"
)

// A Sink sends each alert as one event. DSN is needed. A Sink has no state:
// value or pointer, and from several goroutines. Printing it, logging it and
// encoding it as JSON leave out the DSN's keys.
type Sink struct {
	// DSN is the project's address from Sentry's settings:
	// https://<key>@<host>/<project>.
	DSN string
	// Environment, such as "production". Empty means that the event has
	// none, which Sentry takes as production.
	Environment string
	// Release is the program's version. Empty means the revision that the
	// Go command has noted in the program, if it has.
	Release string
	// ServerName is this machine's. Empty means the host's name.
	ServerName string
	// Transport carries the requests. Nil means one like
	// [http.DefaultTransport], with the proxies of the environment, that
	// keeps no connection: alerts are rare.
	Transport http.RoundTripper
	// Timeout bounds one Send, beside its context. Zero means 30 seconds.
	Timeout time.Duration
	// MaxAttach is how many bytes of Files go with one event, in the order
	// of the alert; the event names those that do not fit. Zero means 10
	// MiB; negative means none.
	MaxAttach int64
}

const (
	defaultTimeout   = 30 * time.Second
	defaultMaxAttach = 10 << 20
)

// Send sends the alert and waits for the answer. The error is an
// [*alert.LaterError] when Sentry limits the rate (with the time that it asks
// for), is in trouble, or cannot be reached; trying again does not make a
// second event, since the event's ID is made from the alert. It is an
// [*alert.SetupError] when the DSN is the reason.
func (s Sink) Send(ctx context.Context, a alert.Alert) error {
	if err := s.Validate(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, defaultTimeout))
	defer cancel()

	out := &outcome{base: s.Transport}
	if out.base == nil {
		out.base = ownTransport()
	}
	transport := sentry.NewHTTPSyncTransport()
	transport.Configure(sentry.ClientOptions{Dsn: s.DSN, HTTPClient: &http.Client{
		Transport: out,
		// An event is for the DSN's host and nobody whom it points to.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}})
	transport.SendEventWithContext(ctx, s.event(a))
	return s.result(ctx, out)
}

// Validate reports the first field that cannot be used, without the DSN's
// keys. It does not connect.
func (s Sink) Validate() error {
	if s.Timeout < 0 {
		return fmt.Errorf("sentry: Sink.Timeout is %v; it must be positive, or 0 for %v", s.Timeout, defaultTimeout)
	}
	_, err := sentry.NewDsn(s.DSN)
	if err == nil {
		return nil
	}
	why := "not a URL"
	var parse *sentry.DsnParseError
	if s.DSN == "" {
		why = "empty"
	} else if errors.As(err, &parse) && !strings.Contains(parse.Message, ":") { // with a colon it quotes the DSN
		why = parse.Message
	}
	return fmt.Errorf("sentry: Sink.DSN is not usable (%s); https://<key>@<host>/<project> is needed", why)
}

// String says where events go, without the keys.
func (s Sink) String() string {
	u, err := url.Parse(s.DSN)
	if err != nil {
		return "sentry.Sink(unusable DSN)"
	}
	return fmt.Sprintf("sentry.Sink(%s%s)", u.Host, u.Path)
}

// Format prints String, whatever the verb: %+v and %#v would show the DSN.
func (s Sink) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue is String, for log/slog.
func (s Sink) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON is String, for whoever logs as JSON what holds a Sink.
func (s Sink) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }

func (s Sink) maxAttach() int64 {
	if s.MaxAttach == 0 {
		return defaultMaxAttach
	}
	return s.MaxAttach
}
