package main_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/echo"
	"github.com/heeler-go/heeler/internal/servers"
)

const sevenNames = "abort, blackout, delay, dummy, error, hang, transient"

func TestWhoUsedVaurienGoesOnAsBefore(t *testing.T) {
	redis := servers.Redis(t)
	port := freePort(t)
	h := start(t, called(t, "vaurien"), "--protocol", "redis", "--proxy=127.0.0.1:0", "--backend", redis.Addr,
		"--stay-connected", "--http", "--http-host=127.0.0.1", "--http-port", port, "--log-level=INFO")
	h.url()
	c := connect(t, h.addr("redis"))
	c.expect("PING", "+PONG")

	vaurienctl := called(t, "vaurienctl")
	says := func(want string, args ...string) {
		t.Helper()
		if got := runs(t, vaurienctl, append(args, "--http-port", port)...); got != want+"\n" {
			t.Fatalf("vaurienctl %q: %q, want %q", args, got, want)
		}
	}
	says("dummy", "get-behavior")
	says(sevenNames, "list-behaviors")
	says(`Behavior changed to "error"`, "set-behavior", "error")
	if got, err := c.ask("PING", 20*time.Second); !strings.HasPrefix(got, "-") || err != nil {
		t.Fatalf("answered %q, %v; want an error of Redis", got, err)
	}
	says(`Behavior changed to "hang"`, "--host", "http://127.0.0.1:"+port, "set-behavior", "hang")
	says("hang", "get-behavior")
	if got, err := c.ask("PING", 300*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("answered %q, %v; want nothing", got, err)
	}
	says(`Behavior changed to "blackout"`, "set-behavior", "blackout")
	isReset(t, h.addr("redis"))
	says(`Behavior changed to "dummy"`, "set-behavior", "dummy")
	connect(t, h.addr("redis")).expect("PING", "+PONG")

	o := command(t, vaurienctl, "set-behavior", "nonsense", "--http-port", port)
	if o.code != 1 || o.stdout != "" || !strings.HasPrefix(o.stderr, "The request failed. Please use one of "+sevenNames+"\n") {
		t.Errorf("a behavior that does not exist: %+v", o)
	}
}

func TestOptionsOfTheCommandLineAreWhereTheControlBegins(t *testing.T) {
	h := run(t, echo.Start(t), "--behavior-delay-sleep", "0.25", "--behavior-slow-connect-delay=100")
	h.ctl("set-behavior", "delay")
	if got := h.ctl("list"); !strings.Contains(got, `{"sleep":0.25,"before":true}`) {
		t.Errorf("set without options:\n%s", got)
	}
	h.ctl("set-behavior", "delay", "sleep=2", "before=no")
	if got := h.ctl("list"); !strings.Contains(got, `{"sleep":2,"before":false}`) {
		t.Errorf("set with options:\n%s", got)
	}
	h.ctl("set-behavior", "20:slow_connect,5:error", "code=")
	if got := h.ctl("get-behavior"); got != "20:slow_connect,5:error\n" {
		t.Errorf("the behavior is %q", got)
	}
	if got := h.ctl("list"); !strings.Contains(got, `"percent":20,"type":"slow_connect","attributes":{"delay":100}`) {
		t.Errorf("a mix:\n%s", got)
	}
}

func TestAFileOfVauriensIsRead(t *testing.T) {
	backend := echo.Start(t)
	t.Setenv("HEELER_TEST_BACKEND", backend)
	ini := file(t, "vaurien.ini", `; for the tests
[vaurien]
proxy = 127.0.0.1:0
backend = ${HEELER_TEST_BACKEND}
behavior = 100:delay
protocol: tcp
stay_connected = true
http = yes
http_host = "127.0.0.1"
http_port = 0

[behavior:delay]
sleep = 0.2  ; seconds
before = off

[proxy:cache]
protocol = redis
proxy = 127.0.0.1:0
backend = ${HEELER_TEST_BACKEND}
behavior = 0:delay
seed = 7
behavior_delay_sleep = 3
`)
	h := start(t, binary, "chaos", "--config", ini)
	want := `name=tcp listen=\S+ backend=` + backend + ` protocol=tcp behavior=delay `
	h.waitFor(want)
	h.waitFor(`name=cache listen=\S+ backend=` + backend + ` protocol=redis behavior=0:delay seed=7`)
	begin := time.Now()
	connect(t, h.addr("tcp")).expect("hello", "hello")
	if took := time.Since(begin); took < 200*time.Millisecond {
		t.Errorf("answered after %v, want no less than 200ms", took)
	}
	connect(t, h.addr("cache")).expect("PING", "PING")
	if got := h.ctl("list"); !strings.Contains(got, `{"sleep":0.2,"before":false}`) {
		t.Errorf("listed:\n%s", got)
	}
	if got := h.ctl("list", "--proxy", "cache"); !strings.Contains(got, `{"sleep":3,"before":false}`) {
		t.Errorf("the cache is\n%s", got)
	}

	over := start(t, binary, "chaos", "--config="+ini, "--behavior", "5:hang", "--seed=3")
	over.waitFor(`name=tcp .* behavior=5:hang seed=3`)
	over.waitFor(`name=cache .* behavior=0:delay seed=7`)
}

func TestASymbolicLinkIsEnough(t *testing.T) {
	for _, name := range []string{"vaurien", "vaurien.exe"} {
		if got := runs(t, called(t, name), "--help"); !strings.HasPrefix(got, "heeler chaos runs") {
			t.Errorf("%s --help: %.60q", name, got)
		}
	}
	if got := runs(t, called(t, "vaurienctl"), "-h"); !strings.HasPrefix(got, "heeler ctl controls") {
		t.Errorf("vaurienctl -h: %.60q", got)
	}
	if got := runs(t, called(t, "vaurien"), "--version"); !strings.HasPrefix(got, "heeler ") {
		t.Errorf("vaurien --version: %q", got)
	}
	if o := command(t, called(t, filepath.Base("horse")), "--proxy", "x"); o.code != 2 {
		t.Errorf("under another name it is %d", o.code)
	}
}

// freePort is a port that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
