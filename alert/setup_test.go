package alert_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/alert"
)

func TestTheZeroQueueLogs(t *testing.T) {
	records := logged(t)
	var q alert.Queue
	if err := q.Validate(); err != nil {
		t.Error(err)
	}
	if !q.Offer(alert.Alert{Title: "slow"}) {
		t.Error("the zero Queue took nothing")
	}
	closed(t, &q)
	if got := records.String(); !strings.Contains(got, "level=WARN msg=slow") {
		t.Errorf("logged %q", got)
	}
}

func TestFailuresAreLoggedOnceAMinuteWhenNobodyElseIsTold(t *testing.T) {
	records := logged(t)
	synctest.Test(t, func(t *testing.T) {
		r := &recorder{do: func(context.Context, alert.Alert) error { return errors.New("no way") }}
		q := &alert.Queue{Sinks: []alert.Sink{r}, Fold: -1}
		for range 10 {
			q.Offer(alert.Alert{Title: "slow"})
			time.Sleep(10 * time.Second)
		}
	})
	got := strings.Split(strings.TrimSpace(records.String()), "\n")
	if len(got) != 2 || !strings.Contains(got[0], `title=slow error="no way" more=0`) || !strings.Contains(got[1], "more=5") {
		t.Errorf("logged %q, want one record at once and one a minute later", got)
	}
}

func TestValidateNamesTheFieldAndAsksTheSinks(t *testing.T) {
	for want, q := range map[string]*alert.Queue{
		"alert: Queue.Size is -1; it must be positive, or 0 for 256":                           {Size: -1},
		"alert: Queue.Timeout is -1s; it must be positive, or 0 for 30s":                       {Timeout: -time.Second},
		"alert: Queue.Sinks[1] is nil; a Sink is needed":                                       {Sinks: []alert.Sink{alert.Log{}, nil}},
		"alert: Queue.Sinks[0]: alert: Dir.Path is empty; a directory is needed":               {Sinks: []alert.Sink{alert.Dir{}}},
		`alert: Queue.Sinks[0]: alert: Dir.Prefix is "../x"; only a-z, 0-9 and - are accepted`: {Sinks: []alert.Sink{&alert.Dir{Path: "x", Prefix: "../x"}}},
	} {
		if err := q.Validate(); err == nil || err.Error() != want {
			t.Errorf("Validate says\n  %v, want\n  %v", err, want)
		}
	}
}
