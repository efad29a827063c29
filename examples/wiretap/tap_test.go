// Package wiretap_test listens to real drivers that talk to real servers, and checks that chaos/wire
// understands them: a statement is a request, with one answer, to the last byte; and a request that is
// refused on the way is an error of the driver's own type.
package wiretap_test

import (
	"net"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// A tap relays connections to a server, and follows them.
type tap struct {
	t        *testing.T
	protocol wire.Protocol
	backend  string
	addr     string
	listener net.Listener
	running  sync.WaitGroup

	mu        sync.Mutex
	conns     map[net.Conn]bool
	requests  int // begun
	silent    int // of those, without an answer
	ended     int // requests that were ended
	answers   int // ended
	opaque    int // conversations
	refuse    int // how many of the next requests are refused
	why       wire.Why
	afterPass int // how many requests pass before that
}

func listen(t *testing.T, protocol wire.Protocol, backend string) *tap {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tp := &tap{t: t, protocol: protocol, backend: backend, addr: listener.Addr().String(), listener: listener, conns: map[net.Conn]bool{}}
	tp.running.Add(1)
	go tp.accept()
	t.Cleanup(tp.close)
	return tp
}

func (tp *tap) close() {
	tp.listener.Close()
	tp.mu.Lock()
	for conn := range tp.conns {
		conn.Close()
	}
	tp.mu.Unlock()
	tp.running.Wait()
}

func (tp *tap) accept() {
	defer tp.running.Done()
	for {
		client, err := tp.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", tp.backend)
		if err != nil {
			client.Close()
			continue
		}
		tp.mu.Lock()
		tp.conns[client], tp.conns[server] = true, true
		tp.mu.Unlock()
		l := &line{tap: tp, talk: tp.protocol.Follow(), client: client, server: server}
		tp.running.Add(2)
		go l.pump(client, server, l.said)
		go l.pump(server, client, l.answered)
	}
}

// refuses has the tap refuse n requests, after it has let some pass.
func (tp *tap) refuses(n, after int, why wire.Why) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.refuse, tp.afterPass, tp.why = n, after, why
}

// counts is what has been heard since it was last called: requests that have an answer, those that have none.
// It waits until all are answered, and until it has heard as many as wanted of those to which no answer
// shows that they have come.
func (tp *tap) counts(wanted int) (requests, silent int) {
	tp.t.Helper()
	for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
		tp.mu.Lock()
		requests, silent = tp.requests-tp.silent, tp.silent
		done := tp.ended == tp.requests && tp.answers == requests && silent >= wanted
		if done || time.Now().After(end) {
			if !done {
				tp.t.Errorf("%d requests, %d ended, %d without an answer, %d answers", tp.requests, tp.ended, tp.silent, tp.answers)
			}
			tp.requests, tp.silent, tp.ended, tp.answers = 0, 0, 0, 0
			tp.mu.Unlock()
			return requests, silent
		}
		tp.mu.Unlock()
	}
}

// A line is one connection.
type line struct {
	*tap
	talk           wire.Conversation
	lost           bool
	client, server net.Conn
	refused        bool         // the request that is being said
	inRequest      bool         // one is being said
	answer         *wire.Answer // of it
}

func (l *line) pump(from, to net.Conn, judge func([]byte) (n int, pass bool)) {
	defer l.running.Done()
	defer to.Close()
	defer from.Close()
	kept, buf := []byte(nil), make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		kept = append(kept, buf[:n]...)
		var out []byte
		for len(kept) > 0 {
			l.mu.Lock()
			n, pass := judge(kept)
			l.mu.Unlock()
			if n == 0 {
				break
			}
			if pass {
				out = append(out, kept[:n]...)
			}
			kept = kept[n:]
		}
		if _, err := to.Write(out); err != nil {
			return
		}
	}
}

// said judges what the client says.
func (l *line) said(data []byte) (int, bool) {
	part := l.look(l.talk.Client, data)
	if part.N == 0 || l.lost {
		return part.N, true
	}
	if part.Begin {
		l.requests++
		l.inRequest = true
		if !part.Joined {
			l.decide(part)
		}
		if part.Silent {
			l.silent++
		}
		if l.refused {
			answer := l.talk.Refuse(l.why)
			l.answer = &answer
			l.answers++
		}
	}
	pass := !l.inRequest || !l.refused
	if part.End {
		l.ended++
		l.inRequest = false
	}
	if l.answer != nil && (part.End || l.answer.Close) {
		l.client.Write(l.answer.Bytes)
		if l.answer.Close {
			l.client.Close()
			l.server.Close()
			if !part.End {
				l.ended++
			}
		}
		l.answer = nil
	}
	return part.N, pass
}

func (l *line) decide(part wire.Part) {
	l.refused = false
	switch {
	case part.Silent || l.refuse == 0:
	case l.afterPass > 0:
		l.afterPass--
	default:
		l.refuse--
		l.refused = true
	}
}

// answered judges what the server says.
func (l *line) answered(data []byte) (int, bool) {
	part := l.look(l.talk.Server, data)
	if part.End {
		l.answers++
	}
	return part.N, true
}

func (l *line) look(look func([]byte) wire.Part, data []byte) wire.Part {
	if l.lost {
		return wire.Part{N: len(data)}
	}
	part := look(data)
	if part.Opaque {
		l.lost = true
		l.opaque++
		return wire.Part{N: len(data)}
	}
	return part
}
