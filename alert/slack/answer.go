package slack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
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
		return nil
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
	} else if why := s.why(resp.Body); why != "" {
		err = fmt.Errorf("%w: %s", err, why)
	}
	if passes {
		return &alert.LaterError{Err: err, After: wait}
	}
	return err
}

// why is what Slack says of its answer, on one line.
func (s *Sink) why(body io.Reader) string {
	said, _ := io.ReadAll(io.LimitReader(body, maxAnswer)) // what has come is better than nothing
	return alert.OneLine(s.URL.cutFrom(string(said)), 200)
}
