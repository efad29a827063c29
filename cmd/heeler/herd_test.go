package main_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/echo"
)

// codes asks for a page so many times, on one connection, and gives a letter for each answer.
func codes(t *testing.T, addr string, n int) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{MaxConnsPerHost: 1}, Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	var b strings.Builder
	for range n {
		resp, err := client.Get("http://" + addr)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		letters := map[int]string{200: ".", 502: "E"}
		b.WriteString(letters[resp.StatusCode])
	}
	if b.Len() != n {
		t.Fatalf("other answers than 200 and 502: %s", b.String())
	}
	return b.String()
}

func page(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

func TestPercentagesAreKeptAndASeedRepeatsThem(t *testing.T) {
	t.Parallel()
	backend := page(t)
	args := []string{"--protocol", "http", "--behavior", "50:dummy,20:error", "--behavior-error-code", "502"}
	first := run(t, backend, args...)
	seed := first.waitFor(`seed=(\d+)`)
	got := codes(t, first.addr("http"), 2000)
	if n := strings.Count(got, "E"); n < 340 || n > 460 {
		t.Errorf("%d of 2000 are errors, want 20 ± 3 %%", n)
	}
	if again := codes(t, run(t, backend, append(args, "--seed", seed)...).addr("http"), 2000); again != got {
		t.Errorf("the same seed gives\n%s, and before\n%s", again, got)
	}
	if other := codes(t, run(t, backend, append(args, "--seed", "1")...).addr("http"), 2000); other == got {
		t.Error("another seed gives the same")
	}
}

func TestWhatCannotListenSaysWhy(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	taken := ln.Addr().String()
	_, port, _ := net.SplitHostPort(taken)
	want := "heeler: cannot listen on " + taken + ": bind: address already in use\n"
	for _, args := range [][]string{
		{"--proxy", taken},
		{"--proxy", "127.0.0.1:0", "--http", "--http-host", "127.0.0.1", "--http-port", port},
	} {
		o := command(t, binary, append([]string{"chaos"}, args...)...)
		if o.code != 1 || !strings.HasSuffix(o.stderr, want) {
			t.Errorf("%q: code %d\n%swant\n%s", args, o.code, o.stderr, want)
		}
	}
}

func TestWhereNothingListensCtlSaysWhatToDo(t *testing.T) {
	port := freePort(t)
	o := command(t, binary, "ctl", "get-behavior", "--http-port", port)
	want := "heeler: nothing answers at http://localhost:" + port + " (connect: connection refused)\n" +
		"heeler: start a proxy with \"heeler chaos --http\", or say where it is with --host and --http-port\n"
	if o.code != 1 || o.stderr != want {
		t.Errorf("code %d\n%s", o.code, o.stderr)
	}
}

func TestATokenIsAskedFor(t *testing.T) {
	h := start(t, binary, "chaos", "--proxy", "127.0.0.1:0", "--http", "--http-host", "0.0.0.0", "--http-port", "0", "--token", "s3cret")
	_, port, _ := strings.Cut(strings.TrimPrefix(h.url(), "http://[::]"), ":")
	for _, story := range []struct {
		args []string
		code int
	}{{nil, 1}, {[]string{"--token", "guess"}, 1}, {[]string{"--token", "s3cret"}, 0}} {
		o := command(t, binary, append([]string{"ctl", "list", "--host", "127.0.0.1:" + port}, story.args...)...)
		if o.code != story.code || o.code == 1 && !strings.Contains(o.stderr, "the token is missing or wrong") {
			t.Errorf("%q: %+v", story.args, o)
		}
	}
	t.Setenv("HEELER_TOKEN", "s3cret")
	if got := runs(t, binary, "ctl", "get-behavior", "--host=127.0.0.1:"+port); got != "dummy\n" {
		t.Errorf("with the token in the environment: %q", got)
	}
}

func TestToxiproxysFileIsTakenWithItsToxics(t *testing.T) {
	backend := echo.Start(t)
	config := file(t, "toxiproxy.json", fmt.Sprintf(`[
	{"name": "a", "listen": "127.0.0.1:0", "upstream": %q, "enabled": true,
	 "toxics": [{"type": "reset_peer", "attributes": {"timeout": 0}}]},
	{"name": "b", "listen": "127.0.0.1:0", "upstream": %q, "seed": 5}]`, backend, backend))
	h := start(t, binary, "chaos", "--toxiproxy-config", config, "--seed", "9",
		"--http", "--http-host", "127.0.0.1", "--http-port", "0")
	found := regexp.MustCompile(`(?m)^a: tcp, (\S+) -> \S+\n  (reset_peer_downstream: reset_peer downstream {"timeout":0})\nb: tcp, (\S+) -> `).
		FindStringSubmatch(h.ctl("list"))
	if found == nil {
		t.Fatalf("listed:\n%s", h.ctl("list"))
	}
	if strings.Count(h.log(), "msg=proxy ") != 2 {
		t.Errorf("there is one more proxy:\n%s", h.log())
	}
	connect(t, found[3]).expect("hello", "hello")
	isReset(t, found[1])
	for name, seed := range map[string]string{"a": "9", "b": "5"} {
		resp, err := http.Get(h.url() + "/proxies/" + name)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if !strings.Contains(string(body), `"seed":`+seed+`,`) {
			t.Errorf("%s: %s, want the seed %s", name, body, seed)
		}
	}

	for text, want := range map[string]string{
		`{}`:              "bad request body",
		`[{"name": "a"}]`: "missing required field: upstream at proxy 1",
		`[{"name": "a", "upstream": "x:1", "toxics": [{"type": "x"}]}]`: `invalid toxic type "x", want one of abort, `,
	} {
		bad := file(t, "bad.json", text)
		o := command(t, binary, "chaos", "--toxiproxy-config", bad)
		if o.code != 2 || !strings.HasPrefix(o.stderr, "heeler: "+bad+": "+want) {
			t.Errorf("%s: %+v", text, o)
		}
	}
}

func TestAConversationIsWrittenDown(t *testing.T) {
	path := filepath.Join(t.TempDir(), "talk")
	written := func(want string) {
		t.Helper()
		var data []byte
		for range 500 {
			if data, _ = os.ReadFile(path); strings.Contains(string(data), want) {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("no %q in\n%s", want, data)
	}
	h := run(t, echo.Start(t), "--conversation", path)
	connect(t, h.addr("tcp")).expect("hello", "hello")
	written(" #1 client\n    hello\n")
	written(" #1 backend\n    hello\n")
	h = run(t, echo.Start(t), "--conversation", path, "--conversation-as=hex", "--conversation-max", "7")
	connect(t, h.addr("tcp")).expect("hello", "hello")
	written("|hello..|\n… the log ends here, after 7 bytes\n")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v; want it to be for its owner only", info.Mode(), err)
	}

	two := start(t, binary, "chaos", "--conversation", path, "--proxy", "127.0.0.1:0", "--backend", echo.Start(t), "--config",
		file(t, "x.ini", "[proxy:other]\nproxy = 127.0.0.1:0\nbackend = "+echo.Start(t)))
	connect(t, two.addr("other")).expect("whose", "whose")
	written("#1 client\n    whose\n")
	data, _ := os.ReadFile(path)
	if !regexp.MustCompile(`(?m)^other \S+ #1 client\n    whose$`).Match(data) {
		t.Errorf("nothing tells the proxies apart in\n%s", data)
	}

	out := start(t, binary, "chaos", "--proxy", "127.0.0.1:0", "--backend", echo.Start(t), "--conversation=-")
	c := connect(t, out.addr("tcp"))
	c.expect("aloud", "aloud")
	c.conn.Close() // nobody has to wait for it
	out.signal(os.Interrupt)
	if code := out.wait(); code != 0 || !strings.Contains(out.stdout.String(), "aloud") {
		t.Errorf("code %d, and on the standard output\n%s", code, out.stdout.String())
	}
}

func TestTheLogTellsWhatOneWantsToKnow(t *testing.T) {
	h := run(t, echo.Start(t), "--behavior", "half_open", "--log-level", "debug")
	connect(t, h.addr("tcp"))
	h.waitFor(`level=DEBUG msg=opened name=tcp conn=1 text=127`)
	h.waitFor(`level=DEBUG msg=struck name=tcp conn=1 fault=half_open_downstream text=connect`)

	path := filepath.Join(t.TempDir(), "log")
	listen := "127.0.0.1:" + freePort(t)
	start(t, binary, "chaos", "--proxy", listen, "--backend", "127.0.0.1:"+freePort(t), "--log-level=Warning", "--log-output", path)
	for range 1000 {
		if c, err := net.Dial("tcp", listen); err == nil {
			c.Close()
		}
		if data, _ := os.ReadFile(path); strings.Contains(string(data), `level=WARN msg="dial failed" name=tcp conn=`) {
			if strings.Contains(string(data), "INFO") {
				t.Errorf("more than warnings:\n%s", data)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("no warning in the file")
}

func TestAProxyForEverybodyIsPointedOut(t *testing.T) {
	h := start(t, binary, "chaos", "--proxy", ":0", "--backend", echo.Start(t))
	h.waitFor(`level=WARN msg="whoever reaches this machine reaches the backend`)
	connect(t, strings.Replace(h.addr("tcp"), "[::]", "127.0.0.1", 1)).expect("hello", "hello")
	local := run(t, echo.Start(t))
	local.url()
	if strings.Contains(local.log(), "WARN") {
		t.Errorf("a warning without a reason:\n%s", local.log())
	}
}

func TestAUnixSocketIsAnAddress(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	h := run(t, echo.Start(t), "--proxy", "unix:"+path)
	h.url()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "hello\n")
	got := make([]byte, 6)
	if _, err := io.ReadFull(c, got); err != nil || string(got) != "hello\n" {
		t.Errorf("answered %q, %v", got, err)
	}
}
