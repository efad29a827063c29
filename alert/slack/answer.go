package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/retryafter"
)

const (
	// longest is the most that an answer can ask for. It is there for
	// mistakes and malice: Slack asks for seconds.
	longest = 24 * time.Hour
	// maxAnswer is how much of an answer is read. Slack says a word or two.
	maxAnswer = 2 << 10
	// maxWhy is how many characters of it an error has.
	maxWhy = 200
)

// leftAlone says that an earlier answer's Retry-After holds; nil if none does.
func (s *Sink) leftAlone(now time.Time) error {
	s.mu.Lock()
	wait := s.until.Sub(now)
	s.mu.Unlock()
	if wait <= 0 {
		return nil
	}
	return &alert.LaterError{
		Err:   fmt.Errorf("slack: %s has asked to be left alone for another %v", s.URL.host(), wait.Round(time.Millisecond)),
		After: wait,
	}
}

// leave remembers to leave Slack alone. What was asked for before still holds.
func (s *Sink) leave(until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until.After(s.until) {
		s.until = until
	}
}

// unsent makes an error of a request that got no answer.
func (s *Sink) unsent(ctx context.Context, err error) error {
	said := fmt.Errorf("slack: message not sent to %s: %s", s.URL.host(), alert.OneLine(s.URL.cutFrom(err.Error()), 500))
	if ended := ctx.Err(); ended != nil {
		said = fmt.Errorf("slack: message not sent to %s: %w", s.URL.host(), ended)
		if errors.Is(ended, context.Canceled) {
			return said // nobody wants it any more
		}
	}
	return &alert.LaterError{Err: said}
}

// answered makes an error of an answer that is not a yes.
func (s *Sink) answered(resp *http.Response) error {
	if resp.StatusCode/100 == 2 {
		return s.taken(resp)
	}
	wait := time.Duration(0)
	passes := resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout || resp.StatusCode >= 500
	if passes {
		// Before the body is read, which may take its time: others are about to send.
		now := time.Now()
		wait, _ = retryafter.RetryAfter(resp.Header, now)
		wait = min(wait, longest)
		s.leave(now.Add(wait))
	}
	err := fmt.Errorf("slack: %s answered %d %s", s.URL.host(), resp.StatusCode, http.StatusText(resp.StatusCode))
	if resp.StatusCode/100 == 3 {
		err = fmt.Errorf("%w: redirects are not followed", err)
	} else if why := alert.OneLine(s.read(resp.Body), maxWhy); why != "" {
		err = fmt.Errorf("%w: %s", err, why)
	}
	switch {
	case passes:
		return &alert.LaterError{Err: err, After: wait}
	case alert.SetupStatus(resp.StatusCode):
		return &alert.SetupError{Err: err}
	}
	return err
}

// taken is nil when the body of a 2xx says yes, or nothing that is known for a
// no: one of Slack's words for it, such as invalid_payload, JSON as its other
// interfaces answer, or a page, which is from somebody else, such as a proxy
// that wants a sign-in.
func (s *Sink) taken(resp *http.Response) error {
	said := s.read(resp.Body)
	var answer struct {
		OK *bool `json:"ok"`
	}
	switch {
	case strings.HasPrefix(said, "<"): // Slack's own ok goes as text/html
		said = "with a page, as no webhook does"
	case refusal.MatchString(said):
	case json.Unmarshal([]byte(said), &answer) == nil && answer.OK != nil && !*answer.OK:
	default:
		return nil
	}
	return fmt.Errorf("slack: %s answered %d, but %s", s.URL.host(), resp.StatusCode, alert.OneLine(said, maxWhy))
}

// refusal is how Slack's words for a no look: small letters with underscores
// (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
var refusal = regexp.MustCompile(`^[a-z]+(_[a-z]+)+$`)

// read is the beginning of a body without the URL in it. What has come is
// better than nothing.
func (s *Sink) read(body io.Reader) string {
	said, _ := io.ReadAll(io.LimitReader(body, maxAnswer))
	if len(said) == maxAnswer {
		// A part of the URL that is cut in two would not be known for one.
		said = said[:max(0, len(said)-len(s.URL))]
	}
	return strings.TrimSpace(s.URL.cutFrom(string(said)))
}
