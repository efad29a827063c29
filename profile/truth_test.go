package profile_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"net"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// An errand does some of everything, each in a method of its own, on one goroutine, and notes how long each
// took: by its own clock, and by the clock of whoever ended the wait. The two differ by the time until it got
// a processor again.
type errand struct {
	t         *testing.T
	goroutine string // the end of the labels of its samples: "#42"
	own, till map[string]time.Duration
}

// errandParts are the methods of an errand, by the sample type that counts what they do.
var errandParts = map[string]string{
	"running": "spins",
	"sleep":   "sleeps",
	"channel": "waitsForAMessage",
	"lock":    "waitsForALock",
	"network": "waitsForThePeer",
}

func (e *errand) run(peer string) {
	e.goroutine = "#" + strings.Fields(string(stackOfMine()))[1]
	e.own, e.till = map[string]time.Duration{}, map[string]time.Duration{}
	conn, err := net.Dial("tcp", peer)
	if err != nil {
		e.t.Error(err)
		return
	}
	defer conn.Close()
	e.spins()
	e.sleeps()
	e.waitsForAMessage()
	e.waitsForALock()
	e.waitsForThePeer(conn)
}

// stackOfMine begins with "goroutine 42 [running]:".
func stackOfMine() []byte {
	b := make([]byte, 64)
	return b[:runtime.Stack(b, false)]
}

// times notes how long f took, which returns when what it waited for came about.
func (e *errand) times(kind string, f func() time.Time) {
	began := time.Now()
	till := f()
	e.own[kind], e.till[kind] = time.Since(began), till.Sub(began)
}

//go:noinline
func (e *errand) spins() {
	e.times("running", func() time.Time {
		end := time.Now().Add(100 * time.Millisecond)
		for time.Now().Before(end) {
		}
		return end
	})
}

//go:noinline
func (e *errand) sleeps() {
	e.times("sleep", func() time.Time {
		end := time.Now().Add(50 * time.Millisecond)
		time.Sleep(50 * time.Millisecond)
		return end
	})
}

//go:noinline
func (e *errand) waitsForAMessage() {
	e.times("channel", func() time.Time {
		c := make(chan time.Time)
		time.AfterFunc(40*time.Millisecond, func() { c <- time.Now() })
		return <-c
	})
}

//go:noinline
func (e *errand) waitsForALock() {
	e.times("lock", func() (till time.Time) {
		var mu sync.Mutex
		mu.Lock()
		time.AfterFunc(30*time.Millisecond, func() { till = time.Now(); mu.Unlock() })
		mu.Lock()
		return till
	})
}

//go:noinline
func (e *errand) waitsForThePeer(conn net.Conn) {
	e.times("network", func() time.Time {
		conn.Write([]byte{'?'})
		answer := make([]byte, 8)
		if _, err := io.ReadFull(conn, answer); err != nil {
			e.t.Error(err)
		}
		return start.Add(time.Duration(binary.BigEndian.Uint64(answer)))
	})
}

// start is what the peer's clock counts from.
var start = time.Now()

// latePeer is the address of a server that answers each question after 120 ms, with the time by its clock.
func latePeer(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() { answersLate(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); conns.Wait() })
	return l.Addr().String()
}

func answersLate(conn net.Conn) {
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		return
	}
	time.Sleep(120 * time.Millisecond)
	binary.Write(conn, binary.BigEndian, time.Since(start))
}

// crowd keeps 500 goroutines busy, each in its own way, until the test ends.
func crowd(t *testing.T) {
	done := make(chan struct{})
	var all sync.WaitGroup
	var mu sync.Mutex
	for i := range 500 {
		all.Go(func() { passesBy(i, &mu, done) })
	}
	t.Cleanup(func() { close(done); all.Wait() })
}

//go:noinline
func passesBy(i int, mu *sync.Mutex, done chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
		}
		mu.Lock()
		for end := time.Now().Add(time.Microsecond); time.Now().Before(end); {
		}
		mu.Unlock()
		time.Sleep(time.Duration(i%7+1) * time.Millisecond)
	}
}

// An outing is a request that runs four errands at once, as soon as it is let.
type outing struct {
	t           *testing.T
	peer        string
	began, mayGo chan struct{}
	took        time.Duration
	errands     []*errand
}

func (o *outing) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func(began time.Time) { o.took = time.Since(began) }(time.Now())
	close(o.began)
	<-o.mayGo
	var children sync.WaitGroup
	for range 4 {
		o.errands = append(o.errands, &errand{t: o.t})
	}
	for _, child := range o.errands[1:] {
		children.Go(func() { child.run(o.peer) })
	}
	o.errands[0].run(o.peer)
	children.Wait()
}

//go:noinline
func servesTheOther(w http.ResponseWriter, r *http.Request) { time.Sleep(20 * time.Millisecond) }

func TestTheTimesAreThoseThatTheHandlerMeasuredItself(t *testing.T) {
	crowd(t)
	peer := latePeer(t)
	over(t, func(t *testing.T, protocol string) {
		for _, value := range []string{"", "inline"} {
			o := &outing{t: t, peer: peer, began: make(chan struct{}), mayGo: make(chan struct{})}
			goOn := sync.OnceFunc(func() { close(o.mayGo) })
			defer goOn()
			mux := http.NewServeMux()
			mux.Handle("/outing", o)
			mux.HandleFunc("/other", servesTheOther)
			s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, mux)

			first := make(chan answer, 1)
			go func() { first <- s.get("alice", "/outing?__profile__="+value) }()
			<-o.began
			second := s.follow(s.get("bob", "/other?__profile__"))
			for !strings.Contains(s.get("bob", second).body, "Before this one: <span class=\"wrap\">GET /outing for alice<") {
				time.Sleep(time.Millisecond) // it has hardly begun to wait
			}
			if said := s.get("bob", second).body; !strings.Contains(said, `aria-current="step">waits for its turn<`) {
				t.Errorf("the page of the second: %s", said)
			}
			goOn()
			told := <-first
			page := told.Header.Get("Content-Location")
			if value == "" {
				page = s.follow(told)
			}
			res := s.stored(idOf(t, page))
			other := s.stored(idOf(t, second))

			if res.State != result.Done || len(res.Problems) != 0 || len(res.Runs) != 1 || res.Runs[0].Status != 200 {
				t.Fatalf("%q: %s %q %+v", value, res.State, res.Problems, res.Runs)
			}
			if other.Began.Before(res.Began.Add(res.Took)) {
				t.Errorf("%q: the second began at %v, when the first, of %v, ran for %v", value, other.Began, res.Began, res.Took)
			}
			p := s.profileOf("alice", res)
			p.isOf(o)
			s.profileOf("bob", other).isOfTheOther(other)
			near(t, "the whole", res.Took, o.took)
			if value == "inline" {
				figuresAgree(t, res, told.body)
			}
			figuresAgree(t, res, "")
			s.pageAgrees("alice", res, p)
		}
	})
}

// near says whether two times are the same to within 5 %, or 2 ms where that is more.
func near(t *testing.T, what string, got, want time.Duration) {
	t.Helper()
	if (got - want).Abs() > slack(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func slack(d time.Duration) time.Duration { return max(d/20, 2*time.Millisecond) }

// A decoded is a profile as it was downloaded.
type decoded struct {
	t *testing.T
	*pprof.Profile
}

func (s *site) profileOf(user string, res *result.Result) decoded {
	s.t.Helper()
	a := s.get(user, "/__profile__/"+res.ID+"/profile.pb.gz")
	p, err := pprof.Parse(bytes.NewReader([]byte(a.body)))
	if err != nil || a.StatusCode != 200 {
		s.t.Fatalf("%d %v", a.StatusCode, err)
	}
	return decoded{s.t, p}
}

// sum is what the samples have of a type in a function, of all goroutines whose label ends so.
func (p decoded) sum(kind, function, goroutine string) time.Duration {
	p.t.Helper()
	n := slices.IndexFunc(p.SampleType, func(s *pprof.ValueType) bool { return s.Type == kind })
	if n < 0 || p.SampleType[n].Unit != "nanoseconds" {
		p.t.Fatalf("no nanoseconds of %q in the profile", kind)
	}
	var sum int64
	for _, s := range p.Sample {
		if within(s, function) && strings.HasSuffix(s.Label["goroutine"][0], goroutine) {
			sum += s.Value[n]
		}
	}
	return time.Duration(sum)
}

// within says whether a function is on the sample's stack.
func within(s *pprof.Sample, function string) bool {
	for _, l := range s.Location {
		for _, line := range l.Line {
			if strings.Contains(line.Function.Name, function) {
				return true
			}
		}
	}
	return false
}

// goroutines are the labels of the samples.
func (p decoded) goroutines() []string {
	var all []string
	for _, s := range p.Sample {
		all = append(all, s.Label["goroutine"]...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// isOf checks the profile against what the errands measured.
func (p decoded) isOf(o *outing) {
	p.t.Helper()
	if all := p.goroutines(); len(all) != len(o.errands) {
		p.t.Fatalf("goroutines %q, want the request's own and three children", all)
	}
	if p.sum("wall", "passesBy", "")+p.sum("wall", "answersLate", "")+p.sum("wall", "servesTheOther", "") > 0 {
		p.t.Error("a stranger is in the profile")
	}
	for i, e := range o.errands {
		if label := p.goroutines(); i == 0 && !slices.Contains(label, "request "+e.goroutine) {
			p.t.Errorf("goroutines %q, want the request's own to be %s", label, e.goroutine)
		}
		for kind, part := range errandParts {
			about := part + " of " + e.goroutine
			got, late := p.sum(kind, part, e.goroutine), p.sum("runnable", part, e.goroutine)
			if kind == "running" {
				got += p.sum("assist", part, e.goroutine)
			} else if got > e.own[kind]+slack(e.own[kind]) || got < e.till[kind]-slack(e.till[kind]) {
				p.t.Errorf("%s: %v, want %v to %v", about, got, e.till[kind], e.own[kind])
			}
			// Whoever is woken has yet to get a processor: the errand's clock has that, too.
			near(p.t, about, got+late, e.own[kind])
		}
	}
	if cpu, spun := p.sum("cpu", "", ""), p.sum("cpu", "(*errand).spins", ""); spun == 0 || 2*spun < cpu {
		p.t.Errorf("CPU samples of %v, only %v in what spins", cpu, spun)
	}
}

func (p decoded) isOfTheOther(res *result.Result) {
	p.t.Helper()
	if all := p.goroutines(); len(all) != 1 || p.sum("wall", "errand", "") != 0 {
		p.t.Errorf("the second has the goroutines %q, and %v of the first", all, p.sum("wall", "errand", ""))
	}
	if slept := p.sum("sleep", "servesTheOther", ""); slept < 20*time.Millisecond || slept > res.Took {
		p.t.Errorf("the second slept for %v of %v", slept, res.Took)
	}
}

var _ = math.Abs
