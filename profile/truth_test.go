package profile_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"html"
	"io"
	"math"
	"net"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
	"github.com/heeler-go/heeler/profile/internal/summary"
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
	t            *testing.T
	peer         string
	began, mayGo chan struct{}
	took         time.Duration
	errands      []*errand
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
			letGo := sync.OnceFunc(func() { close(o.mayGo) })
			defer letGo()
			mux := http.NewServeMux()
			mux.Handle("/outing", o)
			mux.HandleFunc("/other", servesTheOther)
			s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, mux)

			first := s.ask("alice", "/outing?__profile__="+value)
			<-o.began
			second := s.follow(s.get("bob", "/other?__profile__"))
			s.waitsFor("bob", second, "GET /outing for alice")
			letGo()
			told := <-first
			page := told.Header.Get("Content-Location")
			if value == "" {
				page = s.follow(told)
			}
			res, other := s.stored(idOf(t, page)), s.stored(idOf(t, second))

			if res.State != result.Done || len(res.Problems) != 0 || len(res.Runs) != 1 || res.Runs[0].Status != 200 {
				t.Fatalf("%q: %s %q %+v", value, res.State, res.Problems, res.Runs)
			}
			if other.Began.Before(res.Began.Add(res.Took)) {
				t.Errorf("%q: the second began at %v, when the first, of %v, ran for %v", value, other.Began, res.Began, res.Took)
			}
			p := s.profileOf("alice", res)
			p.isOf(o)
			near(t, "the request", res.Took, o.took)
			if own := p.sum("wall", "", o.errands[0].goroutine); own != res.Took {
				t.Errorf("%q: the request's own goroutine has %v of %v", value, own, res.Took)
			}
			s.profileOf("bob", other).isOfTheOther(other)
			figuresAgree(t, res)
			s.pageAgrees("alice", res, p)
			if said := res.Sentence + "\n\n" + summary.Top(res, 5); value == "inline" && !strings.Contains(told.body, said) {
				t.Errorf("the answer is %s\nwant %s", told.body, said)
			}
		}
	})
}

// ask sends a request that takes its time. What comes is zero if that is an error.
func (s *site) ask(user, uri string) <-chan answer {
	answers := make(chan answer, 1)
	go func() {
		a, err := s.try(context.Background(), user, "GET", uri, "")
		if err != nil {
			s.t.Error(err)
			a.Response = new(http.Response)
		}
		answers <- a
	}()
	return answers
}

// waitsFor waits until a page says that its request waits for another's.
func (s *site) waitsFor(user, page, other string) {
	s.t.Helper()
	for end := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		a := s.get(user, page)
		if strings.Contains(a.body, `aria-current="step">waits for its turn<`) && strings.Contains(a.body, ">"+other+"<") {
			return
		}
		if time.Now().After(end) {
			s.t.Fatalf("the page of one that waits for %s: %d %s", other, a.StatusCode, a.body)
		}
	}
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
	all := p.goroutines()
	if len(all) != len(o.errands) || !slices.Contains(all, "request "+o.errands[0].goroutine) {
		p.t.Fatalf("goroutines %q, want the request's own, %s, and three children", all, o.errands[0].goroutine)
	}
	if p.sum("wall", "passesBy", "")+p.sum("wall", "answersLate", "")+p.sum("wall", "servesTheOther", "") > 0 {
		p.t.Error("a stranger is in the profile")
	}
	interrupted := map[string]int{}
	for _, e := range o.errands {
		beside := p.isSpinning(e)
		for kind, part := range errandParts {
			if kind == "running" {
				continue
			}
			about, own := part+" of "+e.goroutine, e.own[kind]
			got, late := p.sum(kind, part, e.goroutine), p.sum("runnable", part, e.goroutine)
			// Whoever is woken has yet to get a processor, and the system may take that away: the errand's
			// clock has that, too.
			if got+late > own+slack(own) || got+late < own-slack(own)-beside {
				p.t.Errorf("%s: %v, and %v runnable, want %v less up to %v on a processor", about, got, late, own, beside)
			}
			if got < e.till[kind]-slack(own) {
				interrupted[kind]++
			}
			// One may have lost its processor between its clock and the wait. More would be a fault.
			if got > own+slack(own) || interrupted[kind] > 1 {
				p.t.Errorf("%s: %v, want %v to %v", about, got, e.till[kind], own)
			}
		}
	}
	for _, part := range errandParts {
		if spun, other := p.sum("cpu", errandParts["running"], ""), p.sum("cpu", part, ""); spun == 0 || other > spun {
			p.t.Errorf("CPU samples of %v in what spins, of %v in what %s", spun, other, part)
		}
	}
}

// isSpinning checks the time on a processor, and says how much of it was beside the spinning. It is known to be
// in the function that spins only where the CPU profiler has seen it, each time for 10 ms, or where it was
// interrupted.
func (p decoded) isSpinning(e *errand) (beside time.Duration) {
	p.t.Helper()
	own, part := e.own["running"], errandParts["running"]
	late := p.sum("runnable", part, e.goroutine)
	least := p.sum("running", part, e.goroutine) + late
	most := p.sum("running", "", e.goroutine) + p.sum("assist", "", e.goroutine) + late
	if least > own+10*time.Millisecond || most < own-slack(own) {
		p.t.Errorf("%s of %s: %v to %v, want %v", part, e.goroutine, least, most, own)
	}
	return max(most-own, 0)
}

func (p decoded) isOfTheOther(res *result.Result) {
	p.t.Helper()
	if all := p.goroutines(); len(all) != 1 || p.sum("wall", "errand", "") != 0 {
		p.t.Errorf("the second has the goroutines %q, and %v of the first", all, p.sum("wall", "errand", ""))
	}
	if slept := p.sum("sleep", "servesTheOther", ""); slept < 19*time.Millisecond || slept > res.Took {
		p.t.Errorf("the second slept for %v of %v", slept, res.Took)
	}
}

var (
	length = `([0-9.]+) (ns|µs|ms|s)`
	said   = regexp.MustCompile(`^` + length + `: (.*)$`)
	part   = regexp.MustCompile(`^([0-9]+) % (.*)$`)
)

// figuresAgree checks the sentence against the shares, and these against the whole.
func figuresAgree(t *testing.T, res *result.Result) {
	t.Helper()
	m := said.FindStringSubmatch(res.Sentence)
	if m == nil {
		t.Fatalf("the sentence is %q", res.Sentence)
	}
	near(t, "the sentence's length", inUnit(t, m[1], m[2]), res.Took)
	for i, one := range strings.Split(m[3], ", ") {
		m := part.FindStringSubmatch(one)
		if m == nil || i >= len(res.Shares) || m[2] != res.Shares[i].What {
			t.Fatalf("the sentence is %q, the shares are %+v", res.Sentence, res.Shares)
		}
		said, err := strconv.ParseFloat(m[1], 64)
		if is := 100 * float64(res.Shares[i].Time) / float64(res.Took); err != nil || math.Abs(said-is) > 1 {
			t.Errorf("the sentence is %q, the share %.1f %%", res.Sentence, is)
		}
	}
	var sum time.Duration
	for _, s := range res.Shares {
		sum += s.Time
	}
	if sum != res.Took {
		t.Errorf("the shares make %v of %v", sum, res.Took)
	}
}

var (
	shareRow = regexp.MustCompile(`</i>([^<]*)</td><td class="where">.*</td><td class="n">[<0-9.]+ %</td><td class="n">` + length + `</td>`)
	choice   = regexp.MustCompile(`<a href="\?by=([a-z]+)#where".*<b>` + length + `</b>`)
)

// pageAgrees checks the figures on the page of a result against the result and the profile.
func (s *site) pageAgrees(user string, res *result.Result, p decoded) {
	s.t.Helper()
	page := html.UnescapeString(s.get(user, "/__profile__/"+res.ID+"/").body)
	if !strings.Contains(page, "<h1>"+res.Sentence+"</h1>") {
		s.t.Errorf("the page has not the sentence %q", res.Sentence)
	}
	rows := shareRow.FindAllStringSubmatch(page, -1)
	if len(rows) != len(res.Shares) {
		s.t.Fatalf("the page has %d rows %q, want one for each of %d shares", len(rows), rows, len(res.Shares))
	}
	for i, row := range rows {
		share := res.Shares[i]
		if shown := inUnit(s.t, row[2], row[3]); row[1] != share.What || !same(shown, share.Time) {
			s.t.Errorf("row %d is %s in %v, want %+v", i, row[1], shown, share)
		}
	}
	choices := choice.FindAllStringSubmatch(page, -1)
	if len(choices) < 5 {
		s.t.Errorf("the page can count by %q only", choices)
	}
	for _, c := range choices {
		if shown, is := inUnit(s.t, c[2], c[3]), p.sum(c[1], "", ""); !same(shown, is) {
			s.t.Errorf("the page has %v of %s, the profile %v", shown, c[1], is)
		}
	}
}

func inUnit(t *testing.T, figure, unit string) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(figure + unit)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// same says whether a time is the one that is shown, in three digits.
func same(shown, is time.Duration) bool { return (shown - is).Abs() <= is/100 }
