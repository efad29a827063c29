package journal_test

import (
	"context"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/offpath/journal"
)

func TestAFollowersFieldsAreChecked(t *testing.T) {
	for _, story := range []struct {
		f    journal.Follower
		want string
	}{
		{journal.Follower{}, "Handle"},
		{journal.Follower{Handle: acknowledge, Retry: -1}, "Retry"},
		{journal.Follower{Handle: acknowledge, MaxBytes: 4095}, "MaxBytes"},
		{journal.Follower{Handle: acknowledge, MaxBytes: 256<<20 + 1}, "MaxBytes"},
		{journal.Follower{Handle: acknowledge, Journalctl: []string{""}}, "Journalctl"},
		{journal.Follower{Handle: acknowledge, Match: []string{"A=1", "--rotate"}}, "Match[1]"},
		{journal.Follower{Handle: acknowledge, MaxBytes: 4096, Journalctl: []string{"x"}, Match: []string{"A=1"}}, ""},
	} {
		err := story.f.Validate()
		if story.want == "" && err != nil || story.want != "" && (err == nil || !strings.Contains(err.Error(), story.want)) {
			t.Errorf("%+v: %v", story.f, err)
		}
		if story.want != "" && story.f.Run(t.Context()) == nil {
			t.Errorf("%+v runs", story.f)
		}
	}
}

func TestAMatchIsNothingElse(t *testing.T) {
	for match, valid := range map[string]bool{
		"A=1": true, "A=": true, "_UID=0": true, "__CURSOR=x": true, "A1_B=--rotate": true, "A=x=y": true, "A=a\nb": true, "A=\xff": true, "A=1,+,B=2": true, "A=1,B=2,+,C=3": true,
		"--rotate": false, "-n1": false, "/bin/sh": false, "A": false, "=1": false, "a=1": false, "1A=1": false, "A-B=1": false, "": false, " A=1": false,
		"+": false, "+,A=1": false, "A=1,+": false, "A=1,+,+,B=1": false, "A=\x00": false,
		strings.Repeat("A", 64) + "=": true, strings.Repeat("A", 65) + "=": false, "A=" + strings.Repeat("x", 100<<10): false,
	} {
		f := journal.Follower{Handle: acknowledge, Match: strings.Split(match, ",")}
		if err := f.Validate(); (err == nil) != valid {
			t.Errorf("%.100q: %v", match, err)
		}
	}
}

func TestAMatchIsTrustedIfEachAlternativeIs(t *testing.T) {
	for match, want := range map[string]bool{
		"_UID=0": true, "A=1,_SYSTEMD_UNIT=x": true, "_UID=0,A=1": true, "_UID=0,+,_UID=1": true,
		"": false, "A=1": false, "_UID=0,+,A=1": false, "A=1,+,_UID=0": false, "_COMM=sshd": false, "_TRANSPORT=journal": false, "_BOOT_ID=1": false, "SYSLOG_IDENTIFIER=_UID=0": false,
	} {
		if got := journal.Trusted(strings.Split(match, ",")); got != want {
			t.Errorf("%q: %v", match, got)
		}
	}
	if journal.Trusted(nil) {
		t.Error("no match at all is trusted")
	}
}

// acknowledge takes any record.
func acknowledge(context.Context, journal.Record) error { return nil }
