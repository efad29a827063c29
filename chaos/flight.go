package chaos

import (
	"slices"
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
)

// An exchange is a request whose answer is not complete, or some in a row that nothing happens to.
type exchange struct {
	n     uint64 // its number in the connection
	count uint64 // how many in a row
	id    uint64 // wire.Part.ID
	fate  Fate   // Pass, Deny, Swallow or Sever

	// For Deny: what the client gets instead, since when it waits, for how long and through which fault, and
	// whether the request is complete.
	answer wire.Answer
	came   time.Time
	delay  time.Duration
	by     *active
	ready  bool
}

// lost says that the backend does not see the request.
func (x *exchange) lost() bool { return x.fate == Deny || x.fate == Swallow }

// A flight is the exchanges in progress on a connection, in the order of their requests. Pipelines are
// long, and some clients send all of them before they read an answer: what passes costs nothing more,
// and the first one leaves without the others having to move.
type flight struct {
	list []exchange
	gone int // how many at the beginning of list have left
}

const (
	// maxFlight bounds a list. With more, the client has to wait.
	maxFlight = 250_000

	// maxOvertaking bounds it where answers may overtake each other. Some never come there, such as those
	// of requests that were abandoned: the oldest is forgotten.
	maxOvertaking = 1000
)

func (f *flight) rest() []exchange { return f.list[f.gone:] }

// push adds an exchange at the end.
func (f *flight) push(x exchange) {
	x.count = 1
	if n := len(f.list); n > f.gone && x.id == 0 {
		if last := &f.list[n-1]; last.fate == Pass && x.fate == Pass && last.n+last.count == x.n {
			last.count++
			return
		}
	}
	if x.id != 0 {
		i := slices.IndexFunc(f.list, func(y exchange) bool { return y.id == x.id && y.fate != Deny })
		switch {
		case i >= f.gone:
			f.remove(i)
		case len(f.rest()) >= maxOvertaking:
			if i := slices.IndexFunc(f.list, func(y exchange) bool { return y.id != 0 && y.fate != Deny }); i >= f.gone {
				f.remove(i)
			}
		}
	}
	if f.gone > len(f.list)/2 && len(f.list) == cap(f.list) {
		f.list = slices.Delete(f.list, 0, f.gone)
		f.gone = 0
	}
	f.list = append(f.list, x)
}

// answering finds the exchange that the backend answers: the one with the ID, or the first. Nil: it
// speaks although nobody has asked. What it points to is good until the flight changes.
func (f *flight) answering(id uint64) *exchange {
	rest := f.rest()
	i := 0
	if id != 0 {
		i = slices.IndexFunc(rest, func(x exchange) bool { return x.id == id && !x.lost() })
	}
	if i < 0 || i >= len(rest) || rest[i].lost() {
		return nil
	}
	return &rest[i]
}

// complete says of one of the last exchanges that its request is complete.
func (f *flight) complete(n uint64) {
	rest := f.rest()
	for i := len(rest) - 1; i >= 0 && rest[i].n >= n; i-- {
		rest[i].ready = rest[i].ready || rest[i].n == n
	}
}

// drop forgets an exchange: its answer is complete.
func (f *flight) drop(n uint64) {
	for i := f.gone; i < len(f.list); i++ {
		if x := &f.list[i]; x.n == n {
			if x.n, x.count = x.n+1, x.count-1; x.count == 0 {
				f.remove(i)
			}
			return
		}
	}
}

func (f *flight) remove(i int) {
	if i != f.gone {
		f.list = slices.Delete(f.list, i, i+1)
		return
	}
	f.list[i] = exchange{}
	f.gone++
	if f.gone == len(f.list) {
		f.list, f.gone = f.list[:0], 0
	}
}

// denied takes out the next answer that is the proxy's to give: those before it are complete, or may
// be overtaken.
func (f *flight) denied() (exchange, bool) {
	for i := f.gone; i < len(f.list); i++ {
		x := f.list[i]
		if x.fate == Deny && x.ready {
			f.remove(i)
			return x, true
		}
		if x.id == 0 {
			break
		}
	}
	return exchange{}, false
}
