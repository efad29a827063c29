//go:build linux

package journal_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/journal"
)

func TestWhatWasRemovedBeforeItWasReadIsTold(t *testing.T) {
	old := time.Now().Add(-time.Hour)
	for name, story := range map[string]struct {
		probe string // what journalctl prints of the mark
		mark  string
		asked time.Duration // ago
		next  time.Time
		gap   string // where it goes on; empty: there is none
		then  string // the mark that is then
	}{
		"the mark is there":                     {"say 5", "s=1;i=5", time.Minute, old, "", "s=1;i=9"},
		"the mark is gone":                      {"say 7", "s=1;i=5", time.Minute, old, "s=1;i=7", "s=1;i=7"},
		"all is gone":                           {"true", "s=1;i=5", time.Minute, old, "s=1;i=9", "s=1;i=9"},
		"it was asked a moment ago":             {"say 7", "s=1;i=5", time.Second, old, "", "s=1;i=5"},
		"journalctl keeps up":                   {"say 7", "s=1;i=5", time.Minute, time.Now(), "", "s=1;i=9"},
		"journalctl fails":                      {"exit 1", "s=1;i=5", time.Minute, old, "", "s=1;i=5"},
		"the mark is in front of all there was": {"say 7", "t=1", time.Minute, old, "", "s=1;i=9"},
	} {
		t.Run(name, func(t *testing.T) {
			command, here := fake(t, story.probe)
			l := new(log)
			f := &journal.Follower{Journalctl: command, OnError: l.onError}
			then := f.CheckLoss(t.Context(), story.mark, story.asked, journal.Record{Cursor: "s=1;i=9", Time: story.next})
			next := ""
			var gap *journal.GapError
			if errs := l.errors(); len(errs) == 1 && errors.As(errs[0], &gap) && gap.Cursor == story.mark {
				next = gap.Next
			} else if len(errs) > 0 {
				t.Errorf("told %q", errs)
			}
			if next != story.gap || then != story.then {
				t.Errorf("goes on at %q, and the mark is %q; called %q", next, then, calls(t, here))
			}
		})
	}
}

func TestARecordThatCouldNotBeReadInTimeIsAskedAbout(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes 10 seconds")
	}
	command, _ := fake(t, `case "$*" in *--lines=1*s=1*) say 3;; *--lines=1*) say 1;; *--follow*) say 2; say 4; exec sleep 1000;; esac`)
	l := new(log)
	following(t, &journal.Follower{Journalctl: command, OnError: l.onError, Handle: func(ctx context.Context, r journal.Record) error {
		if r.Message() == "2" {
			time.Sleep(10 * time.Second)
		}
		return l.handle(ctx, r)
	}})
	until(t, "the records", func() bool { return len(l.messages()) == 2 })
	var gap *journal.GapError
	if errs := l.errors(); len(errs) != 1 || !errors.As(errs[0], &gap) || gap.Cursor != "s=1;i=1" || gap.Next != "s=1;i=3" {
		t.Errorf("told %q", errs)
	}
}
