package main_test

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/alert/email"
	"github.com/heeler-go/heeler/alert/sentry"
	"github.com/heeler-go/heeler/alert/slack"
	heeler "github.com/heeler-go/heeler/cmd/heeler"
	"github.com/heeler-go/heeler/offpath/journal"
)

// answer is a transport that gives every request an answer.
type answer int

func (code answer) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: int(code), Header: http.Header{}, Body: io.NopCloser(strings.NewReader("answered 404 Not Found"))}, nil
}

func TestWhatWouldMeetAnyEntryIsToldFromWhatMeetsOne(t *testing.T) {
	for code, shut := range map[int]bool{
		200: false, 302: true, 400: false, 401: true, 403: true, 404: true, 408: false, 410: true, 413: false, 422: false, 429: false, 500: false, 503: false,
	} {
		for name, sink := range map[string]alert.Sink{
			"slack":  &slack.Sink{URL: "https://hooks.slack.com/services/x", Transport: answer(code)},
			"sentry": sentry.Sink{DSN: "https://key@sentry.example.com/1", Transport: answer(code)},
		} {
			t.Run(name+strconv.Itoa(code), func(t *testing.T) {
				err := sink.Send(t.Context(), alert.Alert{Title: "x"})
				if (err == nil) != (code == 200) || heeler.ShutToAll(err) != shut {
					t.Errorf("%v: %v, want %v", err, !shut, shut)
				}
			})
		}
	}
	m := newMailbox(t)
	host, number, _ := strings.Cut(m.addr, ":")
	port, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	for name, story := range map[string]struct {
		to       []string
		security email.Security
		shut     bool
	}{
		"all is well":         {[]string{"oncall@example.com"}, email.None, false},
		"some have got it":    {[]string{"oncall@example.com", "gone@example.com"}, email.None, false},
		"nobody of that name": {[]string{"gone@example.com"}, email.None, true},
		"no encryption there": {[]string{"oncall@example.com"}, email.STARTTLS, true},
	} {
		sink := email.Sink{Host: host, Port: port, From: "shop@example.com", To: story.to, Security: story.security, Timeout: 10 * time.Second}
		if err := sink.Send(t.Context(), alert.Alert{Title: "x"}); heeler.ShutToAll(err) != story.shut {
			t.Errorf("%s: %v: %v, want %v", name, err, !story.shut, story.shut)
		}
	}
}

func TestAWebhookThatWasRevokedLosesNoEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		revoked := time.Now().Add(24 * time.Hour)
		p := heeler.NewPoster(func(ctx context.Context, _ journal.Record) error {
			sink := &slack.Sink{URL: "https://hooks.slack.com/services/x", Transport: answer(http.StatusOK)}
			if time.Now().Before(revoked) {
				sink.Transport = answer(http.StatusNotFound)
			}
			return sink.Send(ctx, alert.Alert{})
		}, 0, &log)
		for range 3 {
			if err := p.Handle(t.Context(), record("MESSAGE", "x")); err != nil {
				t.Error(err)
			}
		}
		if p.Posted() != 3 || p.GivenUp() != 0 {
			t.Errorf("%d posted, %d given up", p.Posted(), p.GivenUp())
		}
		attempts := strings.Count(log.String(), `level=ERROR msg="nothing is posted until this is put right" error="slack: hooks.slack.com answered 404`)
		if attempts < 24*12 || attempts > 24*24+20 {
			t.Errorf("%d attempts in a day", attempts)
		}
	})
}
