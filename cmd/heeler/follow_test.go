package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/journald"
	"github.com/heeler-go/heeler/offpath/journal"
)

// webhook is the other end of one of Slack's.
type webhook struct {
	server *httptest.Server

	mu    sync.Mutex
	code  int // what is answered; 0: ok
	calls int
	texts []string // of what was taken
	grown chan struct{}
}

const webhookPath = "/services/T0WORKSPACE/B0WEBHOOK42/qZ7sEcReTtOkEn"

func newWebhook(t *testing.T) *webhook {
	w := &webhook{grown: make(chan struct{}, 1)}
	w.server = httptest.NewServer(w)
	t.Cleanup(w.server.Close)
	return w
}

func (w *webhook) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	var message struct{ Text string }
	body, _ := io.ReadAll(r.Body)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls++
	if json.Unmarshal(body, &message) != nil || r.URL.Path != webhookPath {
		w.texts = append(w.texts, fmt.Sprintf("NO MESSAGE at %s: %s", r.URL.Path, body))
	}
	if w.code != 0 {
		rw.WriteHeader(w.code)
	} else {
		w.texts = append(w.texts, message.Text)
	}
	select {
	case w.grown <- struct{}{}:
	default:
	}
}

// answer is from now on what it does.
func (w *webhook) answer(code int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.code = code
}

func (w *webhook) got() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.texts)
}

func (w *webhook) asked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.calls
}

// waitFor waits until something has come true of what has come.
func (w *webhook) waitFor(t *testing.T, what string, is func() bool) {
	t.Helper()
	late := time.After(time.Minute)
	for !is() {
		select {
		case <-w.grown:
		case <-late:
			t.Fatalf("not %s: after %d calls there are %q", what, w.asked(), w.got())
		}
	}
}

func (w *webhook) waitForText(t *testing.T, text string) {
	t.Helper()
	w.waitFor(t, "there: "+text, func() bool { return slices.Contains(w.got(), text) })
}

// A trail is a journal that is followed, and what remembers how far.
type trail struct {
	t      *testing.T
	j      *journald.Journald
	sender *journal.Sender
	cursor string
	flags  []string
}

// newTrail has a journal of its own.
func newTrail(t *testing.T, flags ...string) *trail {
	t.Helper()
	j := journald.Start(t)
	tr := &trail{t: t, j: j, sender: &journal.Sender{Path: j.Socket}, cursor: filepath.Join(t.TempDir(), "state", "cursor")}
	t.Cleanup(func() { tr.sender.Close() })
	tr.flags = append([]string{"follow", "--journalctl", strings.Join(j.Journalctl(), " "), "--cursor", tr.cursor}, flags...)
	return tr
}

// follow starts the daemon, and waits until it has found its place.
func (tr *trail) follow(more ...string) *herd {
	tr.t.Helper()
	h := start(tr.t, binary, append(slices.Clone(tr.flags), more...)...)
	tr.begun(h)
	return h
}

// begun waits until there is a cursor: what is written from now on is found.
func (tr *trail) begun(h *herd) {
	tr.t.Helper()
	for range 3000 {
		if _, err := os.Stat(tr.cursor); err == nil {
			return
		}
		select {
		case <-h.ended:
			tr.t.Fatalf("it has ended:\n%s", h.log())
		case <-time.After(10 * time.Millisecond):
		}
	}
	tr.t.Fatalf("it does not begin:\n%s", h.log())
}

// write writes an entry with TEST=1.
func (tr *trail) write(message string, pairs ...string) {
	tr.t.Helper()
	e := journal.Entry{Message: message, Fields: []journal.Field{{Name: "TEST", Value: "1"}}}
	for i := 0; i < len(pairs); i += 2 {
		e.Fields = append(e.Fields, journal.Field{Name: pairs[i], Value: pairs[i+1]})
	}
	if err := tr.sender.Send(e); err != nil {
		tr.t.Fatal(err)
	}
}

// toSlack lets a webhook stand in for Slack's.
func toSlack(t *testing.T) (*webhook, []string) {
	w := newWebhook(t)
	url := file(t, "slack-url", w.server.URL+webhookPath+"\n")
	if err := os.Chmod(url, 0o600); err != nil {
		t.Fatal(err)
	}
	return w, []string{"--to", "slack", "--slack-url-file", url, "--every", "0.01"}
}

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

func TestACommandGetsEachEntry(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "out")
	tr := newTrail(t, "--to", "exec", "--exec", "cat >>"+out+"; ! grep -q refused "+out+" || exit 1", "--match", "TEST=1")
	h := tr.follow()
	tr.write("one\n\x1b[31m", "RAW", "\xff")
	tr.write(strings.Repeat("x", 5000), "API_TOKEN", "hunter2") // a command on this machine is told all
	tr.write("refused")
	h.waitFor(`level=ERROR msg="given up: it is not posted" error="--exec: exit status 1" attempts=5 .* message=refused`)
	h.signal(os.Interrupt)
	if code := h.wait(); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(got)), "\n")
	if len(lines) != 2+5 {
		t.Fatalf("it got\n%s", got)
	}
	var entries []map[string]any
	for _, line := range lines {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry)
	}
	if raw, _ := entries[0]["RAW"].([]any); entries[0]["MESSAGE"] != "one\n\x1b[31m" || len(raw) != 1 || raw[0] != 255.0 {
		t.Errorf("the first is %v", entries[0])
	}
	if entries[1]["MESSAGE"] != strings.Repeat("x", 5000) || entries[1]["API_TOKEN"] != "hunter2" || entries[1]["__CURSOR"] == "" {
		t.Errorf("the second is %v", entries[1])
	}
}

func TestTwoWithTheSameCursorDoNotRun(t *testing.T) {
	t.Parallel()
	tr := newTrail(t, "--to", "exec", "--exec", "true", "--match", "TEST=1")
	tr.follow()
	if o := command(t, binary, tr.flags...); o.code != 1 || !strings.Contains(o.stderr, "lock") {
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
