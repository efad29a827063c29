package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestTwoWithTheSameCursorDoNotRun(t *testing.T) {
	t.Parallel()
	tr := newTrail(t, "--to", "exec", "--exec", "true", "--match", "TEST=1")
	tr.follow()
	if o := command(t, binary, tr.flags...); o.code != 1 || !strings.Contains(o.stderr, "lock") || !strings.Contains(o.stderr, "heeler: --cursor: ") {
		t.Errorf("the second: %+v", o)
	}
}

func TestWithoutAJournalItSaysSo(t *testing.T) {
	t.Setenv("STATE_DIRECTORY", t.TempDir())
	o := command(t, binary, "follow", "--match", "A=1", "--to", "exec", "--exec", "true", "--journalctl", "/nowhere/journalctl")
	if o.code != 1 || !strings.Contains(o.stderr, "/nowhere/journalctl") || !strings.Contains(o.stderr, "no such file") {
		t.Errorf("%+v", o)
	}
}

func TestTheCursorIsWhereStateIsKept(t *testing.T) {
	home, state := t.TempDir(), t.TempDir()
	t.Setenv("HOME", home)
	for _, story := range []struct{ service, xdg, want string }{
		{state + ":/elsewhere", "/elsewhere", filepath.Join(state, "follow-exec.cursor")},
		{"", state, filepath.Join(state, "heeler", "follow-exec.cursor")},
		{"", "relative", filepath.Join(home, ".local/state/heeler/follow-exec.cursor")},
	} {
		t.Setenv("STATE_DIRECTORY", story.service)
		t.Setenv("XDG_STATE_HOME", story.xdg)
		o := command(t, binary, "follow", "--match", "A=1", "--to", "exec", "--exec", "true", "--journalctl", "/nowhere/journalctl")
		if !strings.Contains(o.stderr, " cursor="+story.want) {
			t.Errorf("want %s, have\n%s", story.want, o.stderr)
		}
		if info, err := os.Stat(filepath.Dir(story.want)); err != nil || story.service == "" && info.Mode().Perm() != 0o700 && info.Name() == "heeler" {
			t.Errorf("%s: %v, %v", story.want, info, err)
		}
	}
}

func TestASecretThatOthersCanReadIsSaid(t *testing.T) {
	url := file(t, "slack-url", "https://hooks.slack.com"+webhookPath)
	if err := os.Chmod(url, 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("STATE_DIRECTORY", t.TempDir())
	o := command(t, binary, "follow", "--match", "A=1", "--to", "slack", "--slack-url-file", url, "--journalctl", "/nowhere/journalctl")
	if !strings.Contains(o.stderr, `level=WARN msg="everybody on this machine can read the file: chmod o-r" flag=--slack-url-file`) ||
		strings.Contains(o.stderr, webhookPath[10:]) {
		t.Errorf("%+v", o)
	}
}

func TestAPlaceThatCouldNotBeKeptAtTheEndIsSaid(t *testing.T) {
	t.Parallel()
	tr := newTrail(t, "--to", "exec", "--exec", "true", "--match", "TEST=1")
	h := tr.follow()
	if err := os.RemoveAll(filepath.Dir(tr.cursor)); err != nil {
		t.Fatal(err)
	}
	tr.write("done, and not known to be")
	h.waitFor(`level=WARN msg="trouble with the journal" error="journal: write the cursor to ` + tr.cursor)
	h.signal(syscall.SIGTERM)
	if code := h.wait(); code != 1 || !strings.Contains(h.log(), "heeler: journal: write the cursor to "+tr.cursor) {
		t.Errorf("it ends with %d:\n%s", code, h.log())
	}
	if o := command(t, binary, "follow", "--match", "A=1", "--to", "exec", "--exec", "true", "--cursor", "/dev/null/x"); o.code != 1 ||
		!strings.Contains(o.stderr, "/dev/null/x") || !strings.Contains(o.stderr, "--cursor") {
		t.Errorf("%+v", o)
	}
}
