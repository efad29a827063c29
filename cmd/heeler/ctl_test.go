package main_test

import (
	"bytes"
	"errors"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/echo"
	"github.com/heeler-go/heeler/internal/servers"
)

func TestToxicsComeAndGo(t *testing.T) {
	h := run(t, echo.Start(t))
	addr := h.addr("tcp")
	got := h.ctl("add-toxic", "latency", "latency=250ms", "--stream", "upstream", "--name", "far")
	if want := "Added far: latency upstream {\"latency\":250,\"jitter\":0}\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	begin := time.Now()
	connect(t, addr).expect("hello", "hello")
	if took := time.Since(begin); took < 250*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
	h.ctl("add-toxic", "slicer", "average-size=10", "--toxicity=0.5", "--grow", "1m", "--shrink", "1m", "--end", "2m")
	want := "tcp: tcp, " + addr + " -> " + h.waitFor(`backend=(\S+)`) + "\n" +
		"  far: latency upstream {\"latency\":250,\"jitter\":0}\n" +
		"  slicer_downstream: slicer downstream {\"average_size\":10,\"size_variation\":0,\"delay\":0} toxicity 0.5 " +
		"{\"end\":\"2m0s\",\"grow\":\"1m0s\",\"shrink\":\"1m0s\"}\n"
	if got := h.ctl("list"); got != want {
		t.Errorf("listed\n%swant\n%s", got, want)
	}
	if got := h.ctl("remove-toxic", "far", "--proxy", "tcp"); got != "Removed far\n" {
		t.Errorf("%q", got)
	}
	if got := h.ctl("add-toxic", "hang", "--toxicity", "0"); got != "Added hang_downstream: hang downstream {} toxicity 0\n" {
		t.Errorf("a toxic that never strikes: %q", got)
	}
	if got := h.ctl("reset"); got != "All proxies listen, without any fault\n" {
		t.Errorf("%q", got)
	}
	if got := h.ctl("list"); strings.Count(got, "\n") != 1 {
		t.Errorf("after the reset:\n%s", got)
	}
	for _, args := range [][]string{{"remove-toxic", "far"}, {"get-behavior", "--proxy", "db"}} {
		o := command(t, binary, append([]string{"ctl", "--host", h.url()}, args...)...)
		if o.code != 1 || !strings.HasSuffix(o.stderr, " not found\n") {
			t.Errorf("%q: %+v", args, o)
		}
	}
}

func TestAProxyIsSwitchedOffAndOn(t *testing.T) {
	h := run(t, echo.Start(t))
	addr := h.addr("tcp")
	if got := h.ctl("disable"); got != "Disabled tcp\n" {
		t.Errorf("%q", got)
	}
	if c, err := net.Dial("tcp", addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("connected to %v, %v", c, err)
	}
	if got := h.ctl("list"); !strings.HasSuffix(got, ", disabled\n") {
		t.Errorf("listed %q", got)
	}
	h.ctl("enable")
	connect(t, addr).expect("hello", "hello")
}

func TestTheBackendIsSwapped(t *testing.T) {
	redis := servers.Redis(t)
	h := run(t, echo.Start(t))
	connect(t, h.addr("tcp")).expect("PING", "PING")
	if got := h.ctl("set-backend", redis.Addr); got != "Backend changed to \""+redis.Addr+"\"\n" {
		t.Errorf("%q", got)
	}
	if got := h.ctl("get-backend"); got != redis.Addr+"\n" {
		t.Errorf("%q", got)
	}
	connect(t, h.addr("tcp")).expect("PING", "+PONG")
	o := command(t, binary, "ctl", "--host", h.url(), "set-backend", "nowhere")
	if o.code != 1 || o.stderr != "heeler: the backend is \"nowhere\", want host:port or unix:/path\n" {
		t.Errorf("%+v", o)
	}
}

func TestWhichOfSeveralProxiesMustBeSaid(t *testing.T) {
	ini := file(t, "two.ini", "[vaurien]\nhttp = yes\nhttp_host = 127.0.0.1\nhttp_port = 0\n"+
		"[proxy:a]\nproxy = 127.0.0.1:0\nbackend = 127.0.0.1:1\n[proxy:b]\nproxy = 127.0.0.1:0\nbackend = 127.0.0.1:1\n")
	h := start(t, binary, "chaos", "--config", ini)
	h.ctl("set-behavior", "hang", "--proxy", "b")
	if got := h.ctl("get-behavior") + h.ctl("get-behavior", "--proxy=b"); got != "dummy\nhang\n" {
		t.Errorf("a and b do %q", got)
	}
	o := command(t, binary, "ctl", "--host", h.url(), "add-toxic", "hang")
	if o.code != 2 || o.stderr != "heeler: there are 2 proxies (a, b): say which with --proxy NAME\n" {
		t.Errorf("%+v", o)
	}
}

// output is what a process writes while it goes on.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// watched starts a verb that goes on, lets things happen until it shows what is wanted, and stops it.
func watched(t *testing.T, h *herd, verb, want string, happen func(*client)) {
	t.Helper()
	var out output
	watch := exec.Command(binary, "ctl", "--host", h.url(), verb)
	watch.Stdout, watch.Stderr = &out, &out
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	defer watch.Process.Kill()
	re := regexp.MustCompile(want)
	for end := time.Now().Add(30 * time.Second); !re.MatchString(out.String()); {
		if time.Now().After(end) {
			t.Fatalf("no %s in\n%s", want, out.String())
		}
		c := connect(t, h.addr("tcp")) // what comes before the watch begins is not shown
		happen(c)
		c.conn.Close()
	}
	watch.Process.Signal(os.Interrupt)
	if err := watch.Wait(); err != nil {
		t.Errorf("%s: %v\n%s", verb, err, out.String())
	}
}

func TestWhatHappensCanBeWatched(t *testing.T) {
	h := run(t, echo.Start(t), "--behavior", "delay", "--behavior-delay-sleep", "1ms")
	watched(t, h, "events", `(?m)^\d\d:\d\d:\d\d\.\d{3} tcp #\d+ request 1 struck by delay_downstream \(request\)$`, func(c *client) {
		c.expect("hello", "hello")
	})
}

func TestWhoSaysWhatCanBeWatched(t *testing.T) {
	t.Setenv("HEELER_TOKEN", "s3cret")
	h := run(t, echo.Start(t))
	watched(t, h, "conversation", `#\d+ client\n    hello\n`, func(c *client) { c.expect("hello", "hello") })
}
