package control_test

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/control"
	"github.com/heeler-go/heeler/internal/echo"
)

// free is an address at which nobody listens, a moment ago at least.
func free(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// populate posts a list, and gives the proxies of the answer.
func populate(t *testing.T, s *control.Server, status int, list string) (proxies []control.Proxy, message string) {
	t.Helper()
	var answer struct {
		Error   string
		Proxies []control.Proxy
	}
	text := must(t, s, status, "POST", "/populate", list)
	if err := json.Unmarshal([]byte(text), &answer); err != nil || answer.Proxies == nil {
		t.Fatalf("%s: %v", text, err)
	}
	return answer.Proxies, answer.Error
}

func TestPopulateMakesWhatIsMissingAndKeepsWhatIsThere(t *testing.T) {
	s := start(t, &control.Server{})
	one, two, backend := free(t), free(t), echo.Start(t)
	_, port, _ := net.SplitHostPort(one)
	list := fmt.Sprintf(`[{"name":"one","listen":"localhost:%s","upstream":%q},
		{"name":"two","listen":%q,"upstream":%q,"enabled":false,"toxics":[{"type":"latency"}]}]`, port, backend, two, backend)
	made, _ := populate(t, s, 201, list)
	if len(made) != 2 || made[0].Name != "one" || made[1].Name != "two" || made[0].Listen != one || len(made[1].Toxics) != 1 {
		t.Fatalf("%+v", made)
	}
	up(t, one, true)
	up(t, two, false)

	conn, err := net.Dial("tcp", one)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "x")
	conn.Read(make([]byte, 1))
	must(t, s, 200, "POST", "/proxies/one/toxics", `{"type":"latency"}`)
	made, _ = populate(t, s, 201, list)
	if len(made[0].Toxics) != 1 {
		t.Errorf("a proxy that is the same has lost its toxics: %+v", made[0])
	}
	fmt.Fprint(conn, "y")
	if n, err := conn.Read(make([]byte, 1)); n != 1 {
		t.Errorf("a proxy that is the same has lost its connection: %v", err)
	}

	_, port, _ = net.SplitHostPort(two)
	for _, same := range []string{two, "localhost:" + port, "localhost:0", ""} {
		made, _ = populate(t, s, 201, fmt.Sprintf(`[{"name":"two","listen":%q,"upstream":%q}]`, same, backend))
		if up(t, two, true); len(made[0].Toxics) != 1 {
			t.Errorf("enabled at %q, it is %+v", same, made[0])
		}
	}
	made, _ = populate(t, s, 201, fmt.Sprintf(`[{"name":"two","listen":%q,"upstream":%q}]`, two, echo.Start(t)))
	if up(t, two, true); len(made[0].Toxics) != 0 {
		t.Errorf("replaced, it is %+v", made[0])
	}
}

func TestABadListChangesNothing(t *testing.T) {
	s := start(t, &control.Server{})
	one, other, backend := free(t), free(t), echo.Start(t)
	populate(t, s, 201, fmt.Sprintf(`[{"name":"one","listen":%q,"upstream":%q,"toxics":[{"type":"latency"}]}]`, one, backend))
	before := must(t, s, 200, "GET", "/proxies", "")
	for _, c := range []struct{ second, message string }{
		{`{"name":"","upstream":"a:1"}`, "missing required field: name at proxy 2"},
		{`{"name":"two"}`, "missing required field: upstream at proxy 2"},
		{`{"name":"two","upstream":"a:1","listen":"local373"}`, `listen at proxy 2 is "local373"`},
		{`{"name":"one","upstream":"a:1"}`, `name at proxy 2 is "one" again`},
		{`{"name":"two","upstream":"a:1","toxics":[{"type":"walrus"}]}`, `invalid toxic type "walrus"`},
		{`{"name":"two","upstream":"a:1","listen":"` + s.URL()[len("http://"):] + `"}`, "bind: address already in use"},
		{`7`, "bad request body: "},
	} {
		list := fmt.Sprintf(`[{"name":"one","listen":%q,"upstream":"127.0.0.1:1"},%s]`, other, c.second)
		status, answer := ask(t, s, "POST", "/populate", list)
		if status < 400 || !strings.Contains(strings.ReplaceAll(answer, `\"`, `"`), c.message) || !strings.Contains(answer, `"proxies":[]`) {
			t.Errorf("%s: %d %s, want %s", c.second, status, answer, c.message)
		}
		if after := must(t, s, 200, "GET", "/proxies", ""); after != before {
			t.Fatalf("%s has made\n%s of\n%s", c.second, after, before)
		}
		up(t, one, true)
		up(t, other, false)
	}
}

func TestAFileOfToxiproxysIsLoaded(t *testing.T) {
	s := &control.Server{}
	t.Cleanup(func() { s.Close() })
	at := free(t)
	file := fmt.Sprintf(`[{"name":"web","listen":%q,"upstream":%q,"enabled":true}]`, at, echo.Start(t))
	if err := s.Load(t.Context(), []byte(file)); err != nil {
		t.Fatal(err)
	}
	up(t, at, true)
	if err := s.Load(t.Context(), []byte(`{}`)); err == nil {
		t.Error("an object was taken for a list")
	}
	s.Close()
	up(t, at, false)
	if err := s.Load(t.Context(), []byte(file)); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("a closed server has loaded a file: %v", err)
	}
}
