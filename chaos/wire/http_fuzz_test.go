package wire_test

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

func FuzzHTTP(f *testing.F) {
	fuzz(f, wire.HTTP,
		[]turn{client(get + get + post + "5;a=b\r\nhello\r\n0\r\nSum: 1\r\n\r\n"), server(hello + pieces + "2\r\nhi\r\n0\r\n\r\n" + hello)},
		[]turn{client("HEAD / HTTP/1.0\r\n\r\nPUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"), server(hello[:38] + "HTTP/1.1 100 Go\r\n\r\n" + hello)},
		[]turn{client("CONNECT a:1 HTTP/1.1\nA: b\n c\n\n\n" + get), server("HTTP/1.1 204\n\nHTTP/1.1 101 Go\r\nUpgrade: x\r\n\r\n")},
	)
}

// Go's server is asked where a request ends, and Go's client where an answer does. There are messages that
// only one of the two understands; but where both do, they must agree.
func FuzzHTTPEndsWhereGoSays(f *testing.F) {
	for _, said := range []string{get, post + "5;a=b\r\nhello\r\n0\r\nSum: 1\r\n\r\n", "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcd"} {
		f.Add(said, true, false)
	}
	for _, said := range []string{hello, pieces + "2\r\nhi\r\n0\r\n\r\n", "HTTP/1.1 204 No\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"} {
		f.Add(said, false, false)
		f.Add(said, false, true)
	}
	f.Fuzz(func(t *testing.T, said string, client, head bool) {
		if len(said) > 4000 || strings.HasPrefix(said, "\r") || strings.HasPrefix(said, "\n") {
			return
		}
		theirs, ok := endInGo(said, client, head)
		ours, ends := endHere([]byte(said), client, head)
		if ok && ends && theirs != ours {
			t.Errorf("%q ends at %d, in Go at %d", said, ours, theirs)
		}
	})
}

// endHere is where the first message ends in this package; false if it does not.
func endHere(said []byte, client, head bool) (n int, ends bool) {
	talk := wire.HTTP.Follow()
	look := talk.Client
	if !client {
		method := "GET"
		if head {
			method = "HEAD"
		}
		talk.Client([]byte(method + " / HTTP/1.1\r\n\r\n"))
		look = talk.Server
	}
	for n < len(said) {
		part := look(said[n:])
		if n += part.N; part.Opaque || part.N == 0 || part.End {
			return n, part.End
		}
	}
	return n, false
}

// endInGo is where it ends in net/http; false if that does not understand it, or it may go on.
func endInGo(said string, client, head bool) (n int, ok bool) {
	left := strings.NewReader(said)
	in := bufio.NewReader(left)
	var body io.Reader
	if client {
		req, err := http.ReadRequest(in)
		if err != nil {
			return 0, false
		}
		body = req.Body
	} else {
		method := map[bool]string{true: "HEAD", false: "GET"}[head]
		resp, err := http.ReadResponse(in, &http.Request{Method: method})
		if err != nil || resp.StatusCode < 200 && resp.StatusCode != 101 {
			return 0, false
		}
		body = resp.Body
	}
	if _, err := io.Copy(io.Discard, body); err != nil {
		return 0, false
	}
	return len(said) - in.Buffered() - left.Len(), true
}

func BenchmarkHTTP(b *testing.B) {
	request := []byte("GET /repo/heeler?page=3 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: Go-http-client/1.1\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\n\r\n")
	answer := []byte("HTTP/1.1 200 OK\r\nDate: Sat, 21 Nov 2026 06:00:00 GMT\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5\r\n\r\nhello")
	b.Run("small request and answer", func(b *testing.B) {
		talk := wire.HTTP.Follow()
		b.ReportAllocs()
		for b.Loop() {
			talk.Client(request)
			part := talk.Server(answer)
			if part = talk.Server(answer[part.N:]); !part.End {
				b.Fatalf("%+v", part)
			}
		}
	})
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	for name, head := range map[string]string{
		"body": "HTTP/1.1 200 OK\r\nContent-Length: 999999999999999999\r\n\r\n",
		// One chunk without end, and chunks of 4 KiB with their lines between.
		"large chunks": pieces + "fffffffffffff\r\n",
		"small chunks": pieces,
	} {
		b.Run(name+" of 64 KiB", func(b *testing.B) {
			talk := wire.HTTP.Follow()
			talk.Client(request)
			talk.Server([]byte(head))
			data := chunk
			if name == "small chunks" {
				data = bytes.Repeat([]byte("ff8\r\n"+strings.Repeat("x", 0xff8)+"\r\n"), 16)
			} else if name == "large chunks" {
				talk.Server([]byte(head[len(pieces):]))
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if part := talk.Server(data); part.N != len(data) {
					b.Fatalf("%+v", part)
				}
			}
		})
	}
}
