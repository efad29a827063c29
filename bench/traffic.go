package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// body is what the handlers answer with: small, so that the guards and not the copying are measured.
var body = []byte("hello, world\n")

// A handler is what the subjects are wrapped around.
type handler struct {
	name  string
	serve http.HandlerFunc
}

func handlers() []handler {
	return []handler{
		{"sets a header and writes", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Write(body)
		}},
		{"only writes", func(w http.ResponseWriter, _ *http.Request) { w.Write(body) }},
	}
}

// rawRequest is the request as a browser's first line and headers. A guard that looks at headers, or copies
// strings out of the request, finds here what it finds in life.
const rawRequest = "GET /search?q=cattle+dogs&page=2 HTTP/1.1\r\n" +
	"Host: shop.example\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n" +
	"Accept-Language: en-GB,en;q=0.5\r\n" +
	"Accept-Encoding: gzip, deflate, br\r\n" +
	"Cookie: session=3f2a9c5e7b1d4086; theme=dark\r\n" +
	"\r\n"

// newRequest makes a request as net/http's server hands it to a handler: parsed from the wire, with
// the server and the local address in its context, and cancellable. All runs of a subject share it, so
// that making it is not measured; over the loopback connection each request is made anew.
func newRequest() (*http.Request, context.CancelFunc) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(rawRequest)))
	if err != nil {
		panic(fmt.Sprintf("bench: the request on the wire does not parse: %v", err))
	}
	r.RemoteAddr = "192.0.2.7:51234"
	ctx := context.WithValue(context.Background(), http.ServerContextKey, &http.Server{})
	ctx = context.WithValue(ctx, http.LocalAddrContextKey, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080})
	ctx, cancel := context.WithCancel(ctx)
	return r.WithContext(ctx), cancel
}

// discard is a ResponseWriter that allocates nothing. It has the methods of net/http's HTTP/1 writer,
// since a guard's wrapper has to offer each that is there and none that is not.
type discard struct{ header http.Header }

func newDiscard() *discard { return &discard{header: make(http.Header, 8)} }

// reset makes the writer as good as new for the next request.
func (d *discard) reset() { clear(d.header) }

func (d *discard) Header() http.Header                   { return d.header }
func (d *discard) WriteHeader(int)                       {}
func (d *discard) Write(p []byte) (int, error)           { return len(p), nil }
func (d *discard) WriteString(s string) (int, error)     { return len(s), nil }
func (d *discard) ReadFrom(src io.Reader) (int64, error) { return io.Copy(io.Discard, src) }
func (d *discard) Flush()                                {}
func (d *discard) FlushError() error                     { return nil }
func (d *discard) SetReadDeadline(time.Time) error       { return nil }
func (d *discard) SetWriteDeadline(time.Time) error      { return nil }
func (d *discard) EnableFullDuplex() error               { return nil }
func (d *discard) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return nil, nil, errors.New("bench: there is no connection behind this writer")
}

// loopback is a net/http server on 127.0.0.1 and one keep-alive connection to it. The client writes
// the same bytes for each request and reads as many as the first answer had: it costs next to nothing
// and allocates nothing, so that what remains is the server.
type loopback struct {
	server *http.Server
	conn   net.Conn
	answer []byte
}

func newLoopback(h http.Handler) (*loopback, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &loopback{server: &http.Server{Handler: h}}
	go l.server.Serve(listener)
	if l.conn, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		l.server.Close()
		return nil, err
	}
	if err := l.measureAnswer(); err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// measureAnswer sends the first request and notes how long its answer is. All answers are as long:
// the date, which alone differs, has one length.
func (l *loopback) measureAnswer() error {
	if _, err := io.WriteString(l.conn, rawRequest); err != nil {
		return err
	}
	seen := &countingReader{from: l.conn}
	answer, err := http.ReadResponse(bufio.NewReader(seen), nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || !bytes.Equal(got, body) {
		return fmt.Errorf("bench: answer %s %q, want 200 %q", answer.Status, got, body)
	}
	l.answer = make([]byte, seen.n)
	return nil
}

// roundTrip sends one request and reads its answer.
func (l *loopback) roundTrip() error {
	if _, err := io.WriteString(l.conn, rawRequest); err != nil {
		return err
	}
	_, err := io.ReadFull(l.conn, l.answer)
	return err
}

func (l *loopback) close() {
	l.conn.Close()
	l.server.Close()
}

// countingReader counts what has been read through it.
type countingReader struct {
	from io.Reader
	n    int
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	c.n += n
	return n, err
}
