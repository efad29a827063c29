package wire_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
)

// site answers in all the ways in which net/http ends an answer.
func site(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch r.URL.Path {
	case "/empty":
	case "/no-content":
		w.WriteHeader(http.StatusNoContent)
	case "/not-modified":
		w.WriteHeader(http.StatusNotModified)
	case "/hints":
		w.WriteHeader(http.StatusEarlyHints)
		io.WriteString(w, "hello")
	case "/chunked":
		w.Header().Set("Trailer", "Sum")
		for range 3 {
			io.WriteString(w, strings.Repeat("x", 5000))
			w.(http.Flusher).Flush()
		}
		w.Header().Set("Sum", "15000")
	case "/upgrade":
		conn, _, _ := w.(http.Hijacker).Hijack()
		io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nGET / not HTTP")
		conn.Close()
	default:
		w.Write(body)
		io.WriteString(w, "hello")
	}
}

// The conversation is had by Go's client and server, on one connection.
func TestGoesWithWhatNetHTTPSays(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(site))
	defer server.Close()
	var record recorder
	transport := &http.Transport{ExpectContinueTimeout: time.Minute, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := new(net.Dialer).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return record.conn(conn), nil
	}}
	defer transport.CloseIdleConnections()
	http := &http.Client{Transport: transport}

	for _, story := range []struct {
		method, path, body, field string
		unsized                   bool
		want                      []string
	}{
		{method: "GET", path: "/"},
		{method: "GET", path: "/empty"},
		{method: "HEAD", path: "/"},
		{method: "HEAD", path: "/chunked"},
		{method: "GET", path: "/no-content"},
		{method: "GET", path: "/not-modified"},
		{method: "GET", path: "/chunked"},
		{method: "GET", path: "/hints", want: []string{"request", "server", "answer"}},
		{method: "POST", path: "/", body: strings.Repeat("y", 100_000)},
		{method: "POST", path: "/", body: strings.Repeat("y", 100_000), unsized: true},
		{method: "PUT", path: "/", body: "y", field: "Expect: 100-continue", want: []string{"request…", "server", "…request", "answer"}},
		{method: "GET", path: "/upgrade", field: "Upgrade: echo", want: []string{"request", "answer", "server opaque"}},
	} {
		var body io.Reader = strings.NewReader(story.body)
		if story.unsized {
			body = io.MultiReader(body) // is sent in chunks
		}
		req, err := newRequest(story.method, server.URL+story.path, body, story.field)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Do(req)
		if err != nil {
			t.Fatalf("%s %s: %v", story.method, story.path, err)
		}
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()

		talks := record.recordings()
		if len(talks) != 1 {
			t.Fatalf("%s %s: %d connections, want all on one", story.method, story.path, len(talks))
		}
		want := story.want
		if want == nil {
			want = []string{"request", "answer"}
		}
		got := follows(t, wire.HTTP, talks[0]...)
		tail := got[max(0, len(got)-len(want)):]
		if !slices.Equal(withoutSizes(tail), want) {
			t.Errorf("%s %s: understood\n%s\nwant\n%s", story.method, story.path, lines(got), lines(want))
		}
	}
}

func newRequest(method, url string, body io.Reader, field string) (*http.Request, error) {
	req, err := http.NewRequest(method, url, body)
	if name, value, ok := strings.Cut(field, ": "); ok && err == nil {
		req.Header.Set(name, value)
		if name == "Upgrade" {
			req.Header.Set("Connection", name)
		}
	}
	return req, err
}

var size = regexp.MustCompile(` \d+\b`)

func withoutSizes(events []string) []string {
	out := make([]string, len(events))
	for i, e := range events {
		out[i] = size.ReplaceAllString(e, "")
	}
	return out
}

const (
	get    = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"                                // 27 bytes
	hello  = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"                // 43
	pieces = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"            // 47
	post   = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" // 56
)

func TestHTTPMessagesEndWhereTheyEnd(t *testing.T) {
	for _, story := range []struct {
		name string
		talk []turn
		want []string
	}{
		{"pipelined", []turn{client(get + get), server(hello + hello)}, []string{"request 27", "request 27", "answer 43", "answer 43"}},
		{"an answer before the request's end", []turn{client(post + "5\r\nhel"), server(hello), client("lo\r\n0\r\n\r\n" + get), server(hello)},
			[]string{"request 62…", "answer 43", "…request 9", "request 27", "answer 43"}},
		{"chunks with extensions, trailers and bare line feeds",
			[]turn{client(get), server(pieces + "5;a=\"b\"\r\nhello\r\n0A \nhellohello\n0;z\r\nSum: 1\r\n\rx\r\n\r\n" + "HTTP")},
			[]string{"request 27", "answer 97", "server opaque"}},
		{"carriage returns that end no line", []turn{client(post + "0\r\n\r\r\n\r\n" + get)}, []string{"request 64", "request 27"}},
		{"bare line feeds", []turn{client("GET / HTTP/1.1\nHost: a\n\n"), server("HTTP/1.1 200 OK\nContent-Length: 1\n\nx")}, []string{"request 24", "answer 36"}},
		{"empty lines before a request", []turn{client("\r\n\n" + get)}, []string{"client 3", "request 27"}},
		{"a field in two lines", []turn{client("GET / HTTP/1.1\r\nA: b\r\n Content-Length: 5\r\n\r\n" + get)}, []string{"request 44", "request 27"}},
		{"the same length twice", []turn{client("PUT / HTTP/1.1\r\nContent-Length: 1\r\ncontent-length:1 \r\n\r\nx" + get)}, []string{"request 57", "request 27"}},
		{"chunks overrule a length", []turn{client("PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n0\r\n\r\n" + get)},
			[]string{"request 76", "request 27"}},
		{"HEAD", []turn{client("HEAD / HTTP/1.1\r\n\r\n" + get), server(hello[:38] + hello)}, []string{"request 19", "request 27", "answer 38", "answer 43"}},
		{"204 and 304 have no body", []turn{client(get + get), server("HTTP/1.1 204 No\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304\r\nTransfer-Encoding: chunked\r\n\r\n")},
			[]string{"request 27", "request 27", "answer 38", "answer 44"}},
		{"until the connection ends", []turn{client(get), server("HTTP/1.0 200 OK\r\n\r\nhel"), server("lo")}, []string{"request 27", "answer 24…"}},
		{"an encoding that is not chunked", []turn{client(get), server("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n")},
			[]string{"request 27", "answer 83…"}},
		{"interim answers", []turn{client(get), server("HTTP/1.1 102 Wait\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + hello)}, []string{"request 27", "server 52", "answer 43"}},
		{"a tunnel", []turn{client("CONNECT a:1 HTTP/1.1\r\n\r\n"), server("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), client(get)}, []string{"request 24", "answer 38", "client opaque"}},
		{"a tunnel that is not granted", []turn{client("CONNECT a:1 HTTP/1.1\r\n\r\n" + get), server("HTTP/1.1 403 No\r\nContent-Length: 1\r\n\r\nx" + hello)},
			[]string{"request 24", "request 27", "answer 39", "answer 43"}},
		{"an upgrade", []turn{client(get), server("HTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n"), server("\r\n")}, []string{"request 27", "answer 31", "server opaque"}},
		{"half a head", []turn{client("GET / HTTP/1.1\r\nHo")}, []string{"client keeps 18"}},
	} {
		t.Run(story.name, func(t *testing.T) { understood(t, wire.HTTP, story.talk, story.want...) })
	}
}

func TestWhatIsNotPlainHTTP1IsOpaque(t *testing.T) {
	for name, said := range map[string]string{
		"TLS":                     "\x16\x03\x01",
		"HTTP/2":                  "PRI * HTTP/2.0\r\n",
		"HTTP/0.9":                "GET /\r\n",
		"redis":                   "PING\r\n",
		"memcached":               "get a\r\n",
		"an endless method":       strings.Repeat("A", 33),
		"no target":               "GET HTTP/1.1\r\n",
		"an endless head":         "GET / HTTP/1.1\r\nA: " + strings.Repeat("b", wire.MaxHead),
		"two lengths":             "PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
		"a list of lengths":       "PUT / HTTP/1.1\r\nContent-Length: 1, 1\r\n\r\n",
		"a signed length":         "PUT / HTTP/1.1\r\nContent-Length: +1\r\n\r\n",
		"an empty length":         "PUT / HTTP/1.1\r\nContent-Length:\r\n\r\n",
		"a huge length":           "PUT / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
		"a length in two lines":   "PUT / HTTP/1.1\r\nContent-Length: 1\r\n 2\r\n\r\n",
		"a blank before a colon":  "PUT / HTTP/1.1\r\nContent-Length : 1\r\n\r\n",
		"no colon":                "PUT / HTTP/1.1\r\nHost\r\n\r\n",
		"no name":                 "PUT / HTTP/1.1\r\n: a\r\n\r\n",
		"an encoding without end": "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
		"chunked twice":           "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		"chunks in HTTP/1.0":      "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) { understood(t, wire.HTTP, []turn{client(said)}, "client opaque") })
	}
	for name, size := range map[string]string{"no size": "\r\n", "no digit": "x\r\n", "a huge size": strings.Repeat("1", 16), "more behind a chunk": "1\r\nab"} {
		t.Run(name, func(t *testing.T) {
			got := follows(t, wire.HTTP, client(post+size))
			if len(got) != 2 || got[1] != "client opaque" {
				t.Errorf("understood\n%s", lines(got))
			}
		})
	}
	for name, said := range map[string]string{"SSH": "SSH-2.0-x\r\n", "no code": "HTTP/1.1 OK\r\n", "a long code": "HTTP/1.1 2000 OK\r\n", "HTTP/2's answer": "HTTP/2 200\r\n"} {
		t.Run(name, func(t *testing.T) {
			understood(t, wire.HTTP, []turn{client(get), server(said)}, "request 27", "server opaque")
		})
	}
	t.Run("an answer to nothing", func(t *testing.T) {
		understood(t, wire.HTTP, []turn{client(get), server(hello + "HTTP/1.1 408 Late\r\n\r\n")}, "request 27", "answer 43", "server opaque")
	})
}
