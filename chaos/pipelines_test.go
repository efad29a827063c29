package chaos_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// A striking is a behavior that a test makes up.
type striking func(*chaos.Event)

func (striking) Name() string            { return "striking" }
func (f striking) Strike(e *chaos.Event) { f(e) }

// denying denies the requests that have a number.
func denying(which func(n uint64) bool) chaos.Fault {
	return fault(striking(func(e *chaos.Event) {
		if e.Moment == chaos.Request && which(e.Request) {
			e.Fate = chaos.Deny
		}
	}))
}

// deaf is a backend that hears all and says nothing.
func deaf(c net.Conn) { io.Copy(io.Discard, c) }

// redisEcho answers PING, and ECHO with its word, as Redis does inline.
func redisEcho(c net.Conn) {
	r, w := bufio.NewReaderSize(c, 64<<10), bufio.NewWriterSize(c, 64<<10)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		if word, ok := strings.CutPrefix(line, "ECHO "); ok {
			w.WriteString("+" + word)
		} else {
			w.WriteString("+PONG\r\n")
		}
		if r.Buffered() == 0 {
			w.Flush()
		}
	}
}

// TestAnswersStayInOrderOverManyBatches: what is denied must never come before an answer that a client
// has asked for earlier, in whichever of the two pumps its place is found.
func TestAnswersStayInOrderOverManyBatches(t *testing.T) {
	p := start(t, &chaos.Proxy{Backend: backend(t, redisEcho), Protocol: wire.Redis, Seed: 3})
	set(t, p, chaos.Fault{Behavior: chaos.Error{}, Share: 0.3})
	var all sync.WaitGroup
	for range 8 {
		c := dial(t, p)
		all.Go(func() {
			r := bufio.NewReader(c)
			for batch := range 500 {
				var said strings.Builder
				for i := range 2 + batch%5 {
					fmt.Fprintf(&said, "ECHO %d-%d\r\n", batch, i)
				}
				io.WriteString(c, said.String())
				for i := range 2 + batch%5 {
					line, err := r.ReadString('\n')
					if want := fmt.Sprintf("+%d-%d\r\n", batch, i); err != nil || line[0] != '-' && line != want {
						t.Errorf("answer %d of batch %d is %q and %v", i, batch, line, err)
						return
					}
				}
			}
		})
	}
	all.Wait()
}

// TestADeepPipelineIsFollowed: some clients say all that they have to say before they read an answer, and
// what was denied in between has its place.
func TestADeepPipelineIsFollowed(t *testing.T) {
	const n, every = 50_000, 1000
	for name, test := range map[string]struct {
		serve  func(net.Conn)
		faults []chaos.Fault
		want   string // of each in a group
	}{
		"all pass":        {redisEcho, nil, "+PONG\r\n"},
		"some are denied": {redisEcho, []chaos.Fault{denying(func(n uint64) bool { return n%every == 0 })}, "+PONG\r\n"},
		"all are denied":  {deaf, []chaos.Fault{denying(func(uint64) bool { return true })}, "-"},
	} {
		t.Run(name, func(t *testing.T) {
			p := start(t, &chaos.Proxy{Backend: backend(t, test.serve), Protocol: wire.Redis})
			set(t, p, test.faults...)
			c := dial(t, p)
			var saying sync.WaitGroup
			saying.Go(func() { io.WriteString(c, strings.Repeat("PING\r\n", n)) })
			r := bufio.NewReaderSize(c, 64<<10)
			for i := 1; i <= n; i++ {
				want := test.want
				if i%every == 0 && name == "some are denied" {
					want = "-"
				}
				if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, want) {
					t.Errorf("answer %d is %q and %v, want %q", i, line, err, want)
					break
				}
			}
			c.Close()
			saying.Wait()
		})
	}
}

// TestALongPipelineWithoutAnAnswerIsStillUnderstood: the answers come only when everything has been asked.
func TestALongPipelineWithoutAnAnswerIsStillUnderstood(t *testing.T) {
	const n = 300_000
	p := start(t, &chaos.Proxy{Protocol: wire.Redis, Backend: backend(t, func(c net.Conn) {
		io.CopyN(io.Discard, c, n*int64(len("PING\r\n")))
		io.WriteString(c, strings.Repeat("+PONG\r\n", n))
		deaf(c)
	})})
	c := dial(t, p)
	say(t, c, strings.Repeat("PING\r\n", n))
	if _, err := io.CopyN(io.Discard, c, n*int64(len("+PONG\r\n"))); err != nil {
		t.Fatal(err)
	}
	set(t, p, fault(chaos.Error{}))
	say(t, c, "PING\r\n")
	hear(t, c, "-")
	if got := p.Stats().Requests; got != n+1 {
		t.Errorf("%d requests, want %d", got, n+1)
	}
}

// TestARefusalThatClosesKeepsWhatFollowsFromTheBackend: a COMMIT behind a statement that PostgreSQL would
// have ended the connection for must not commit the half of a transaction before it.
func TestARefusalThatClosesKeepsWhatFollowsFromTheBackend(t *testing.T) {
	ready := postgres('Z', "T")
	answer := make(chan struct{})
	got := make(chan []byte, 1)
	p := start(t, &chaos.Proxy{Protocol: wire.Postgres, Backend: backend(t, func(c net.Conn) {
		io.ReadFull(c, make([]byte, len(postgresStartup)))
		io.WriteString(c, postgres('R', "\x00\x00\x00\x00")+ready)
		var answering sync.WaitGroup
		answering.Go(func() {
			<-answer
			io.WriteString(c, postgres('C', "BEGIN\x00")+ready+postgres('C', "INSERT 0 1\x00")+ready)
		})
		all, _ := io.ReadAll(c)
		answering.Wait()
		got <- all
	})})
	set(t, p, denying(func(n uint64) bool { return n == 3 })) // the startup has no number
	c := dial(t, p)
	say(t, c, postgresStartup)
	hear(t, c, postgres('R', "\x00\x00\x00\x00")+ready)
	before := postgres('Q', "BEGIN\x00") + postgres('Q', "INSERT 1\x00")
	say(t, c, before+postgres('Q', "INSERT 2\x00")+postgres('Q', "COMMIT\x00"))
	for end := time.Now().Add(5 * time.Second); p.Stats().Up < int64(len(postgresStartup+before)) && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	say(t, c, postgres('Q', "COMMIT\x00")) // also when the refusal waits already
	close(answer)
	heard, err := io.ReadAll(c)
	want := postgres('C', "BEGIN\x00") + ready + postgres('C', "INSERT 0 1\x00") + ready + "E"
	if err != nil || !bytes.HasPrefix(heard, []byte(want)) {
		t.Errorf("the client heard %q and %v, want %q and an error", heard, err, want)
	}
	c.Close()
	if all := <-got; string(all) != before {
		t.Errorf("the backend got %q, want %q", all, before)
	}
}

const postgresStartup = "\x00\x00\x00\x10\x00\x03\x00\x00user\x00u\x00\x00"

func postgres(sort byte, body string) string {
	return string(binary.BigEndian.AppendUint32([]byte{sort}, uint32(len(body)+4))) + body
}

// TestADeniedAnswerThatHasLostItsPlaceEndsTheConnection: where the conversation is not understood any more,
// a client must not take another answer for it.
func TestADeniedAnswerThatHasLostItsPlaceEndsTheConnection(t *testing.T) {
	p := start(t, &chaos.Proxy{Protocol: wire.Redis, Backend: backend(t, deaf)})
	set(t, p, denying(func(n uint64) bool { return n == 2 }))
	c := dial(t, p)
	say(t, c, "GET a\r\nGET b\r\nMONITOR\r\n")
	if heard, err := io.ReadAll(c); len(heard) > 0 || isTimeout(err) {
		t.Errorf("heard %q and %v, want an end", heard, err)
	}
}

// TestADeniedRequestThatTurnsIntoNonsenseEnds: no answer to it will ever be complete.
func TestADeniedRequestThatTurnsIntoNonsenseEnds(t *testing.T) {
	p := start(t, &chaos.Proxy{Protocol: wire.HTTP, Backend: backend(t, deaf)})
	set(t, p, fault(chaos.Error{}))
	c := dial(t, p)
	say(t, c, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
	if heard, err := io.ReadAll(c); isTimeout(err) {
		t.Errorf("heard %q and %v, want an end", heard, err)
	}
	if up := p.Stats().Up; up != 0 {
		t.Errorf("the backend got %d bytes of it", up)
	}
}

func isTimeout(err error) bool {
	failed, ok := err.(net.Error)
	return ok && failed.Timeout()
}
