package main_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/echo"
)

const twoProxies = `[heeler]
http = yes
http_host = [::1]
http_port = 0
[behavior:delay]
sleep = 4
[proxy:a]
proxy = 127.0.0.1:0
backend = 127.0.0.1:1
behavior = hang
[proxy:b]
proxy = 127.0.0.1:0
backend = 127.0.0.1:1
behavior = hang
`

func TestOneOfSeveralProxiesIsResetAndListed(t *testing.T) {
	h := start(t, binary, "chaos", "--config", file(t, "two.ini", twoProxies))
	behaviors := func() string { return h.ctl("get-behavior", "--proxy=a") + h.ctl("get-behavior", "--proxy=b") }
	h.ctl("disable", "--proxy", "a")
	if got := h.ctl("reset", "--proxy", "a"); got != "a listens, without any fault\n" {
		t.Errorf("%q", got)
	}
	if got := behaviors(); got != "dummy\nhang\n" {
		t.Errorf("after the reset of a they do %q", got)
	}
	if got := h.ctl("list", "--proxy", "a"); strings.Count(got, "\n") != 1 || !strings.HasPrefix(got, "a: ") || strings.Contains(got, "disabled") {
		t.Errorf("listed\n%s", got)
	}
	h.ctl("reset")
	if got := behaviors(); got != "dummy\ndummy\n" {
		t.Errorf("after the reset of all they do %q", got)
	}
	for _, verb := range []string{"reset", "list", "events", "conversation"} {
		o := command(t, binary, "ctl", "--host", h.url(), verb, "--proxy", "c")
		if o.code != 1 || o.stderr != "heeler: proxy not found\n" || o.stdout != "" {
			t.Errorf("%s: %+v", verb, o)
		}
	}
}

func TestWhatASectionSaysOfABehaviorHoldsWhenItIsSetLater(t *testing.T) {
	h := start(t, binary, "chaos", "--config", file(t, "two.ini", twoProxies))
	h.ctl("set-behavior", "50:delay", "--proxy", "b")
	if got := h.ctl("list", "--proxy", "b"); !strings.Contains(got, `{"sleep":4,"before":true}`) {
		t.Errorf("listed\n%s", got)
	}
}

func TestAWrongOptionIsAMistakeWhoeverNoticesIt(t *testing.T) {
	h := run(t, echo.Start(t), "--protocol", "mysql")
	for _, story := range []struct{ args, want string }{
		{"set-behavior delay sleep=x", `delay: sleep is "x", want `},
		{"set-behavior 5:delay sleep=-1", `delay: sleep is -1s, want `},
		{"set-behavior error code=x", `ode "x" must be an error number`},
		{"add-toxic delay sleep=x", `delay: sleep is "x", want `},
		{"add-toxic delay sleep=-1", `delay: sleep is -1s, want `},
		{"add-toxic error code=x", `ode "x" must be an error number`},
	} {
		o := command(t, binary, append([]string{"ctl", "--host", h.url()}, strings.Fields(story.args)...)...)
		first, _, _ := strings.Cut(o.stderr, "\n")
		if o.code != 2 || !strings.Contains(first, story.want) || strings.Contains(first, "chaos:") || strings.Contains(first, "wire:") {
			t.Errorf("%s: %+v", story.args, o)
		}
	}
	o := command(t, binary, "ctl", "--host", h.url(), "set-behavior", "20:dely")
	if o.code != 1 || !strings.HasSuffix(o.stderr, "; did you mean delay?\n") || strings.Contains(o.stderr, "chaos:") {
		t.Errorf("%+v", o)
	}
}

func TestNoTokenIsShown(t *testing.T) {
	t.Setenv("HEELER_TOKEN", " s3cret\n") // as out of a file
	h := run(t, echo.Start(t))
	host := strings.TrimPrefix(h.url(), "http://")
	if got := h.ctl("get-behavior"); got != "dummy\n" {
		t.Errorf("%q", got)
	}
	t.Setenv("HEELER_TOKEN", "")
	if got := runs(t, binary, "ctl", "get-behavior", "--host", "http://:s3cret@"+host); got != "dummy\n" {
		t.Errorf("with the token in the URL: %q", got)
	}
	for _, verb := range []string{"list", "conversation", "events"} {
		o := command(t, binary, "ctl", "--host", "http://:gue55@"+host, verb, "--proxy", "tcp")
		if o.code != 1 || !strings.Contains(o.stderr, "the token is missing or wrong") || strings.Contains(o.stderr, "gue55") {
			t.Errorf("%s with a wrong token: %+v", verb, o)
		}
		o = command(t, binary, "ctl", "--host", "http://:gue55@127.0.0.1:"+freePort(t), verb, "--proxy", "tcp")
		if o.code != 1 || strings.Contains(o.stderr, "gue55") {
			t.Errorf("%s where nobody listens: %+v", verb, o)
		}
	}
}

// What somebody has called a proxy must not reach a terminal as it is.
func TestControlCharactersAreEscaped(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/behavior" {
			w.WriteHeader(http.StatusNotFound)
			w.Write([]byte(`{"error":"\u001b[2J is not there"}`))
			return
		}
		w.Write([]byte(`{"a\u001b[2J": {"name": "a\u001b[2J", "enabled": true, "toxics": [{"name": "x\u0007", "toxicity": 1}]}}`))
	}))
	defer server.Close()
	o := command(t, binary, "ctl", "--host", server.URL, "list")
	if !strings.HasPrefix(o.stdout, `a\x1b[2J: `) || !strings.Contains(o.stdout, `x\a: `) {
		t.Errorf("listed %q", o.stdout)
	}
	o = command(t, binary, "ctl", "--host", server.URL, "get-behavior")
	if o.stderr != `heeler: \x1b[2J is not there`+"\n" {
		t.Errorf("refused with %q", o.stderr)
	}
}

func TestASocketThatWasLeftBehindIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	killed := run(t, echo.Start(t), "--proxy", "unix:"+path)
	killed.url()

	o := command(t, binary, "chaos", "--proxy", "unix:"+path)
	if o.code != 1 || !strings.HasSuffix(o.stderr, "address already in use\n") {
		t.Errorf("beside one that lives: %+v", o)
	}

	killed.cmd.Process.Kill()
	<-killed.ended
	run(t, echo.Start(t), "--proxy", "unix:"+path).url()
	c, err := net.DialTimeout("unix", path, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()

	plain := file(t, "plain", "")
	o = command(t, binary, "chaos", "--proxy", "unix:"+plain)
	if _, err := os.Stat(plain); o.code != 1 || err != nil {
		t.Errorf("in the place of a file: %+v, %v", o, err)
	}
}

func TestAFileOfToxiproxysOpensNothingElse(t *testing.T) {
	config := file(t, "x.json", `[{"name": "a", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:1", "toxics": [{"type": "delay"}]}]`)
	h := start(t, binary, "chaos", "--toxiproxy-config", config, "--behavior-delay-sleep", "3",
		"--http", "--http-host", "127.0.0.1", "--http-port", "0")
	got := h.ctl("list")
	if strings.Count(got, "->") != 1 || !strings.HasPrefix(got, "a: ") || !strings.Contains(got, `"sleep":3,`) {
		t.Errorf("listed\n%s", got)
	}
}

func TestProxiesOfAFileAndOfClientsAreInTheLog(t *testing.T) {
	nobody := "127.0.0.1:" + freePort(t)
	config := file(t, "x.json", `[{"name": "a", "listen": "127.0.0.1:0", "upstream": "`+nobody+`", "toxics": [{"type": "delay"}]}]`)
	h := start(t, binary, "chaos", "--toxiproxy-config", config, "--seed", "5",
		"--http", "--http-host", "127.0.0.1", "--http-port", "0")
	h.waitFor(`msg=proxy name=a listen=127\S+ backend=` + nobody + ` protocol=tcp behavior=delay seed=5\n`)
	if c, err := net.Dial("tcp", h.addr("a")); err == nil {
		c.Close()
	}
	h.waitFor(`level=WARN msg="dial failed" name=a conn=1 `)

	body := strings.NewReader(`{"name": "b", "listen": "0.0.0.0:0", "upstream": "` + nobody + `", "protocol": "redis", "enabled": true}`)
	resp, err := http.Post(h.url()+"/proxies", "application/json", body)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	h.waitFor(`msg=proxy name=b listen=\S+ backend=` + nobody + ` protocol=redis behavior=dummy seed=\d+\n`)
	h.waitFor(`level=WARN msg="whoever reaches this machine reaches the backend\S* .* name=b `)
	h.ctl("disable", "--proxy", "b")
	h.waitFor(`msg=stopped name=b`)
	h.ctl("enable", "--proxy", "b")
	h.waitFor(`(?s)msg=stopped name=b\n.*msg=proxy name=b `)
	h.ctl("add-toxic", "refuse", "--proxy", "b", "--name", "down")
	h.waitFor(`msg=refusing name=b`)
	h.ctl("remove-toxic", "down", "--proxy", "b")
	h.ctl("reset", "--proxy", "a")
	h.waitFor(`msg="faults set" name=a\n`)
	if n := strings.Count(h.log(), "msg=proxy name=b "); n != 2 {
		t.Errorf("b is introduced %d times, want when it begins to listen and when it does again\n%s", n, h.log())
	}
}

func TestATokenMustBeOneThatCanBeSent(t *testing.T) {
	for _, token := range []string{"a\nb", " a", ""} {
		o := command(t, binary, "chaos", "--proxy", "127.0.0.1:0", "--http", "--token", token)
		if want := "heeler: --token is not shown here, want no control characters, no blanks around it, and not nothing\n"; o.code != 2 || !strings.HasPrefix(o.stderr, want) {
			t.Errorf("%q: %+v", token, o)
		}
	}
	t.Setenv("HEELER_TOKEN", "s3c\nret")
	for _, args := range [][]string{{"chaos", "--proxy", "127.0.0.1:0", "--http"}, {"ctl", "list"}} {
		o := command(t, binary, args...)
		if o.code != 2 || !strings.HasPrefix(o.stderr, "heeler: HEELER_TOKEN has control characters, want none\n") {
			t.Errorf("%q: %+v", args, o)
		}
	}
}
