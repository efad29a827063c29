package wire_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// A turn is what one side of a recorded conversation says before the other does.
type turn struct {
	client bool
	said   string
	refuse bool // what is asked here is refused, with why
	why    wire.Why
}

func client(said string) turn { return turn{client: true, said: said} }
func server(said string) turn { return turn{said: said} }
func refused(said string, why wire.Why) turn {
	return turn{client: true, said: said, refuse: true, why: why}
}

// follows feeds a conversation to p whole, byte by byte and in random pieces, and fails the test if it
// is not understood in the same way each time. It gives what was understood, an event as a line:
//
//	request 14                          begun and ended, 14 bytes
//	request 14… then …request 6         the same in two turns
//	answer 5 id=3                       of the request with that ID
//	request 8 silent joined secret=8    with as many secret bytes in it
//	client 20, server 20                in no request or answer
//	server 20…                          the same, and More is to come
//	request 14 refused "-ERR no\r\n"    with what Refuse said
//	request… refused "421 \r\n" close   the end: the connection is closed, or broken where nothing is said
//	client opaque, server opaque        the end: from here on nothing was understood
//	client keeps 3                      the end: these bytes were not enough to tell
func follows(t testing.TB, p wire.Protocol, talk ...turn) []string {
	t.Helper()
	whole := feed(t, p, talk, func(left int) int { return left })
	same := func(how string, pieces func(left int) int) {
		t.Helper()
		if got := feed(t, p, talk, pieces); !slices.Equal(got, whole) {
			t.Errorf("%s: understood otherwise %s\n%s\nwhole\n%s", p.Name(), how, lines(got), lines(whole))
		}
	}
	// What is long begins in pieces of some bytes: all else would take seconds for a megabyte.
	same("byte by byte", func(left int) int { return 1 + left>>12 })
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		same(fmt.Sprintf("in pieces of seed %d", seed), func(left int) int { return 1 + random.IntN(min(left, 1<<random.IntN(14))) })
	}
	return whole
}

// understood fails the test unless p understands the conversation as wanted.
func understood(t testing.TB, p wire.Protocol, talk []turn, want ...string) {
	t.Helper()
	if got := follows(t, p, talk...); !slices.Equal(got, want) {
		t.Errorf("%s: understood\n%s\nwant\n%s", p.Name(), lines(got), lines(want))
	}
}

func lines(events []string) string { return "\t" + strings.Join(events, "\n\t") }

// fuzz tries any bytes on both sides, cut and mixed by a seed, with some requests refused. It begins
// with what the conversations have.
func fuzz(f *testing.F, p wire.Protocol, talks ...[]turn) {
	for i, talk := range talks {
		var said [2][]byte
		for _, turn := range talk {
			at := &said[side(turn.client)]
			*at = append(*at, turn.said...)
		}
		f.Add(said[0], said[1], uint64(i))
	}
	f.Fuzz(func(t *testing.T, fromClient, fromServer []byte, seed uint64) {
		random := rand.New(rand.NewPCG(seed, 1))
		var talk []turn
		for len(fromClient)+len(fromServer) > 0 {
			next := turn{client: random.IntN(2) == 0, refuse: random.IntN(4) == 0, why: wire.Why{Pick: random.Uint64()}}
			from := &fromServer
			if next.client {
				from = &fromClient
			}
			n := min(len(*from), 1<<random.IntN(16))
			next.said, *from = string((*from)[:n]), (*from)[n:]
			talk = append(talk, next)
		}
		follows(t, p, talk...)
	})
}

func side(client bool) int {
	if client {
		return 0
	}
	return 1
}

// feed shows a conversation as a relay does, in pieces, and writes down what was understood.
func feed(t testing.TB, p wire.Protocol, talk []turn, piece func(left int) int) []string {
	t.Helper()
	f := feeder{talk: p.Follow(), open: map[message]bool{}}
	for _, turn := range talk {
		for said := []byte(turn.said); len(said) > 0; {
			n := piece(len(said))
			kept := &f.kept[side(turn.client)]
			*kept = append(*kept, said[:n]...)
			said = said[n:]
			f.show(turn)
			if f.wrong != "" {
				t.Fatal(f.wrong)
			}
			if f.over {
				return f.lines()
			}
		}
	}
	for i, kept := range f.kept {
		if len(kept) > 0 {
			f.events = append(f.events, event{client: i == 0, note: fmt.Sprintf("keeps %d", len(kept))})
		}
	}
	return f.lines()
}

type feeder struct {
	talk    wire.Conversation
	kept    [2][]byte
	shown   []byte // what the conversation was shown last
	open    map[message]bool
	events  []event
	fate    bool // of the last request: it was refused
	waiting int  // requests without an answer so far
	over    bool
	wrong   string // what no conversation may do was done, and all is over
}

func (f *feeder) fail(format string, args ...any) {
	f.wrong, f.over = fmt.Sprintf(format, args...), true
}

// A message is a request or an answer.
type message struct {
	client bool
	id     uint64
}

// show has the conversation look at what one side has said, as far as it can tell.
func (f *feeder) show(turn turn) {
	look, kept := f.talk.Server, &f.kept[side(turn.client)]
	if turn.client {
		look = f.talk.Client
	}
	for len(*kept) > 0 && !f.over {
		data := (*kept)[:min(len(*kept), wire.MaxHead)]
		f.shown = append(f.shown[:0], data...)
		part := look(slices.Clip(f.shown))
		if !bytes.Equal(data, f.shown) {
			f.fail("the conversation has changed its data: %q", data)
			return
		}
		clear(f.shown) // it was valid during the call only
		if part.N < 0 || part.N > len(data) {
			f.fail("%d bytes of %d: %+v", part.N, len(data), part)
			return
		}
		if part.Opaque || part.N == 0 && len(data) == wire.MaxHead {
			f.events = append(f.events, event{client: turn.client, note: "opaque"})
			f.over = true
			return
		}
		if part.N == 0 {
			return
		}
		*kept = (*kept)[part.N:]
		f.note(turn, part)
	}
}

// note writes a part down and, where a request begins, refuses it if it is to be.
func (f *feeder) note(turn turn, part wire.Part) {
	of := message{turn.client, part.ID}
	inside := f.open[of]
	switch {
	case part.Begin && inside:
		f.fail("a message begins in a message: %+v after\n%s", part, lines(f.lines()))
		return
	case part.End && !part.Begin && !inside:
		f.fail("the end of no message: %+v after\n%s", part, lines(f.lines()))
		return
	}
	f.open[of] = (inside || part.Begin) && !part.End
	next := event{client: turn.client, Part: part, message: inside || part.Begin}
	if part.Secret {
		next.secret = part.N
	}
	if last := len(f.events) - 1; last < 0 || !f.events[last].grow(next) {
		f.events = append(f.events, next)
	}
	switch {
	case turn.client && part.Begin:
		f.begin(turn, part)
	case !turn.client && part.End:
		if f.waiting--; f.waiting < 0 {
			f.fail("an answer to no request:\n%s", lines(f.lines()))
		}
	}
}

// begin decides a request's fate.
func (f *feeder) begin(turn turn, part wire.Part) {
	if !part.Joined {
		f.fate = turn.refuse && !part.Silent
	}
	switch {
	case part.Silent:
	case !f.fate:
		f.waiting++
	default:
		answer := f.talk.Refuse(turn.why)
		f.over = answer.Close || len(answer.Bytes) == 0
		last := &f.events[len(f.events)-1]
		last.note, last.closed = fmt.Sprintf("refused %q", answer.Bytes), f.over
	}
}

func (f *feeder) lines() []string {
	out := make([]string, len(f.events))
	for i, e := range f.events {
		out[i] = e.String()
	}
	return out
}
