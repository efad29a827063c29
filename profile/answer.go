package profile

import (
	"bufio"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// maxAnswer is how much of the application's answer is kept at most.
const maxAnswer = 4 << 20

// An answer is the ResponseWriter of a profiled request. Its body goes nowhere, or is kept up to
// maxAnswer. To the handler it is what net/http's is, but that the connection cannot be taken over.
type answer struct {
	keep bool
	head bool // the request's method is HEAD

	header http.Header // the handler's

	mu       sync.Mutex // handlers that write from several goroutines do it at their own risk, but not at ours
	status   int        // 0 before the header has been sent
	sent     http.Header
	bytes    int64 // that the handler has written
	declared int64 // by the handler, in Content-Length; -1 if it is not
	body     []byte
	hijacked bool // the handler has tried
	over     bool // it has ended
}

// newAnswer begins with the header as it was outside.
func newAnswer(outside http.Header, method string, keep bool) *answer {
	a := &answer{keep: keep, head: method == http.MethodHead, header: outside.Clone(), declared: -1}
	if a.header == nil {
		a.header = make(http.Header)
	}
	return a
}

func (a *answer) Header() http.Header { return a.header }

// WriteHeader panics on a code that is none, as net/http's does.
func (a *answer) WriteHeader(code int) {
	if code < 100 || code > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", code))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if code >= 200 || code == http.StatusSwitchingProtocols {
		a.begin(code)
	}
}

// begin fixes the header. a.mu is held.
func (a *answer) begin(code int) {
	if a.status != 0 || a.over {
		return
	}
	a.status = code
	if !a.keep {
		if n := a.header["Content-Length"]; len(n) > 0 {
			a.declare(n[0])
		}
		return
	}
	a.sent = maps.Clone(a.header)
	for name, values := range a.sent {
		a.sent[name] = slices.Clone(values)
	}
	a.declare(a.sent.Get("Content-Length"))
}

func (a *answer) declare(length string) {
	if n, err := strconv.ParseInt(length, 10, 64); err == nil && n >= 0 {
		a.declared = n
	}
}

var errOver = errors.New("profile: write after the handler has ended")

func (a *answer) Write(b []byte) (int, error) { return write(a, b) }

func (a *answer) WriteString(s string) (int, error) { return write(a, s) }

func write[T string | []byte](a *answer, b T) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return 0, errOver
	}
	a.begin(http.StatusOK)
	switch {
	case a.status < 200 || a.status == http.StatusNoContent || a.status == http.StatusNotModified:
		return 0, http.ErrBodyNotAllowed
	case a.declared >= 0 && a.bytes+int64(len(b)) > a.declared:
		return 0, http.ErrContentLength
	}
	if a.keep {
		a.sniff(string(b[:min(len(b), 512)]))
		if !a.head {
			a.body = append(a.body, b[:min(len(b), maxAnswer-len(a.body))]...)
		}
	}
	a.bytes += int64(len(b))
	return len(b), nil
}

// sniff says what the body is, as net/http does, if the handler has not.
func (a *answer) sniff(b string) {
	if a.bytes > 0 || b == "" {
		return
	}
	_, has := a.sent["Content-Type"]
	if !has && a.sent.Get("Content-Encoding") == "" {
		a.sent.Set("Content-Type", http.DetectContentType([]byte(b)))
	}
}

func (a *answer) Flush() { a.FlushError() }

// FlushError sends the header, as far as the handler can tell.
func (a *answer) FlushError() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.begin(http.StatusOK)
	return nil
}

// Hijack is there to be noticed: it gives no connection.
func (a *answer) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.hijacked = a.hijacked || !a.over
	return nil, nil, fmt.Errorf("profile: the connection of a profiled request cannot be taken over: %w", http.ErrNotSupported)
}

// There is no deadline to set: http.ResponseController is told that all is well.

func (a *answer) SetReadDeadline(time.Time) error  { return nil }
func (a *answer) SetWriteDeadline(time.Time) error { return nil }
func (a *answer) EnableFullDuplex() error          { return nil }

// CloseNotify is deprecated, but gin calls it on every writer. Nobody leaves.
func (a *answer) CloseNotify() <-chan bool { return make(chan bool) }

// end refuses what goroutines of the handler write after it. A handler that returns without a word has
// said 200.
func (a *answer) end(returned bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if returned {
		a.begin(http.StatusOK)
	}
	a.over = true
}
