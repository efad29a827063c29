package chaostest_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/chaostest"
	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/echo"
	"github.com/heeler-go/heeler/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// dial connects; whoever tests here closes its connections with the test.
func dial(t testing.TB, p *chaos.Proxy) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// reply says a word and gives what comes back within a while.
func reply(c net.Conn, patience time.Duration) (string, error) {
	c.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, "word"); err != nil {
		return "", err
	}
	got := make([]byte, 4)
	_, err := io.ReadFull(c, got)
	return string(got), err
}

const (
	long  = 10 * time.Second
	short = 50 * time.Millisecond
)

func mustReply(t testing.TB, c net.Conn) {
	t.Helper()
	if got, err := reply(c, long); got != "word" || err != nil {
		t.Fatalf("heard %q and %v, want the word", got, err)
	}
}

func TestABackendHangsHere(t *testing.T) {
	t.Parallel()
	proxy := chaostest.New(t, nil, echo.Start(t))
	c := dial(t, proxy)
	mustReply(t, c)
	chaostest.Set(t, proxy, chaos.Hang{})
	if _, err := reply(c, short); !isTimeout(err) {
		t.Errorf("with a backend that hangs: %v", err)
	}
	chaostest.Set(t, proxy)
	mustReply(t, dial(t, proxy))
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func TestAFaultForAWhile(t *testing.T) {
	t.Parallel()
	proxy := chaostest.New(t, wire.TCP, echo.Start(t))
	chaostest.Set(t, proxy, chaos.Latency{Latency: time.Millisecond})
	for range 2 {
		chaostest.With(t, proxy, func() {
			if c, err := net.Dial("tcp", proxy.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
				t.Errorf("connected to what refuses: %v, %v", c, err)
			}
		}, chaos.Refuse{})
		mustReply(t, dial(t, proxy))
		if f := proxy.Faults(); len(f) != 1 || f[0].Name != "latency_downstream" {
			t.Errorf("set afterwards: %v, want what was set before", f)
		}
	}
}

// A stage is a test that is only played: what it registers and logs is kept.
type stage struct {
	testing.TB
	failed   bool
	fatal    string
	log      strings.Builder
	cleanups []func()
}

func (s *stage) Cleanup(f func())           { s.cleanups = append(s.cleanups, f) }
func (s *stage) Failed() bool               { return s.failed }
func (s *stage) Log(args ...any)            { fmt.Fprintln(&s.log, args...) }
func (s *stage) Logf(f string, args ...any) { fmt.Fprintf(&s.log, f+"\n", args...) }

func (s *stage) Fatalf(f string, args ...any) {
	s.fatal = fmt.Sprintf(f, args...)
	runtime.Goexit()
}

func (s *stage) Fatal(args ...any) { s.Fatalf("%s", fmt.Sprint(args...)) }

// play runs a test to its end, cleaning up included.
func play(t *testing.T, test func(*stage)) *stage {
	s := &stage{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(s)
	}()
	<-done
	for i := len(s.cleanups) - 1; i >= 0; i-- {
		s.cleanups[i]()
	}
	return s
}

func TestAFailedTestTellsWhatHappenedAndTheSeed(t *testing.T) {
	t.Setenv(chaostest.SeedVariable, "4711")
	backend := echo.Start(t)
	story := func(s *stage) {
		proxy := chaostest.New(s, nil, backend)
		chaostest.Set(s, proxy, chaos.Latency{Latency: time.Millisecond})
		mustReply(t, dial(t, proxy))
		chaostest.Set(s, proxy, chaos.Reset{})
		for range 300 {
			chaostest.Set(s, proxy)
		}
		chaostest.Set(s, proxy, chaos.Reset{})
	}
	if good := play(t, story); good.log.Len() != 0 {
		t.Errorf("a good test logged:\n%s", &good.log)
	}
	bad := play(t, func(s *stage) { s.failed = true; story(s) })
	for _, want := range []string{
		"the proxy of " + backend + " drew by HEELER_CHAOS_SEED=4711\n", "events before these", "faults set reset_downstream\n",
	} {
		if !strings.Contains(bad.log.String(), want) {
			t.Errorf("a failed test lacks %q:\n%s", want, &bad.log)
		}
	}
	told := strings.Split(strings.TrimSpace(bad.log.String()), "\n")
	if len(told) > 220 || !strings.HasSuffix(told[len(told)-1], "stopped") || !slices.IsSortedFunc(told[2:], byTime) {
		t.Errorf("want the last 200 events in their order, not\n%s", &bad.log)
	}
}

// byTime compares the times at the beginning of lines.
func byTime(a, b string) int {
	const size = len("15:04:05.000")
	return strings.Compare(a[:size], b[:size])
}

func TestWhatHappenedToAConnectionIsTold(t *testing.T) {
	s := play(t, func(s *stage) {
		s.failed = true
		proxy := chaostest.New(s, nil, echo.Start(t))
		c := dial(t, proxy)
		mustReply(t, c)
		chaostest.Set(s, proxy, chaos.Reset{})
		if _, err := reply(c, long); err == nil {
			t.Error("a connection that was reset answered")
		}
	})
	for _, want := range []string{"listening 127.0.0.1:", "connection 1: opened 127.0.0.1:", "connection 1: struck reset_downstream open"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, &s.log)
		}
	}
}

func TestTheSeedIsTheOneAskedForElseEachProxyHasItsOwn(t *testing.T) {
	backend := echo.Start(t)
	seed := func() uint64 { return chaostest.New(t, nil, backend).Stats().Seed }
	t.Setenv(chaostest.SeedVariable, "7")
	if got := seed(); got != 7 {
		t.Errorf("seed %d, want 7", got)
	}
	t.Setenv(chaostest.SeedVariable, "")
	if a, b := seed(), seed(); a == b || a == 0 || b == 0 {
		t.Errorf("seeds %d and %d, want two of their own", a, b)
	}
}

func TestMistakesEndTheTestAndNameTheField(t *testing.T) {
	for name, mistake := range map[string]struct {
		seed string
		make func(*stage)
		want string
	}{
		"backend": {"", func(s *stage) { chaostest.New(s, nil, "nowhere") },
			`chaostest: chaos: Proxy.Backend is "nowhere", want host:port or unix:/path`},
		"seed": {"x7", func(s *stage) { chaostest.New(s, nil, "127.0.0.1:1") },
			`chaostest: HEELER_CHAOS_SEED is "x7", want a number from 0 to 2⁶⁴-1`},
		"behavior": {"", func(s *stage) { chaostest.Set(s, chaostest.New(s, nil, "127.0.0.1:1"), chaos.Slicer{}) },
			"average_size"},
		"none": {"", func(s *stage) {
			chaostest.With(s, chaostest.New(s, nil, "127.0.0.1:1"), func() { t.Error("was called") }, nil)
		}, "Fault.Behavior is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(chaostest.SeedVariable, mistake.seed)
			if s := play(t, mistake.make); !strings.Contains(s.fatal, mistake.want) {
				t.Errorf("ended with %q, want %q", s.fatal, mistake.want)
			}
		})
	}
}

func TestConnectionsThatStandEndWithTheTest(t *testing.T) {
	var c net.Conn
	play(t, func(s *stage) {
		proxy := chaostest.New(s, nil, echo.Start(t))
		c = dial(t, proxy)
		mustReply(t, c)
	})
	if _, err := reply(c, long); err == nil || isTimeout(err) {
		t.Errorf("after the test: %v, want a closed connection", err)
	}
}

// BenchmarkARoundTrip shows that a benchmark may have a proxy as well.
func BenchmarkARoundTrip(b *testing.B) {
	c := dial(b, chaostest.New(b, nil, echo.Start(b)))
	for b.Loop() {
		mustReply(b, c)
	}
}
