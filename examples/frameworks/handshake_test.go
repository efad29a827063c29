package frameworks_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/heeler-go/heeler/examples/frameworks"
)

// handshakeAndFrame is what a client sends that does not wait for the answer to its handshake: a masked
// frame with a greeting follows in the same segment.
func handshakeAndFrame(path string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", path)
	mask := [4]byte{1, 2, 3, 4}
	b.WriteByte(0x81)
	b.WriteByte(0x80 | byte(len(greeting)))
	b.Write(mask[:])
	for i := range len(greeting) {
		b.WriteByte(greeting[i] ^ mask[i%4])
	}
	return b.Bytes()
}

const greeting = "good morning"

// firstFrame is the text that comes back, or nothing if the server closes instead.
func firstFrame(t *testing.T, server *httptest.Server, path string) string {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(patience))
	if _, err := conn.Write(handshakeAndFrame(path)); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	for line := ""; line != "\r\n"; {
		if line, err = in.ReadString('\n'); err != nil {
			return ""
		}
	}
	frame := make([]byte, 2+len(greeting))
	if _, err := io.ReadFull(in, frame); err != nil {
		t.Error(err)
	}
	return string(frame[2:])
}

// echoByHand unmasks one short frame and sends it back.
func echoByHand(w http.ResponseWriter, _ *http.Request) {
	conn, rw, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	frame := make([]byte, 6+len(greeting))
	if _, err := io.ReadFull(rw, frame); err != nil {
		return
	}
	for i := range len(greeting) {
		frame[6+i] ^= frame[2+i%4]
	}
	conn.Write(append([]byte{frame[0], frame[1] &^ 0x80}, frame[6:]...))
}

// It is in the reader that Hijack gives. By design gorilla closes such a connection, guards or none, and gws
// takes no notice of that reader.
func TestAFrameThatComesWithTheHandshakeArrives(t *testing.T) {
	routes := frameworks.Routes{"/hand": echoByHand, "/coder": echoByCoder, "/gorilla": echoByGorilla}
	bare, guarded := serve(t, frameworks.Std(routes)), serve(t, newLasting(t).around(frameworks.Std(routes)))
	for path, want := range map[string]string{"/hand": greeting, "/coder": greeting, "/gorilla": ""} {
		for name, server := range map[string]*httptest.Server{"bare": bare, "guarded": guarded} {
			if got := firstFrame(t, server, path); got != want {
				t.Errorf("%s, %s: %q comes back, want %q", path, name, got, want)
			}
		}
	}
}
