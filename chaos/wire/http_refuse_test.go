package wire_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

func ExampleProtocol() {
	talk := wire.HTTP.Follow()
	part := talk.Client([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET"))
	fmt.Printf("%d bytes, begins: %v, ends: %v\n", part.N, part.Begin, part.End)
	no := talk.Refuse(wire.Why{Code: "503", Message: "The database is on fire."})
	fmt.Println(strings.ReplaceAll(string(no.Bytes), "\r\n", "\n"))
	// Output:
	// 27 bytes, begins: true, ends: true
	// HTTP/1.1 503 Service Unavailable
	// Content-Type: text/plain; charset=utf-8
	// Content-Length: 25
	//
	// The database is on fire.
}

func TestHTTPRefusesAsAServerWould(t *testing.T) {
	for _, story := range []struct {
		request string
		why     wire.Why
		code    int
		body    string
		closed  bool // the relay closes, and the client is told to
	}{
		{request: get, code: 500, body: "Internal Server Error\n"},
		{request: get, why: wire.Why{Pick: 1}, code: 501, body: "Not Implemented\n"},
		{request: get, why: wire.Why{Pick: 6}, code: 502, body: "Bad Gateway\n"},
		{request: get, why: wire.Why{Pick: 3}, code: 503, body: "Service Unavailable\n"},
		{request: get, why: wire.Why{Code: "504", Pick: 1}, code: 504, body: "Gateway Timeout\n"},
		{request: get, why: wire.Why{Code: "599", Message: "a\r\nb\nc"}, code: 599, body: "a b c\n"},
		{request: "HEAD / HTTP/1.1\r\n\r\n", code: 500},
		{request: post, code: 500, body: "Internal Server Error\n"},
		{request: "GET / HTTP/1.1\r\nConnection: x, Close\r\n\r\n", code: 500, body: "Internal Server Error\n", closed: true},
		{request: "GET / HTTP/1.1\r\nConnection: close\r\nConnection: x\r\n\r\n", code: 500, body: "Internal Server Error\n", closed: true},
		{request: "PUT / HTTP/1.0\r\nConnection: Keep-Alive\r\nExpect: 100-continue\r\n\r\n", code: 500, body: "Internal Server Error\n"},
		{request: "GET / HTTP/1.0\r\n\r\n", code: 500, body: "Internal Server Error\n", closed: true},
		{request: "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", code: 500, body: "Internal Server Error\n"},
		{request: "PUT / HTTP/1.1\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n", code: 500, body: "Internal Server Error\n", closed: true},
	} {
		talk := wire.HTTP.Follow()
		if part := talk.Client([]byte(story.request)); !part.Begin {
			t.Fatalf("%q: %+v", story.request, part)
		}
		answer := talk.Refuse(story.why)
		in := bufio.NewReader(strings.NewReader(string(answer.Bytes)))
		method, _, _ := strings.Cut(story.request, " ")
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("%q: %v", answer.Bytes, err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != story.code || string(body) != story.body || in.Buffered() > 0 {
			t.Errorf("%q: answered %q", story.request, answer.Bytes)
		}
		if resp.Close != story.closed || answer.Close != story.closed {
			t.Errorf("%q: answered %q, closed %v, want %v", story.request, answer.Bytes, answer.Close, story.closed)
		}
		if story.request[len(method):] == " / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n" && resp.Header.Get("Connection") != "keep-alive" {
			t.Errorf("%q: answered %q", story.request, answer.Bytes)
		}
	}
}

// The server sees nothing of what is refused, so the answers that it gives are to the other requests.
func TestHTTPGoesOnBehindARefusal(t *testing.T) {
	no := `refused "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n\r\nno\n"`
	why := wire.Why{Code: "503", Message: "no"}
	understood(t, wire.HTTP, []turn{
		client("HEAD / HTTP/1.1\r\n\r\n"), refused(post+"5\r\nhello\r\n", why),
		server(hello[:38]), client("0\r\n\r\n" + get), server(hello),
	}, "request 19", "request 66… "+no, "answer 38", "…request 5", "request 27", "answer 43")
	understood(t, wire.HTTP, []turn{refused(get, why), server(hello)}, "request 27 "+no, "server opaque")
	understood(t, wire.HTTP, []turn{refused("PUT / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", wire.Why{Code: "503", Message: "no"})},
		`request… refused "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n" close`)
}

func TestHTTPAcceptsTheCodesOfServers(t *testing.T) {
	for _, code := range []string{"", "500", "503", "599"} {
		if err := wire.HTTP.Check(wire.Why{Code: code, Message: "x"}); err != nil {
			t.Errorf("%q: %v", code, err)
		}
	}
	for _, code := range []string{"499", "600", "5", "0503", "+50", "5xx", "error"} {
		want := fmt.Sprintf("wire: http: Code is %q, accepted are 500 to 599, or nothing", code)
		if err := wire.HTTP.Check(wire.Why{Code: code}); err == nil || err.Error() != want {
			t.Errorf("%q: %v", code, err)
		}
	}
}

func TestALogShowsHTTPWithoutItsSecrets(t *testing.T) {
	show := wire.HTTP.(interface {
		Show(client bool, data []byte) string
	}).Show
	for _, story := range []struct {
		name   string
		client bool
		said   string
		want   string
	}{
		{"a request", true, "GET /a?token=hush&b=c HTTP/1.1\r\nHost: a\r\nAuthorization: Basic hush\r\nAccept: */*\r\n\r\n",
			"GET /a?token=[redacted]&b=c HTTP/1.1\nHost: a\nAuthorization: [redacted]\nAccept: */*"},
		{"an answer", false, "HTTP/1.1 200 OK\r\nSet-Cookie: id=hush\r\nLocation: /?session=hush\r\n\r\n",
			"HTTP/1.1 200 OK\nSet-Cookie: [redacted]\nLocation: /?session=[redacted]"},
		{"a secret in two lines", true, "GET / HTTP/1.1\r\nX-Api-Key: hush\r\n hush\r\nA: b\r\n\r\n", "GET / HTTP/1.1\nX-Api-Key: [redacted]\nA: b"},
		{"half a head", true, "GET / HTTP/1.1\r\nAuthorization: hu", "GET / HTTP/1.1\nAuthorization: [redacted]"},
		{"a head and a body", true, "PUT / HTTP/1.1\r\nA: b\r\n\r\npassword=hush\x00\r\n", "PUT / HTTP/1.1\nA: b\n\n\"password=[redacted]\\r\\n\""},
		{"a body", false, `{"token":"hush","a":1}` + "\n\x1b[2J", `"{\"token\":\"[redacted]\",\"a\":1}\n\x1b[2J"`},
		{"escapes in a head", true, "GET /\x1b[2J HTTP/1.1\r\nA: \x1b[2J\r\nB\x1b: c\r\nD\r\n\r\n", "GET /%1B[2J HTTP/1.1\nA:  [2J\n\"B\\x1b: c\"\n\"D\""},
		{"escapes in a method", true, "G\x1b / HTTP/1.1\r\n\r\n", `"G\x1b / HTTP/1.1"`},
		{"an answer where a request is", true, hello, `"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"`},
		{"nothing", true, "", `""`},
	} {
		t.Run(story.name, func(t *testing.T) {
			got := show(story.client, []byte(story.said))
			if got != story.want {
				t.Errorf("shown\n%s\nwant\n%s", got, story.want)
			}
		})
	}
}
