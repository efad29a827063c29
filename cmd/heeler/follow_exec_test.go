package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	heeler "github.com/heeler-go/heeler/cmd/heeler"
)

func TestTheExitCodeOfACommandDecides(t *testing.T) {
	for script, c := range map[string]struct {
		want  string // in the error; empty: done
		later bool
	}{
		"cat >/dev/null":                         {"", false},
		"exit 0":                                 {"", false}, // also of what reads nothing
		"exit 1":                                 {"--exec: exit status 1", false},
		"echo >&2 a\techo no\tway; exit 3":       {"--exec: exit status 3: a echo no way", false},
		"echo busy; exit 75":                     {"--exec: exit status 75: busy", true},
		"echo password=hunter2; exit 1":          {"--exec: exit status 1: password=[redacted]", false},
		"no-such-command-here":                   {"--exec: exit status 127: ", true},
		"/dev/null":                              {"--exec: exit status 126: ", true},
		"kill -SEGV $$":                          {"--exec: signal: segmentation fault", false},
		"sleep 60 & exit 0":                      {"", false}, // what it leaves behind holds up nobody
		"head -c 100000000 /dev/zero; exit 1":    {"--exec: exit status 1", false},
		"yes long | head -c 9000000; exit 1":     {"long long", false},
		"printf '\\033[31mred\\n'; exit 1":       {"exit status 1: [31mred", false},
		"test \"$(wc -c)\" -gt 1000000; exit $?": {"", false},
	} {
		begin := time.Now()
		err := heeler.Exec(t.Context(), script, record("MESSAGE", strings.Repeat("x", 1<<20)))
		if took := time.Since(begin); took > 30*time.Second {
			t.Errorf("%s: it took %v", script, took)
		}
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || len(err.Error()) > 3000) {
			t.Errorf("%s: %.500v, want %q", script, err, c.want)
		}
		var later *alert.LaterError
		if errors.As(err, &later) != c.later {
			t.Errorf("%s: to be tried for ever: %v", script, !c.later)
		}
	}
}

func TestACommandThatTakesTooLongEndsWithAllThatItHasStarted(t *testing.T) {
	alive := filepath.Join(t.TempDir(), "alive")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	begin := time.Now()
	err := heeler.Exec(ctx, "(sleep 3; touch "+alive+") & wait", record())
	var later *alert.LaterError
	if !errors.As(err, &later) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("it says %v", err)
	}
	if took := time.Since(begin); took > 2500*time.Millisecond {
		t.Errorf("it took %v", took)
	}
	time.Sleep(time.Until(begin.Add(3500 * time.Millisecond)))
	if _, err := os.Stat(alive); err == nil {
		t.Error("a child of it lives on")
	}
}

func TestACommandGetsTheEntryAsJournalctlHasIt(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	r := record("MESSAGE", "a <b>\n\x1b", "RAW", "\xff\x00", "SEVERAL", "1", "SEVERAL", "\xfe", "EMPTY", "", "__CURSOR", "forged")
	r.Time = time.UnixMicro(1_700_000_000_123_456)
	r.Truncated = true
	if err := heeler.Exec(t.Context(), "cat >"+out, r); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"EMPTY":"","MESSAGE":"a <b>\n\u001b","RAW":[255,0],"SEVERAL":["1",[254]],"__CURSOR":"s=1;i=2",` +
		`"__REALTIME_TIMESTAMP":"1700000000123456","__TRUNCATED":"1"}` + "\n"
	if string(got) != want || !json.Valid(got) {
		t.Errorf("it got\n%s, want\n%s", got, want)
	}
}
