package frameworks_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// offered lists which optional interfaces a writer has.
func offered(w http.ResponseWriter) string {
	_, flusher := w.(http.Flusher)
	_, hijacker := w.(http.Hijacker)
	_, readerFrom := w.(io.ReaderFrom)
	_, pusher := w.(http.Pusher)
	return fmt.Sprintf("Flusher %v, Hijacker %v, ReaderFrom %v, Pusher %v", flusher, hijacker, readerFrom, pusher)
}

// Not one interface more, not one less than the server's writer has: a handler that finds a Pusher
// under HTTP/1.1 pushes in vain, and one that misses ReaderFrom loses sendfile.
func TestTheHandlerFindsTheInterfacesOfTheServersWriter(t *testing.T) {
	list := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, offered(w)) })
	for _, protocol := range []struct {
		name  string
		major int
		want  string
	}{
		{"HTTP/1.1", 1, "Flusher true, Hijacker true, ReaderFrom true, Pusher false"},
		{"HTTP/2", 2, "Flusher true, Hijacker false, ReaderFrom false, Pusher true"},
	} {
		t.Run(protocol.name, func(t *testing.T) {
			g := newGuards(t)
			for name, h := range map[string]http.Handler{"bare": list, "guarded": g.around(list)} {
				server := serveTLS(t, h, protocol.major == 2)
				response, got, err := get(t, server.Client(), server.URL)
				if err != nil {
					t.Fatal(err)
				}
				if response.ProtoMajor != protocol.major || got != protocol.want {
					t.Errorf("%s, over %s: %s\nwant %s", name, response.Proto, got, protocol.want)
				}
			}
		})
	}
}

// Go's client refuses pushes, and the handler is told so by the server below the guards.
func TestAPushReachesTheServer(t *testing.T) {
	g := newGuards(t)
	answer := make(chan error, 1)
	push := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		answer <- w.(http.Pusher).Push("/style.css", nil)
	})
	server := serveTLS(t, g.around(push), true)
	if _, _, err := get(t, server.Client(), server.URL); err != nil {
		t.Fatal(err)
	}
	if err := <-answer; !errors.Is(err, http.ErrNotSupported) {
		t.Errorf("Push gives %v, want the server's %v", err, http.ErrNotSupported)
	}
}

func serveTLS(t *testing.T, h http.Handler, http2 bool) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.EnableHTTP2 = http2
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// readFrom is a server's writer that notes what it is asked to read from.
type readFrom struct {
	http.ResponseWriter
	http.Flusher
	http.Hijacker
	sources chan io.Reader
}

func (r readFrom) ReadFrom(src io.Reader) (int64, error) {
	r.sources <- src
	return r.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
}

// A file that a handler copies must arrive at the server's ReadFrom as a file, or there is no
// sendfile(2): package net asks for syscall.Conn, inside an io.LimitedReader or not.
func TestAFileGoesToTheServerWhole(t *testing.T) {
	content := bytes.Repeat([]byte("moo "), 1<<18)
	name := filepath.Join(t.TempDir(), "herd.txt")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for how, handler := range map[string]http.HandlerFunc{
		"ServeFile": func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) },
		"io.Copy": func(w http.ResponseWriter, _ *http.Request) {
			file, err := os.Open(name)
			if err != nil {
				panic(err)
			}
			defer file.Close()
			io.Copy(w, file)
		},
	} {
		t.Run(how, func(t *testing.T) {
			g := newGuards(t)
			guarded := g.around(handler)
			sources := make(chan io.Reader, 100)
			server := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				guarded.ServeHTTP(readFrom{w, w.(http.Flusher), w.(http.Hijacker), sources}, r)
			}))
			if _, body, err := get(t, server.Client(), server.URL); err != nil || body != string(content) {
				t.Fatalf("%d bytes, %v; want the %d of the file", len(body), err, len(content))
			}
			close(sources)
			count := 0
			for source := range sources {
				count++
				if limited, ok := source.(*io.LimitedReader); ok {
					source = limited.R
				}
				if _, ok := source.(syscall.Conn); !ok {
					t.Errorf("the server reads from a %T, not from the file", source)
				}
			}
			if count != 1 {
				t.Errorf("ReadFrom was called %d times, want once", count)
			}
		})
	}
}
