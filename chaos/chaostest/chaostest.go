// Package chaostest gives a test a backend that misbehaves when the test wants it to. "MySQL hangs
// here" takes three lines:
//
//	proxy := chaostest.New(t, wire.MySQL, "127.0.0.1:3306")
//	db := open(t, proxy.Addr())            // the code under test, which knows of nothing
//	chaostest.Set(t, proxy, chaos.Hang{})  // from here on, also for the connections it has
//
// What is broken for a while only is put into a function:
//
//	chaostest.With(t, proxy, func() {
//		…
//	}, chaos.Error{Code: "1213"})
//
// The behaviors are those of package chaos, or your own. Those that have to do with requests need a
// protocol: with nil, any is relayed, and connections are struck rather than requests. Faults with a
// share, a direction or a schedule are set with the proxy's own SetFaults; what has happened is told by
// its Stats.
//
// The proxy listens on a free port of 127.0.0.1, so that tests may run beside each other, and ends
// with the test. If the test has failed, the log tells what the proxy has done, and by which
// seed the same is drawn again:
//
//	HEELER_CHAOS_SEED=4711 go test -run TestCheckout
package chaostest

import (
	"os"
	"strconv"
	"sync"
	"testing"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// SeedVariable names the environment variable that has the seed of all proxies, a number from 1 to
// 2⁶⁴-1. Without it, or with 0, each has one of its own.
const SeedVariable = "HEELER_CHAOS_SEED"

// New starts a proxy without faults in front of a backend, "host:port" or "unix:/path". It ends, with
// its connections and goroutines, when the test does and what the test has registered for cleaning up
// since then is done. A nil protocol is [wire.TCP].
//
// New fails the test where the proxy cannot be started. It may be called from any goroutine that may
// call t.FailNow.
func New(t testing.TB, protocol wire.Protocol, backend string) *chaos.Proxy {
	t.Helper()
	seed, err := seed()
	if err != nil {
		t.Fatalf("chaostest: %s is %q, want a number from 0 to 2⁶⁴-1", SeedVariable, os.Getenv(SeedVariable))
	}
	d := new(diary)
	p := &chaos.Proxy{Name: t.Name(), Backend: backend, Protocol: protocol, Seed: seed, Notify: d.note}
	if err := p.Start(); err != nil {
		t.Fatalf("chaostest: %v", err)
	}
	t.Cleanup(func() {
		p.Close()
		if t.Failed() {
			d.tell(t, p)
		}
	})
	return p
}

// seed gives the one that is asked for; 0 is any.
func seed() (uint64, error) {
	text := os.Getenv(SeedVariable)
	if text == "" {
		return 0, nil
	}
	return strconv.ParseUint(text, 10, 64)
}

// Set makes these all that is wrong with the proxy, in this order, at once and always; none at all
// makes it good again. It fails the test where one of them is not accepted: nothing has changed then.
func Set(t testing.TB, p *chaos.Proxy, behaviors ...chaos.Behavior) {
	t.Helper()
	if err := p.SetFaults(faults(behaviors)...); err != nil {
		t.Fatal(err)
	}
}

// With is Set for as long as f runs. What was set before is set again, also when f panics or ends the
// test.
func With(t testing.TB, p *chaos.Proxy, f func(), behaviors ...chaos.Behavior) {
	t.Helper()
	if err := p.With(f, faults(behaviors)...); err != nil {
		t.Fatal(err)
	}
}

func faults(behaviors []chaos.Behavior) []chaos.Fault {
	all := make([]chaos.Fault, len(behaviors))
	for i, b := range behaviors {
		all[i] = chaos.Fault{Behavior: b}
	}
	return all
}

// lines is how much a diary holds: a benchmark must not fill the memory.
const lines = 200

// A diary keeps the last things that happened at a proxy.
type diary struct {
	mu   sync.Mutex
	last []chaos.Notice // a ring once it is full
	n    int            // how many there were
}

func (d *diary) note(n chaos.Notice) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.last) < lines {
		d.last = append(d.last, n)
	} else {
		d.last[d.n%lines] = n
	}
	d.n++
}

// tell logs what a proxy has done, for a test that has failed.
func (d *diary) tell(t testing.TB, p *chaos.Proxy) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	t.Logf("chaostest: the proxy of %s drew by %s=%d", p.Backend, SeedVariable, p.Stats().Seed)
	if d.n > lines {
		t.Logf("… %d events before these", d.n-lines)
	}
	for i := max(d.n-lines, 0); i < d.n; i++ {
		t.Log(line(d.last[i%lines]))
	}
}

// line is a notice for people.
func line(n chaos.Notice) string {
	text := n.Time.Format("15:04:05.000 ")
	if n.Conn != 0 {
		text += "connection " + strconv.FormatUint(n.Conn, 10)
		if n.Request != 0 {
			text += ", request " + strconv.FormatUint(n.Request, 10)
		}
		text += ": "
	}
	text += string(n.Kind)
	for _, more := range []string{n.Fault, n.Text} {
		if more != "" {
			text += " " + more
		}
	}
	return text
}
