package chaos

import "github.com/heeler-go/heeler/chaos/wire"

// Error answers requests with an error in the backend's stead, which never sees them. Where the
// protocol has no requests that one could tell apart, and so no errors, it answers with random bytes.
type Error struct {
	// Code is the error in the protocol's own terms: see [wire.Why]. Empty leaves it to the protocol.
	Code string `attr:"code" help:"the error in the protocol's own terms, such as 503 or 1213; empty is a usual one"`

	// Message is for people. Empty is a usual one.
	Message string `attr:"message" help:"the text of the error; empty is a usual one"`

	// Inject lets requests pass, and puts random bytes into the middle of what the other side says.
	// That strikes connections, not requests.
	Inject bool `attr:"inject" help:"put random bytes into the data, rather than to answer with an error"`

	// Warmup is how many requests, of all connections, are good before the first error.
	Warmup int `attr:"warmup" help:"how many requests are good before the first error"`
}

const (
	noiseReply = 1000 // bytes of an answer where there is no protocol
	noiseInset = 100  // bytes put into the data
)

// Name is "error".
func (Error) Name() string { return "error" }

// Strike denies requests, or puts noise between the bytes.
func (x Error) Strike(e *Event) {
	switch {
	case before(e) < uint64(x.Warmup):
	case x.Inject && e.Moment == Write && room(e) > 0 && !e.Again:
		inset(e)
	case !x.Inject && e.Moment == Request:
		e.Fate = Deny
		e.Why = wire.Why{Code: x.Code, Message: x.Message, Pick: e.Rand().Uint64()}
		if !e.Requests {
			e.Reply = noise(e, noiseReply)
		}
	}
}

// before counts the requests before the one that an event is about: once it has begun, it is itself the
// last of those seen.
func before(e *Event) uint64 {
	if e.Moment == Request || e.Seen == 0 {
		return e.Seen
	}
	return e.Seen - 1
}

// inset puts noise into the middle of what may go.
func inset(e *Event) {
	middle := room(e) / 2
	data := make([]byte, 0, len(e.Data)+noiseInset)
	data = append(data, e.Data[:middle]...)
	data = append(data, noise(e, noiseInset)...)
	e.Data = append(data, e.Data[middle:]...)
	if e.Take > 0 {
		e.Take += noiseInset
	}
}

// noise gives random bytes that the seed decides.
func noise(e *Event, n int) []byte {
	r, b := e.Rand(), make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// Validate says what is wrong with the fields: an [AttributeError].
func (x Error) Validate() error { return between(x, "warmup", x.Warmup, 0, mostRequests) }

// CheckProtocol says whether the protocol has such an error. A proxy asks it before it takes the fault.
func (x Error) CheckProtocol(p wire.Protocol) error {
	return p.Check(wire.Why{Code: x.Code, Message: x.Message})
}

// mostRequests is how many requests a behavior may be told to count.
const mostRequests = 1_000_000_000
