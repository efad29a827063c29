package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

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

func TestSlackGetsOneASecondUnlessToldOtherwise(t *testing.T) {
	t.Parallel()
	w, slack := toSlack(t)
	tr := newTrail(t, append(slack[:len(slack)-2], "--match", "TEST=1")...) // without --every
	tr.follow()
	for i := range 3 {
		tr.write(fmt.Sprint(i))
	}
	w.waitForText(t, "0")
	begin := time.Now()
	w.waitForText(t, "2")
	if took := time.Since(begin); took < 1900*time.Millisecond {
		t.Errorf("two more came within %v", took)
	}
}

func TestSentryGetsEachEntry(t *testing.T) {
	t.Parallel()
	events := make(chan string, 10)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		events <- r.Header.Get("X-Sentry-Auth") + string(body)
	}))
	defer server.Close()
	dsn := file(t, "dsn", strings.Replace(server.URL, "//", "//publickey@", 1)+"/42\n")
	tr := newTrail(t, "--to", "sentry", "--sentry-dsn-file", dsn, "--sentry-environment", "staging", "--match", "TEST=1")
	tr.follow()
	tr.write("order 7 failed\nsince noon", "API_TOKEN", "hunter2")
	event := <-events
	for _, want := range []string{"publickey", `"order 7 failed`, `since noon`, `"environment":"staging"`, `"API_TOKEN":"[redacted]"`} {
		if !strings.Contains(event, want) {
			t.Errorf("%s is not in\n%s", want, event)
		}
	}
}

// mailbox is a mail server that knows one recipient.
type mailbox struct {
	addr string

	mu    sync.Mutex
	mails []string
}

func newMailbox(t *testing.T) *mailbox {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{addr: l.Addr().String()}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { m.serve(conn) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return m
}

// serve takes mail as RFC 5321 has it, as far as a client of ours goes.
func (m *mailbox) serve(conn net.Conn) {
	defer conn.Close()
	fmt.Fprint(conn, "220 hello\r\n")
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		switch line := lines.Text(); {
		case strings.HasPrefix(line, "RCPT") && !strings.Contains(line, "oncall@"):
			fmt.Fprint(conn, "550 nobody of that name\r\n")
		case line == "DATA":
			fmt.Fprint(conn, "354 go on\r\n")
			var mail strings.Builder
			for lines.Scan() && lines.Text() != "." {
				mail.WriteString(lines.Text() + "\n")
			}
			m.mu.Lock()
			m.mails = append(m.mails, mail.String())
			m.mu.Unlock()
			fmt.Fprint(conn, "250 taken\r\n")
		case line == "QUIT":
			fmt.Fprint(conn, "221 bye\r\n")
			return
		default:
			fmt.Fprint(conn, "250 fine\r\n")
		}
	}
}

func TestAMailThatSomeHaveGotIsNotSentToThemAgain(t *testing.T) {
	t.Parallel()
	m := newMailbox(t)
	tr := newTrail(t, "--to", "email", "--smtp", m.addr, "--smtp-security", "none", "--mail-from", "shop@example.com",
		"--mail-to", "oncall@example.com", "--mail-to", "gone@example.com", "--match", "TEST=1")
	h := tr.follow()
	tr.write("order 7 failed")
	h.waitFor(`level=ERROR msg="given up: it is not posted" error="email: sent to 1 of 2; .*gone@example.com.*" attempts=1 `)
	tr.write("order 8 failed")
	h.waitFor(`(?s)given up.*given up`)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.mails) != 2 || !strings.Contains(m.mails[0], "Subject: order 7 failed") || !strings.Contains(m.mails[1], "Subject: order 8 failed") {
		t.Errorf("the mails are %q", m.mails)
	}
}
