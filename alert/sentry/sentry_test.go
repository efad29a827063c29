package sentry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/alert/sentry"
	"github.com/heeler-go/heeler/internal/leak"
)

func later(err error) (time.Duration, bool) {
	var l *alert.LaterError
	if !errors.As(err, &l) {
		return 0, false
	}
	return l.After, true
}

func TestTheErrorSaysWhatBecameOfTheEvent(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		header map[string]string
		want   string
		later  bool
		after  time.Duration
	}{
		"taken":               {200, nil, "", false, 0},
		"limited":             {429, map[string]string{"Retry-After": "17"}, "answered 429 Too Many Requests", true, 17 * time.Second},
		"limited, no time":    {429, nil, "429", true, time.Minute},
		"limited, bad time":   {429, map[string]string{"Retry-After": "-5"}, "429", true, time.Minute},
		"limited, for ever":   {429, map[string]string{"Retry-After": "99999999999999999999"}, "429", true, time.Minute},
		"in trouble":          {500, nil, "answered 500 Internal Server Error", true, 0},
		"down":                {503, map[string]string{"Retry-After": "3"}, "503", true, 3 * time.Second},
		"refused, with cause": {403, map[string]string{"X-Sentry-Error": "bad key " + key + " / " + hidden}, "answered 403 Forbidden: bad key [key] / [key]", false, 0},
		"too large":           {413, nil, "413", false, 0},
		"moved":               {302, map[string]string{"Location": "/elsewhere"}, "302", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			e := listen(t)
			e.answer = func(w http.ResponseWriter, _ *http.Request) {
				for k, v := range c.header {
					w.Header().Set(k, v)
				}
				w.WriteHeader(c.status)
			}
			err := e.sink().Send(t.Context(), example())
			if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
				t.Errorf("Send says %v, want %q in it", err, c.want)
			}
			if after, ok := later(err); ok != c.later || after != c.after {
				t.Errorf("to be tried again: %v after %v, want %v after %v", ok, after, c.later, c.after)
			}
			if e.calls != 1 {
				t.Errorf("%d requests were made", e.calls)
			}
		})
	}
}

func TestAnEndpointThatHangsIsLeftWhenTheTimeIsUp(t *testing.T) {
	e := listen(t)
	e.answer = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := e.sink().Send(ctx, example())
	if _, ok := later(err); !ok || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("when its context ends, Send says %v", err)
	}
	sink := e.sink()
	sink.Timeout = 50 * time.Millisecond
	if err := sink.Send(t.Context(), example()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("when its timeout is over, Send says %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	err = e.sink().Send(ctx, example())
	if _, ok := later(err); ok || !errors.Is(err, context.Canceled) {
		t.Errorf("when it is cancelled, Send says %v", err)
	}
}

func TestNobodyThereIsAnErrorThatMayPass(t *testing.T) {
	e := listen(t)
	sink := e.sink()
	sink.Transport = nil // the default has no proxy for the loopback
	if err := sink.Send(t.Context(), example()); err != nil {
		t.Fatal(err)
	}
	if left := leak.Goroutines("net/http.(*persistConn)", time.Second); len(left) > 0 {
		t.Errorf("a connection was kept:\n%s", left[0])
	}
	e.server.Close()
	err := sink.Send(t.Context(), example())
	if _, ok := later(err); !ok || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("Send says %v", err)
	}
}

func TestValidateSaysWhatIsWrongWithTheDSNAndNotWhatItIs(t *testing.T) {
	for dsn, why := range map[string]string{
		"":                                            "empty",
		"://" + hidden:                                "not a URL",
		"https://" + hidden + ":x@host:port/1":        "not a URL",
		"ftp://" + hidden + "@example.com/1":          "invalid scheme",
		"https://example.com/1?" + hidden:             "empty username",
		"https://" + key + ":" + hidden + "@/1":       "empty host",
		"https://" + key + ":" + hidden + "@host":     "empty project id",
		"https://" + key + ":" + hidden + "@host/%zz": "not a URL",
	} {
		sink := sentry.Sink{DSN: dsn}
		want := "sentry: Sink.DSN is not usable (" + why + "); https://<key>@<host>/<project> is needed"
		if err := sink.Validate(); err == nil || err.Error() != want {
			t.Errorf("Validate says\n%v, want\n%v", err, want)
		}
		if err := sink.Send(t.Context(), example()); err == nil || err.Error() != want {
			t.Errorf("Send says\n%v, want\n%v", err, want)
		}
	}
	good := sentry.Sink{DSN: "https://" + key + "@o1.ingest.example.com/1"}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	good.Timeout = -1
	if err := good.Validate(); err == nil || !strings.Contains(err.Error(), "Sink.Timeout is -1ns") {
		t.Errorf("Validate says %v", err)
	}
}

// failing is a transport whose error repeats what it was given.
type failing struct{}

func (failing) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("cannot send %v with %v", r.URL, r.Header)
}

func TestTheKeysAreNowhere(t *testing.T) {
	e := listen(t)
	sink := e.sink()
	sink.Transport = failing{}
	err := sink.Send(t.Context(), example())
	if err == nil || !strings.Contains(err.Error(), "cannot send") {
		t.Fatalf("Send says %v", err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "sink", sink, "sinks", []alert.Sink{sink})
	asJSON, _ := json.Marshal(map[string]any{"sink": *sink})
	for _, shown := range []string{
		err.Error(), fmt.Sprintf("%+v %#v", err, errors.Unwrap(err)), log.String(), string(asJSON),
		fmt.Sprintf("%v %+v %#v %s %q %d", sink, *sink, sink, sink, sink, *sink), fmt.Sprintf("%+v", []alert.Sink{sink}),
		fmt.Sprint(sentry.Sink{DSN: "https://" + key + ":" + hidden + "@h/%zz"}),
	} {
		if strings.Contains(shown, key) || strings.Contains(shown, hidden) {
			t.Errorf("a key is in %s", shown)
		}
	}
}

func ExampleSink() {
	sink := sentry.Sink{DSN: "https://0123456789abcdef@o1.ingest.example.com/42", Environment: "production"}
	alerts := &alert.Queue{Sinks: []alert.Sink{sink}}
	fmt.Println(alerts.Validate(), sink)
	// Output: <nil> sentry.Sink(o1.ingest.example.com/42)
}
