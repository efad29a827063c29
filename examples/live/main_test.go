package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"

	"github.com/heeler-go/heeler/examples/internal/chromium"
	"github.com/heeler-go/heeler/internal/leak"
)

// TestMain fails when a test has left a goroutine of ours behind. Called with asLive set, or as the
// crowd of a server, the test binary is the program.
func TestMain(m *testing.M) {
	if os.Getenv(asLive) != "" || slices.Contains(os.Args, "-crowd") {
		main()
		return
	}
	leak.Main(m)
}

const asLive = "HEELER_TEST_AS_LIVE"

// A program is the server in a process of its own.
type program struct {
	*exec.Cmd
	url    string
	stderr bytes.Buffer
}

// start starts the server and waits until it says where it can be reached.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{Cmd: exec.CommandContext(t.Context(), os.Args[0], append(args, "-addr", "127.0.0.1:0")...)}
	p.Env = append(os.Environ(), asLive+"=1")
	p.Stderr = &p.stderr
	says, stdout := io.Pipe()
	p.Stdout = stdout
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	said := make([]byte, 200)
	n, err := says.Read(said)
	if _, err := fmt.Sscanf(string(said[:n]), "The prices are at %s", &p.url); err != nil {
		t.Fatalf("the server says %q: %v", said[:n], err)
	}
	if err != nil {
		t.Fatal(err)
	}
	go io.Copy(io.Discard, says)
	return p
}

// terminate sends SIGTERM and waits for the end.
func (p *program) terminate(t *testing.T) {
	t.Helper()
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err != nil || p.stderr.Len() > 0 {
		t.Errorf("%v, and on stderr: %s", err, &p.stderr)
	}
	p.Stdout.(io.Closer).Close()
}

func TestTheTourHoldsWhatItPromises(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"-tour", "-sockets", "1000", "-drain", "4s"}, &stdout, &stderr); code != 0 || stderr.Len() > 0 {
		t.Errorf("exit code %d, and on stderr: %s", code, &stderr)
	}
	if n := strings.Count(stdout.String(), "ok   "); n != 9 {
		t.Errorf("%d of 9 things are as they should be", n)
	}
	if t.Failed() {
		t.Log(stdout.String())
	}
}

func TestAnInterruptedTourSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stderr bytes.Buffer
	if code := run(ctx, []string{"-tour", "-sockets", "10"}, io.Discard, &stderr); code != 1 || !strings.Contains(stderr.String(), "canceled") {
		t.Errorf("exit code %d, and on stderr: %s", code, &stderr)
	}
}

// One client of each library on each kind of handler, and an event stream.
func TestEveryoneIsToldByAServerThatIsTerminated(t *testing.T) {
	p := start(t, "-drain", "5s", "-period", "100ms")
	ctx := t.Context()
	told := make(chan string, 4)
	for _, path := range []string{"/prices", "/prices/gorilla"} {
		one, _, err := coder.Dial(ctx, p.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer one.CloseNow()
		other, _, err := gorilla.DefaultDialer.DialContext(ctx, strings.Replace(p.url, "http", "ws", 1)+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		go func() { told <- "coder from " + path + ": " + coderHears(ctx, one) }()
		go func() { told <- "gorilla from " + path + ": " + gorillaHears(other) }()
	}
	events, err := listen(ctx, p.url)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := get(t, p.url+"/prices/next"); status != 200 || !json.Valid([]byte(text)) {
		t.Errorf("a long poll: %d %s", status, text)
	}
	p.terminate(t)
	for range 4 {
		if got := <-told; !strings.HasSuffix(got, ": 1001 the server restarts") {
			t.Error(got)
		}
	}
	if s := <-events; !strings.HasPrefix(s.last, "retry: ") || s.events == 0 {
		t.Errorf("the event stream ends with %q after %d events", s.last, s.events)
	}
	http.DefaultClient.CloseIdleConnections()
}

// coderHears reads until the connection ends and says how it did.
func coderHears(ctx context.Context, conn *coder.Conn) string {
	for {
		_, _, err := conn.Read(ctx)
		var closed coder.CloseError
		if errors.As(err, &closed) {
			return fmt.Sprintf("%d %s", closed.Code, closed.Reason)
		} else if err != nil {
			return err.Error()
		}
	}
}

func gorillaHears(conn *gorilla.Conn) string {
	for {
		_, _, err := conn.ReadMessage()
		var closed *gorilla.CloseError
		if errors.As(err, &closed) {
			return fmt.Sprintf("%d %s", closed.Code, closed.Text)
		} else if err != nil {
			return err.Error()
		}
	}
}

func get(t *testing.T, url string) (status int, text string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestThePageIsLiveAndSaysThatItWasToldToLeave(t *testing.T) {
	b := chromium.Open(t)
	for _, by := range []string{"events", "next", "gorilla", "coder"} {
		p := start(t, "-drain", "3s", "-period", "100ms")
		chromium.In(t, b, chromedp.Navigate(p.url+"/?by="+by))
		for _, show := range []string{"#prices tbody tr:nth-child(12)", "#line.open", "#state dd"} {
			chromium.In(t, b, chromedp.WaitVisible(chromedp.CSS(show)))
		}
		time.Sleep(time.Second) // for the picture to have lines
		b.AtPeace(t, p.url)
		b.Keep(t, "live-"+by)
		p.terminate(t)
		chromium.In(t, b, chromedp.WaitVisible(chromedp.CSS("#line.away")))
		says := chromium.In(t, b, chromedp.Text(chromedp.CSS("#line")))
		if sockets := by == "coder" || by == "gorilla"; strings.Contains(says, "“the server restarts”") != sockets {
			t.Errorf("by %s the page says %q", by, says)
		}
		b.Forget()
	}
}

func TestTheCrowdOfAServerThatIsTerminatedIsToldBeforeItGoes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	says, stdout := io.Pipe()
	go func() {
		said := bufio.NewScanner(says)
		for said.Scan() {
			if strings.Contains(said.Text(), "50 others watch") {
				cancel()
			}
		}
	}()
	var kept, stderr bytes.Buffer
	code := run(ctx, []string{"-addr", "127.0.0.1:0", "-sockets", "50", "-drain", "3s"}, io.MultiWriter(&kept, stdout), &stderr)
	stdout.Close()
	if code != 0 || !strings.Contains(kept.String(), "told: 50.") {
		t.Errorf("exit code %d: %s%s", code, &kept, &stderr)
	}
}

func TestMistakesOnTheCommandLineAreNamed(t *testing.T) {
	for arg, want := range map[string]string{
		"-addr=nowhere": "host:port", "-sockets=1000000": "from 0 to 100000", "-drain=1h": "from 1s to 10m",
		"-period=0s": "from 10ms to 1m", "-crowd=nowhere": "must be a URL", "more": "flags only",
	} {
		var stderr bytes.Buffer
		if code := run(t.Context(), []string{arg}, io.Discard, &stderr); code != 2 || !strings.Contains(stderr.String(), want) {
			t.Errorf("%s: exit code %d, and on stderr: %s", arg, code, &stderr)
		}
	}
	if code := run(t.Context(), []string{"-help"}, io.Discard, io.Discard); code != 0 {
		t.Errorf("-help: exit code %d", code)
	}
}

func TestATakenAddressIsNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"-addr", taken.Addr().String()}, io.Discard, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "is taken by another program") {
		t.Errorf("exit code %d, and on stderr: %s", code, &stderr)
	}
}
