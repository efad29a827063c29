package main_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/journal"
)

func TestWhatIsWrittenWhileItIsDeadIsPostedWhenItIsBack(t *testing.T) {
	t.Parallel()
	w, slack := toSlack(t)
	tr := newTrail(t, append(slack, "--match", "TEST=1")...)
	h := tr.follow()
	tr.write("before")
	w.waitForText(t, "before")
	h.signal(syscall.SIGKILL)
	h.wait()
	for i := range 50 {
		tr.write(fmt.Sprintf("entry %d", i))
		tr.sender.Send(journal.Entry{Message: "not looked for"})
	}
	h = tr.follow()
	w.waitForText(t, "entry 49")
	h.signal(syscall.SIGTERM)
	if code := h.wait(); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	// In order, and none missing. Of those before some may be there again: the cursor is written once a second.
	last := -1
	for _, text := range w.got() {
		n, err := strconv.Atoi(strings.TrimPrefix(text, "entry "))
		switch {
		case text == "before" && last < 0:
		case err != nil || n != last+1:
			t.Errorf("after entry %d comes %q", last, text)
		default:
			last = n
		}
	}
	if last != 49 {
		t.Errorf("the last is entry %d", last)
	}
	if strings.Contains(h.log(), webhookPath[10:]) {
		t.Errorf("the webhook's URL is in the log:\n%s", h.log())
	}
	// And it knows that all is done.
	tr.follow()
	tr.write("after")
	w.waitForText(t, "after")
	if got := w.got(); got[len(got)-2] != "entry 49" {
		t.Errorf("after the end of the second comes %q", got[len(got)-2:])
	}
}

func TestAKillInTheMiddleOfTheWorkLosesNothing(t *testing.T) {
	t.Parallel()
	w, slack := toSlack(t)
	tr := newTrail(t, append(slack, "--match", "TEST=1")...)
	h := tr.follow()
	for i := range 300 {
		tr.write(fmt.Sprintf("entry %d", i))
	}
	for kill := range 4 {
		w.waitFor(t, "far enough", func() bool { return len(w.got()) > 30*(kill+1) })
		h.signal(syscall.SIGKILL)
		h.wait()
		h = tr.follow()
	}
	w.waitForText(t, "entry 299")
	got := w.got()
	for i := range 300 {
		if !slices.Contains(got, fmt.Sprintf("entry %d", i)) {
			t.Errorf("entry %d is lost", i)
		}
	}
}

func TestAWebhookThatIsDownGetsItWhenItIsBack(t *testing.T) {
	t.Parallel()
	w, slack := toSlack(t)
	w.answer(503)
	tr := newTrail(t, append(slack, "--match", "TEST=1")...)
	h := tr.follow()
	for i := range 5 {
		tr.write(fmt.Sprintf("entry %d", i))
	}
	h.waitFor(`msg="not posted yet" error="slack: 127.0.0.1:\d+ answered 503 Service Unavailable" attempt=2 `)
	w.answer(0)
	w.waitForText(t, "entry 4")
	if got, want := w.got(), []string{"entry 0", "entry 1", "entry 2", "entry 3", "entry 4"}; !slices.Equal(got, want) {
		t.Errorf("posted %q", got)
	}
	h.signal(os.Interrupt)
	if code := h.wait(); code != 0 || !strings.Contains(h.log(), `msg=stopped posted=5 "given up"=0`) {
		t.Errorf("it ends with %d:\n%s", code, h.log())
	}
}

func TestASignalEndsItWhileTheWebhookIsDown(t *testing.T) {
	t.Parallel()
	w, slack := toSlack(t)
	w.answer(500)
	tr := newTrail(t, append(slack, "--match", "TEST=1")...)
	h := tr.follow()
	tr.write("held")
	h.waitFor(`attempt=3`)
	begin := time.Now()
	h.signal(syscall.SIGTERM)
	if code, took := h.wait(), time.Since(begin); code != 0 || took > 10*time.Second {
		t.Errorf("it ends with %d after %v:\n%s", code, took, h.log())
	}
	w.answer(0)
	tr.follow()
	w.waitForText(t, "held")
}

func TestAGapInTheJournalIsSaid(t *testing.T) {
	t.Parallel()
	w, slack := toSlack(t)
	tr := newTrail(t, append(slack, "--match", "TEST=1")...)
	h := tr.follow()
	tr.write("in a journal that is gone")
	w.waitForText(t, "in a journal that is gone")
	h.signal(os.Interrupt)
	h.wait()
	if strings.Contains(h.log(), "trouble") {
		t.Errorf("where all is fine there is trouble:\n%s", h.log())
	}
	other := newTrail(t, append(slack, "--match", "TEST=1")...)
	other.write("in the one that is there")
	other.j.Sync()
	if err := os.MkdirAll(filepath.Dir(other.cursor), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(tr.cursor, other.cursor); err != nil {
		t.Fatal(err)
	}
	h = other.follow()
	h.waitFor(`level=WARN msg="trouble with the journal" error="journal: the record at cursor .* is no longer in the journal`)
	w.waitForText(t, "in the one that is there")
}

func TestAForgedPrefixIsNotBelieved(t *testing.T) {
	t.Parallel()
	w, slack := toSlack(t)
	tr := newTrail(t, slack...)
	tr.write("who am I")
	uid := tr.j.Entries("TEST=1")[0]["_UID"][0]
	h := tr.follow("--match-prefix", "SLACK: ", "--match", "_SYSTEMD_UNIT=shop.service",
		"--match", "+", "--match", "_UID="+uid, "--match", "TEST=1")
	if log := h.log(); strings.Contains(log, "level=WARN") {
		t.Errorf("it warns of what is trusted:\n%s", log)
	}
	conn, err := net.Dial("unixgram", tr.j.Socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, forged := range []string{
		"_SYSTEMD_UNIT=shop.service\nMESSAGE=SLACK: forged, by saying that it is the shop\n",
		"MESSAGE=SLACK: forged, by anybody\n", "SYSLOG_IDENTIFIER=shop\nUNIT=shop.service\nMESSAGE=SLACK: forged, by a name\n",
	} {
		if _, err := io.WriteString(conn, forged); err != nil {
			t.Fatal(err)
		}
	}
	tr.write("GET /\nSLACK: forged, in a text")
	tr.write("slack: not the prefix")
	tr.write(" SLACK: not the prefix")
	tr.write("SLACK: a user signed up\nfrom <!channel>")
	w.waitForText(t, "a user signed up\nfrom &lt;!channel&gt;")
	if got := w.got(); len(got) != 1 {
		t.Errorf("posted %q", got)
	}
	h.signal(os.Interrupt)
	h.wait()
	untrusted := tr.follow("--match-prefix", "SLACK: ", "--match", "TEST=1")
	untrusted.waitFor(`level=WARN msg="any program on this machine can write a message that begins like that`)
	untrusted.signal(os.Interrupt)
	untrusted.wait()
	tr.follow("--match", "TEST=1", "--match", "+", "--match", "_UID=0").waitFor(`level=WARN msg="any program on this machine can write such entries`)
}

func TestWhatItSaysOfItsTroubleIsNotPostedItself(t *testing.T) {
	t.Parallel()
	w, slack := toSlack(t)
	w.answer(500)
	tr := newTrail(t, append(slack, "--match-prefix", "", "--match", "_TRANSPORT=stdout", "--match", "+", "--match", "TEST=1")...)
	tr.flags = slices.DeleteFunc(tr.flags, func(flag string) bool { return flag == "--match-prefix" || flag == "" })
	// Its standard error goes to the journal, as that of a service does (systemd's connect_logger_as).
	conn, err := net.Dial("unix", filepath.Join(filepath.Dir(tr.j.Socket), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "heeler\n\n6\n1\n0\n0\n0\n")
	stream, err := conn.(*net.UnixConn).File()
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	cmd := exec.Command(binary, tr.flags...)
	cmd.Stderr = stream
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	tr.begun(&herd{})
	tr.write("first")
	w.waitFor(t, "asked twice", func() bool { return w.asked() >= 3 })
	w.answer(0)
	w.waitForText(t, "first")
	said := tr.j.Entries("_TRANSPORT=stdout", "_PID="+strconv.Itoa(cmd.Process.Pid))
	if len(said) < 3 || !strings.Contains(said[len(said)-1]["MESSAGE"][0], "not posted yet") {
		t.Fatalf("its own words are not in the journal: %q", said)
	}
	tr.write("second")
	w.waitForText(t, "second")
	if got := w.got(); !slices.Equal(got, []string{"first", "second"}) {
		t.Errorf("posted %q", got)
	}
}
