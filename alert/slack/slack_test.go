package slack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/alert/slack"
	"github.com/heeler-go/heeler/internal/leak"
)

func TestTheErrorSaysWhatSlackSaid(t *testing.T) {
	inAnHour := time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)
	for name, c := range map[string]struct {
		status     int
		retryAfter string
		body       string
		want       string
		later      bool
		after      time.Duration
	}{
		"taken":                  {200, "", "ok", "", false, 0},
		"taken by somebody else": {204, "", "", "", false, 0},
		"taken without a word":   {200, "", "", "", false, 0},
		"taken, as JSON":         {200, "", `{"ok":true,"error":null}`, "", false, 0},
		"taken, in other words":  {200, "", "success", "", false, 0},
		"refused politely":       {200, "", "invalid_payload\n", "answered 200, but invalid_payload", false, 0},
		"refused as JSON":        {200, "", `{"ok":false,"error":"invalid_auth"}`, `answered 200, but {"ok":false,"error":"invalid_auth"}`, false, 0},
		"refused at length":      {200, "", `{"ok":false,"error":"` + strings.Repeat("x", 500) + `"}`, "xxx…", false, 0},
		"somebody else":          {200, "", "\n<!DOCTYPE html><title>Sign in</title>", "answered 200, but with a page, as no webhook does", false, 0},
		"limited":                {429, "2", "rate_limited", "answered 429 Too Many Requests: rate_limited", true, 2 * time.Second},
		"limited, no time":       {429, "", "", "answered 429 Too Many Requests", true, 0},
		"limited, bad time":      {429, "-5", "", "429 Too Many Requests", true, 0},
		"limited, a date":        {429, inAnHour, "", "429 Too Many Requests", true, time.Hour},
		"limited, for ever":      {429, "99999999999999999999", "", "429 Too Many Requests", true, 24 * time.Hour},
		"in trouble":             {500, "", "rollup_error", "answered 500 Internal Server Error: rollup_error", true, 0},
		"down":                   {503, "3", "", "503 Service Unavailable", true, 3 * time.Second},
		"too slow":               {408, "", "", "408 Request Timeout", true, 0},
		"broken":                 {400, "", "invalid_payload", "answered 400 Bad Request: invalid_payload", false, 0},
		"forbidden":              {403, "7", "action_prohibited", "answered 403 Forbidden: action_prohibited", false, 0},
		"gone":                   {404, "", "no_service", "answered 404 Not Found: no_service", false, 0},
		"archived":               {410, "", "channel_is_archived", "answered 410 Gone: channel_is_archived", false, 0},
		"moved":                  {302, "", "", "answered 302 Found: redirects are not followed", false, 0},
		"moved for good":         {308, "", "", "answered 308 Permanent Redirect: redirects are not followed", false, 0},
		"cut in two":             {400, "", strings.Repeat(" ", 2030) + token, "answered 400 Bad Request", false, 0},
		"talkative":              {400, "", "bad\n\x1b[31m" + path + "\n<b>" + token + "</b>", "400 Bad Request: bad [31m[URL] <b>[URL]</b>", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			h := listen(t)
			h.answer = func(w http.ResponseWriter, r *http.Request) {
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				if c.status/100 == 3 {
					w.Header().Set("Location", r.URL.Path) // to itself
				}
				w.WriteHeader(c.status)
				io.WriteString(w, c.body)
			}
			err := h.sink().Send(t.Context(), alert.Alert{})
			if (err == nil) != (c.want == "") || err != nil && !strings.HasSuffix(err.Error(), c.want) {
				t.Errorf("Send says %v, want %q at its end", err, c.want)
			}
			after, ok := later(err)
			if ok != c.later || after > c.after || after < c.after-2*time.Second {
				t.Errorf("to be tried again: %v after %v, want %v after %v", ok, after, c.later, c.after)
			}
			if h.calls != 1 {
				t.Errorf("%d requests were made", h.calls)
			}
		})
	}
}

func TestNobodyThereIsAnErrorThatMayPass(t *testing.T) {
	h := listen(t)
	sink := h.sink()
	h.server.Close()
	err := sink.Send(t.Context(), alert.Alert{})
	if after, ok := later(err); !ok || after != 0 || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("Send says %v, to be tried again: %v after %v", err, ok, after)
	}
}

func TestAWebhookThatHangsIsLeftWhenTheTimeIsUp(t *testing.T) {
	h := listen(t)
	h.answer = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := h.sink().Send(ctx, alert.Alert{})
	if _, ok := later(err); !ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("when its context ends, Send says %v", err)
	}
	sink := h.sink()
	sink.Timeout = 50 * time.Millisecond
	err = sink.Send(t.Context(), alert.Alert{})
	if _, ok := later(err); !ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("when its timeout is over, Send says %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	err = h.sink().Send(ctx, alert.Alert{})
	if _, ok := later(err); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("when it is cancelled, Send says %v", err)
	}
}

func TestAnAnswerThatNeverEndsIsNotRead(t *testing.T) {
	for _, status := range []int{200, 400} {
		h := listen(t)
		h.answer = func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(status)
			for r.Context().Err() == nil {
				if _, err := w.Write(bytes.Repeat([]byte("no "), 1000)); err != nil {
					return
				}
			}
		}
		begin := time.Now()
		err := h.sink().Send(t.Context(), alert.Alert{})
		if took := time.Since(begin); took > 20*time.Second {
			t.Errorf("%d: it took %v", status, took)
		}
		if (err == nil) != (status == 200) || err != nil && len(err.Error()) > 400 {
			t.Errorf("%d: Send says %v", status, err)
		}
	}
}

// A body says whether it was closed.
type body struct {
	io.Reader
	closed bool
}

func (b *body) Close() error {
	b.closed = true
	return nil
}

func TestNoConnectionIsKept(t *testing.T) {
	h := listen(t)
	h.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) } // nothing is left to read
	if err := h.sink().Send(t.Context(), alert.Alert{}); err != nil {
		t.Fatal(err)
	}
	if left := leak.Goroutines("net/http.(*persistConn)", time.Second); len(left) > 0 {
		t.Errorf("a connection was kept:\n%s", left[0])
	}
	for _, status := range []int{200, 302, 400, 500} {
		b := &body{Reader: strings.NewReader("well")}
		sink := &slack.Sink{URL: "https://h/x", Transport: transport(func(*http.Request) (*http.Response, error) {
			resp := response(status, "")
			resp.Body = b
			return resp, nil
		})}
		sink.Send(t.Context(), alert.Alert{})
		if !b.closed {
			t.Errorf("%d: the transport cannot use its connection again", status)
		}
	}
}

func TestTheURLIsNowhere(t *testing.T) {
	const secret = slack.URL("https://hooks.slack.com" + path + "?key=" + token)
	sink := &slack.Sink{URL: secret, Transport: transport(func(r *http.Request) (*http.Response, error) {
		return nil, fmt.Errorf("cannot send %v: %q at\n%s, part %s", r.URL, r.URL.RequestURI(), r.URL.Path, bot)
	})}
	err := sink.Send(t.Context(), alert.Alert{})
	if err == nil || !strings.Contains(err.Error(), "cannot send [URL]") {
		t.Fatalf("Send says %v", err)
	}
	var log bytes.Buffer
	type config struct{ Hook slack.URL }
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(handler).Info("x", "sink", sink, "sinks", []alert.Sink{sink}, "url", secret, "config", config{secret})
	}
	asJSON, jsonErr := json.Marshal(map[string]any{"sink": sink, "fields": map[string]any{"url": sink.URL}, "config": config{secret}})
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	queue := &alert.Queue{Sinks: []alert.Sink{sink, &slack.Sink{URL: secret + "\n"}}}
	for _, shown := range []string{
		err.Error(), fmt.Sprintf("%+v %#v", err, errors.Unwrap(err)), log.String(), string(asJSON),
		fmt.Sprintf("%v %+v %#v %s %q %d %x", sink, sink, sink, sink, sink, sink, sink),
		fmt.Sprintf("%v %+v %#v %s %q %d %x", secret, secret, secret, secret, secret, secret, secret),
		fmt.Sprintf("%+v %#v", config{secret}, []any{config{secret}, sink}),
		fmt.Sprint(queue.Validate()), fmt.Sprint(slack.URL("ftp://" + token)), fmt.Sprint(slack.URL(token)),
	} {
		for _, part := range []string{token, bot, workspace} {
			if strings.Contains(shown, part) {
				t.Errorf("%s is in %s", part, shown)
			}
		}
	}
	if got := fmt.Sprint(sink, " ", secret); got != "slack.Sink(https://hooks.slack.com/…) https://hooks.slack.com/…" {
		t.Errorf("printed, they are %q", got)
	}
}

func TestValidateSaysWhatIsWrongWithTheURLAndNotWhatItIs(t *testing.T) {
	for url, why := range map[slack.URL]string{
		"":                                      "it is empty",
		"https://h/" + token + "\n":             "it is no URL",
		"%zz://" + token:                        "it is no URL",
		token:                                   "it does not begin with https://",
		"ftp://h/" + token:                      "it does not begin with https://",
		"https:///" + token:                     "it has no host",
		"http://hooks.slack.com/" + token:       "it is http to another machine, which would show it to everybody on the way",
		"http://127.0.0.1.example.com/" + token: "it is http to another machine, which would show it to everybody on the way",
		"https://x:" + token + "@h/":            "it has a user before its host",
	} {
		sink := &slack.Sink{URL: url}
		want := "slack: Sink.URL is not usable (" + why + "); https://hooks.slack.com/services/… is needed"
		if err := sink.Validate(); err == nil || err.Error() != want {
			t.Errorf("Validate says\n%v, want\n%v", err, want)
		}
		if err := sink.Send(t.Context(), alert.Alert{}); err == nil || err.Error() != want {
			t.Errorf("Send says\n%v, want\n%v", err, want)
		}
	}
	for _, url := range []slack.URL{"https://hooks.slack.com/services/a/b/c", "http://127.0.0.1:1/x", "http://[::1]/x", "http://LOCALHOST/", "HTTPS://h"} {
		if err := (&slack.Sink{URL: url}).Validate(); err != nil {
			t.Errorf("%s: %v", string(url), err)
		}
	}
	bad := &slack.Sink{URL: "https://h/", Timeout: -1}
	if err := bad.Validate(); err == nil || err.Error() != "slack: Sink.Timeout is -1ns; it must be positive, or 0 for 30s" {
		t.Errorf("Validate says %v", err)
	}
}

func ExampleSink() {
	sink := &slack.Sink{URL: "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXX"}
	alerts := &alert.Queue{Sinks: []alert.Sink{sink}}
	fmt.Println(alerts.Validate(), sink)
	// Output: <nil> slack.Sink(https://hooks.slack.com/…)
}
