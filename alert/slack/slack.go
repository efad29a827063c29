// Package slack posts alerts to a Slack channel through an incoming webhook:
// what it is, how often, the first words on it, and where it stands.
//
//	alerts := &alert.Queue{Sinks: []alert.Sink{&slack.Sink{
//		URL: slack.URL(os.Getenv("SLACK_WEBHOOK")),
//	}}}
//
// Slack takes about one message a second on a webhook. An [alert.Queue] with
// the PerMinute of its zero value holds to that, and to what a Retry-After
// asks for; a [Sink] used by itself remembers the Retry-After too.
//
// Whoever has the URL may post, so it is a secret: no error, log or printed
// Sink has it. What an alert says is text to Slack and nothing else: it calls
// nobody and links nowhere, whatever is in it.
//
// It needs nothing but net/http.
package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/heeler-go/heeler/alert"
)

// A Sink posts each alert as one message. URL is needed. It is safe for
// concurrent use, and must not be copied after the first: it remembers until
// when Slack wants to be left alone.
type Sink struct {
	// URL is the webhook's: https://hooks.slack.com/services/…, or that of
	// a server that takes the same messages. Plain http is accepted for
	// this machine only, by the name localhost or a loopback address. One
	// that shows the text and no blocks may read Markdown in it.
	URL URL
	// Transport carries the requests. Nil means one like
	// [http.DefaultTransport], with the proxies of the environment, that
	// keeps no connection: alerts are rare.
	Transport http.RoundTripper
	// Timeout bounds one Send, beside its context. Zero means 30 seconds.
	Timeout time.Duration

	mu    sync.Mutex
	until time.Time // no request before that
}

const defaultTimeout = 30 * time.Second

// Send posts the alert and waits for the answer. The error is an
// [*alert.LaterError] when Slack limits the rate or is in trouble (429, 5xx,
// 408), its After being what Retry-After says, at most a day; when it cannot
// be reached; and, without a request being made, as long as an earlier answer's
// Retry-After holds. Any other answer than 2xx is final, and so is a 2xx whose
// body is one of Slack's words for a no, {"ok":false}, or a page; the error has
// what was said, such as invalid_payload. It is an [*alert.SetupError] when the
// webhook is the reason: it was revoked, or redirects, which is not followed.
//
// When the answer to a message is lost on the way, sending it again may show
// it twice; an alert seen twice is better than one not seen.
func (s *Sink) Send(ctx context.Context, a alert.Alert) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if err := s.leftAlone(time.Now()); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, defaultTimeout))
	defer cancel()
	body, err := json.Marshal(newMessage(a))
	if err != nil {
		return fmt.Errorf("slack: cannot make the message: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, string(s.URL), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("slack: cannot make the request: %s", s.URL.cutFrom(err.Error()))
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	return s.post(req)
}

// post makes the one request. It is the transport's and not a client's, which
// would follow redirects and put the URL into its errors.
func (s *Sink) post(req *http.Request) error {
	transport := s.Transport
	if transport == nil {
		transport = ownTransport()
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return s.unsent(req.Context(), err)
	}
	defer resp.Body.Close()
	return s.answered(resp)
}

// ownTransport is like http.DefaultTransport, but leaves no connection behind
// and so no goroutine, and takes no answer with much above its body.
func ownTransport() http.RoundTripper {
	shared, ok := http.DefaultTransport.(*http.Transport)
	if !ok { // somebody has put their own in its place
		return http.DefaultTransport
	}
	own := shared.Clone()
	own.DisableKeepAlives = true
	own.MaxResponseHeaderBytes = 64 << 10
	return own
}

// Validate reports the first field that cannot be used, without the URL. It
// does not connect.
func (s *Sink) Validate() error {
	if s.Timeout < 0 {
		return fmt.Errorf("slack: Sink.Timeout is %v; it must be positive, or 0 for %v", s.Timeout, defaultTimeout)
	}
	if _, why := s.URL.parse(); why != "" {
		return fmt.Errorf("slack: Sink.URL is not usable (%s); https://hooks.slack.com/services/… is needed", why)
	}
	return nil
}

// String names the host that messages go to, and not the URL.
func (s *Sink) String() string { return "slack.Sink(" + s.URL.String() + ")" }

// Format prints String, whatever the verb.
func (s *Sink) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// LogValue is String, for log/slog.
func (s *Sink) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalJSON is String, for whoever logs as JSON what holds a Sink.
func (s *Sink) MarshalJSON() ([]byte, error) { return json.Marshal(s.String()) }
