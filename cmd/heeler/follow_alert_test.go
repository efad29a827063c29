package main_test

import (
	"maps"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	heeler "github.com/heeler-go/heeler/cmd/heeler"
	"github.com/heeler-go/heeler/offpath/journal"
)

func TestAnEntryBecomesAnAlert(t *testing.T) {
	for name, c := range map[string]struct {
		message, prefix, title, text string
	}{
		"a line":            {"order 7 failed", "", "order 7 failed", "order 7 failed"},
		"several":           {"panic: x\n\ngoroutine 1:\nmain.main()\n", "", "panic: x", "panic: x\n\ngoroutine 1:\nmain.main()"},
		"a prefix":          {"SLACK: a user\nsigned up", "SLACK: ", "a user", "a user\n\nsigned up"},
		"only a prefix":     {"SLACK: ", "SLACK: ", "an entry without a message", ""},
		"nothing":           {"", "", "an entry without a message", ""},
		"blanks":            {"\n \n first\n", "", "first", "first"},
		"a secret":          {"login with password=hunter2\n{\"token\":\"hunter2\"}", "", "login with password=[redacted]", "login with password=[redacted]\n\n{\"token\":\"[redacted]\"}"},
		"not UTF-8":         {"gr\xfc\xdfe\x1b[31m", "", "gr\uFFFDe [31m", "gr\uFFFDe\x1b[31m"},
		"a long first line": {strings.Repeat("x", 2000), "", strings.Repeat("x", 999) + "…", strings.Repeat("x", 2000)},
	} {
		r := record("MESSAGE", c.message)
		a := heeler.AlertOf(r, c.prefix)
		if a.Title != c.title || a.Text != c.text || !a.Time.Equal(r.Time) {
			t.Errorf("%s: the alert is %q\n%q, want %q\n%q", name, a.Title, a.Text, c.title, c.text)
		}
	}
}

func TestTheFactsThatJournaldVouchesForCannotBeForged(t *testing.T) {
	// journald takes no field in lower case from anybody; a journal from elsewhere may have one.
	a := heeler.AlertOf(record(
		"MESSAGE", "x", "PRIORITY", "3", "CODE_FILE", "/src/cart.go", "CODE_LINE", "42", "CODE_FUNC", "f",
		"_HOSTNAME", "web3", "_SYSTEMD_UNIT", "shop.service", "_PID", "17", "_UID", "1000", "_CMDLINE", "shop --token hunter2",
		"__MONOTONIC_TIMESTAMP", "1", "SYSLOG_IDENTIFIER", "sshd", "SYSLOG_PID", "1",
		"UNIT", "ssh.service", "unit", "ssh.service", "HOST", "db1", "ORDER", "7", "ORDER", "8", "API_TOKEN", "hunter2",
		"REFERER", "https://x/?token=hunter2",
	), "")
	want := map[string]string{
		"host": "web3", "unit": "shop.service", "pid": "17", "uid": "1000", "priority": "error", "code": "/src/cart.go:42",
		"SYSLOG_IDENTIFIER": "sshd", "UNIT": "ssh.service", "HOST": "db1", "ORDER": "7, 8", "API_TOKEN": "[redacted]",
		"REFERER": "https://x/?token=[redacted]",
	}
	if !maps.Equal(a.Tags, want) {
		t.Errorf("the tags are\n%q, want\n%q", a.Tags, want)
	}
}

func TestAHugeEntryIsCutAndSaysSo(t *testing.T) {
	r := record("MESSAGE", strings.Repeat("日", 1<<20), "NOTE", strings.Repeat("日", 1<<20))
	r.Truncated = true
	begin := time.Now()
	a := heeler.AlertOf(r, "")
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
	if len(a.Text) > 70_000 || !strings.HasSuffix(a.Text, "日… (cut: 3145728 bytes in all)") || !utf8.ValidString(a.Text) {
		t.Errorf("the text has %d bytes and ends in %q", len(a.Text), a.Text[len(a.Text)-50:])
	}
	if note := a.Tags["NOTE"]; len(note) > 1100 || !strings.HasSuffix(note, "日… (cut: 3145728 bytes in all)") {
		t.Errorf("a field has %d bytes: %q", len(note), note)
	}
	if a.Tags["truncated"] == "" {
		t.Errorf("the tags are %q", a.Tags)
	}
	if got := heeler.AlertOf(journal.Record{}, "x"); got.Title == "" {
		t.Errorf("of nothing comes %+v", got)
	}
}
