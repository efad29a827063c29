package control_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
	"github.com/heeler-go/heeler/internal/echo"
	"github.com/heeler-go/heeler/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// start starts a server, and ends it with the test.
func start(t testing.TB, s *control.Server) *control.Server {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// withProxy is a server with one started proxy, named "db", before an echo.
func withProxy(t testing.TB) (*control.Server, *chaos.Proxy) {
	t.Helper()
	s := &control.Server{}
	p := &chaos.Proxy{Name: "db", Backend: echo.Start(t), Notify: s.Notify}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	s.Proxies = []*chaos.Proxy{p}
	return start(t, s), p
}

// ask makes a request as a plain client does, without a Content-Type, and gives the answer.
func ask(t testing.TB, s *control.Server, method, path, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequest(method, s.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(data))
}

// must is ask for what has to be answered with a status.
func must(t testing.TB, s *control.Server, want int, method, path, body string) string {
	t.Helper()
	status, answer := ask(t, s, method, path, body)
	if status != want {
		t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, status, answer, want)
	}
	return answer
}

// sameJSON says whether two texts mean the same.
func sameJSON(t testing.TB, a, b string) bool {
	t.Helper()
	return bytes.Equal(canonical(t, a), canonical(t, b))
}

func canonical(t testing.TB, text string) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%q is no JSON: %v", text, err)
	}
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// says tries whether a proxy relays: what is said comes back.
func says(addr, text string) (string, error) {
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		return "", err
	}
	answer := make([]byte, len(text))
	_, err = io.ReadFull(conn, answer)
	return string(answer), err
}

// up fails unless a proxy relays, or nobody listens where it does.
func up(t testing.TB, addr string, want bool) {
	t.Helper()
	if answer, err := says(addr, "ping"); (err == nil && answer == "ping") != want {
		t.Errorf("%s: %q, %v; relays is to be %v", addr, answer, err, want)
	}
}
