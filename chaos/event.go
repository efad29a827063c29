package chaos

import (
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
)

// A Behavior is one way in which a backend can misbehave. It decides and does nothing: Strike looks
// at an event and writes its verdict into it; the proxy carries the verdict out.
//
// A Behavior is a value without state of its own, for it is asked by many connections at once. What
// it needs to know, how often it was asked, how many bytes have passed, the event tells. It is set up by
// exported fields; those with a tag `attr:"name"` are its attributes in the control API, on the
// command line and in files.
//
// Strike must return at once, and must not ask the proxy anything: bytes wait for it, and locks are
// held. A panic in it ends the program: on a connection there is nobody to catch it.
//
// It may also have a method Validate() error, which names the field and what is accepted, a method
// CheckProtocol(wire.Protocol) error, which says what that protocol has not, and be a [Scaled]. A proxy
// asks the first two before it takes the fault.
type Behavior interface {
	// Name is what the API calls it: lower case, "slow_close".
	Name() string

	// Strike is asked at every moment of a connection that the fault was drawn for; at Read, Write and
	// End only about the bytes of the fault's Direction. Moments that it has no use for it leaves as
	// they are.
	Strike(e *Event)
}

// Scaled is a Behavior that has a weaker form: a shorter delay, say. A schedule that grows or shrinks
// asks for it; any other behavior strikes less often instead.
type Scaled interface {
	Behavior
	// Scale gives the behavior at a strength between 0 and 1.
	Scale(strength float64) Behavior
}

// A Moment is when a Behavior is asked.
type Moment int

// What the verdict can be at each moment is told at the fields of Event and at the fates.
const (
	// Connect: a client has connected, and the backend is not asked yet. Delay holds it up. A fault
	// with the fate Unlisten that always strikes is asked without any connection, Conn being 0.
	Connect Moment = iota

	// Open: the connection stands, or the faults have changed while it did. Fate and Until end it.
	Open

	// Request: a request has begun. Where the protocol has none that one could tell apart, it is
	// what a client says after the backend has spoken.
	Request

	// Answer: the answer to a request begins.
	Answer

	// Read: bytes have come in. Delay holds them up, while more may come in: that is latency.
	Read

	// Write: bytes are about to be passed on. Take, Pause and Data shape them.
	Write

	// End: one side has said all, and the other is about to hear that. Delay holds it up.
	End
)

// String is the moment in a word.
func (m Moment) String() string {
	words := [...]string{"connect", "open", "request", "answer", "read", "write", "end"}
	if m < 0 || int(m) >= len(words) {
		return "moment " + strconv.Itoa(int(m))
	}
	return words[m]
}

// A Fate is what becomes of a connection, a request or of bytes. Each is for the moments that it names:
// what another one makes of it is not promised. At Read and End nothing ends.
type Fate int

const (
	// Pass: nothing happens to it.
	Pass Fate = iota

	// Deny answers a Request with Reply or, where that is nil, with the error of the protocol that
	// Why asks for. The backend never sees the request.
	Deny

	// Swallow loses a Request, without an answer: where answers come in order, the connection stays
	// open and never speaks again. At Connect the backend is never asked, and the client waits. At
	// Write these bytes are lost, and the connection is closed when bytes may pass again.
	Swallow

	// Sever passes a Request on and resets the connection when its answer begins.
	Sever

	// Close ends the connection in order, with what has been passed on: at Connect, Open, Request,
	// Answer and Write.
	Close

	// Break resets the connection at once, both sides: the client sees "connection reset by peer". Its
	// moments are those of Close.
	Break

	// Unlisten is for Connect: nobody listens. A fault that does not always strike resets instead.
	Unlisten
)

// An Event is a moment of a connection, and the verdict on it. The fields up to Passed tell of the
// moment. Those from Fate on are the verdict: they begin as the faults before this one have left them, so
// that a behavior adds to Delay, and writes the larger of two Pauses and the smaller of two Rates. Once a
// fault has given a Fate, those behind it are not asked; only at Open is each asked for itself.
type Event struct {
	Moment    Moment
	Direction Direction // of Read, Write and End

	Conn    uint64 // the number of the connection, from 1
	Request uint64 // the number of the request in its connection, from 1; at Request and Answer

	// Requests says that the protocol has requests, so that Request and Answer are drawn for each.
	// Without, a fault is drawn for the connection.
	Requests bool

	// Always says that nothing is drawn: the fault strikes all that it is asked about.
	Always bool

	Open   int           // connections of the proxy that have got past Connect, and this one
	Seen   uint64        // how many requests of all connections this fault was asked about before
	Age    time.Duration // how long the connection and the fault have known each other
	Passed int64         // bytes of this direction in that time: come in at Read and End, passed on at Write

	// The verdict begins here.

	Fate  Fate
	Until time.Duration // at Open: the Age at which Fate strikes; at once if it has passed
	Why   wire.Why      // what to Deny with
	Reply []byte        // or the bytes of it; empty but not nil resets the connection

	// Delay holds up a connection at Connect, a request, an answer, bytes at Read, or an end. Delays add
	// up.
	Delay time.Duration

	// Data is what is about to be passed on, at Write. It may be replaced by other bytes, as many or
	// more; it must not be changed in place. If Again is true these bytes have been asked about before,
	// because they could not all go: then they stay as they were changed the first time.
	Data  []byte
	Again bool

	// Take is how much of Data may go now; the rest is asked about again. 0 is all, or with a Fate
	// none; less than 0 is none, until the Pause is over. A fault can only take less than those before
	// it.
	Take int

	// Pause follows after what is taken, at Write. The longest counts.
	Pause time.Duration

	// Rate is how many bytes a second may pass, at Write: a pause follows that what is taken is worth.
	// The lowest counts; 0 is any number.
	Rate int64

	key      uint64        // of the fault, and of what it was drawn for
	by       *active       // the fault that added most to Delay
	most     time.Duration // and how much
	pausedBy *active       // the fault that wants the longest pause, or the lowest rate
}

// Draw gives a number in [0, 1) that the proxy's seed decides for this fault and this request, or
// this connection: it is the same at each of its moments.
func (e *Event) Draw() float64 { return unit(mix(e.key, saltDraw)) }

// Rand gives random numbers that the proxy's seed decides for this very event. Asked twice, it starts
// again.
func (e *Event) Rand() *rand.Rand {
	return rand.New(rand.NewPCG(mix(e.key, saltRand), mix(uint64(e.Moment), uint64(e.Passed))))
}
