package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/servers"
)

// TestMain fails when a test has left a goroutine behind. Called with asShop set, the test binary
// is the shop.
func TestMain(m *testing.M) {
	if os.Getenv(asShop) != "" {
		main()
		return
	}
	before := runtime.NumGoroutine()
	code := m.Run()
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			stacks := make([]byte, 1<<20)
			fmt.Fprintf(os.Stderr, "goroutines are left behind:\n%s\n", stacks[:runtime.Stack(stacks, true)])
			code = 1
			break
		}
	}
	os.Exit(code)
}

const asShop = "HEELER_TEST_AS_SHOP"

// command is the shop in a process of its own.
func command(t *testing.T, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), asShop+"=1")
	return cmd
}

func TestTheTourHoldsWhatItPromises(t *testing.T) {
	takesLong(t)
	holds(t, "-tour")
}

func TestTheTourHoldsWithAMariaDBAndARedis(t *testing.T) {
	takesLong(t)
	db, cache := servers.MariaDB(t), servers.Redis(t)
	holds(t, "-tour", "-mysql", db.DSN, "-redis", cache.Addr)
}

// takesLong lets tours run beside each other: they mostly wait.
func takesLong(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a quarter of a minute")
	}
	t.Parallel()
}

// holds runs the shop with the arguments, which ask for a tour.
func holds(t *testing.T, args ...string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := command(t, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v, and on stderr: %s", err, &stderr)
	}
	for _, want := range []string{"before   MySQL hangs         after", "unharmed?",
		"the breaker of mysql is open for", "the breaker of mysql is closed: probe succeeded",
		"from the hang to the first 503 that comes at once", "are served during the outage            100.0 %",
		"from the restore to the first good page with SQL", "| in call 1 to mysql for ", "SELECT id, title", "(the same statement ", "(*shop).search(...)", "found, err := s.catalog.search",
		"% waiting for mysql", "the same statement 30 times"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the tour does not show %q", want)
		}
	}
	if t.Failed() {
		t.Log(stdout.String())
	}
}

func TestATourThatIsInterruptedSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stdout := &lines{on: func(line string) {
		if strings.Contains(line, "load on a healthy shop") {
			cancel()
		}
	}}
	var stderr bytes.Buffer
	if code := run(ctx, []string{"-tour"}, stdout, &stderr); code != 1 || !strings.Contains(stderr.String(), "the tour was not finished") {
		t.Errorf("exit code %d, and on stderr: %s", code, &stderr)
	}
}

func TestTheShopIsOpenUntilItIsTerminated(t *testing.T) {
	cmd := command(t, "-addr", "127.0.0.1:0")
	var visit error
	cmd.Stdout = &lines{on: func(line string) {
		if _, url, ok := strings.Cut(line, "The shop is open:"); ok {
			visitor := newShopper(strings.TrimSpace(url), nil)
			visit = visitor.get(t.Context(), errand{"/search?q=melville", "Typee"}).err
			visitor.client.CloseIdleConnections()
			cmd.Process.Signal(syscall.SIGTERM)
		}
	}}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil || stderr.Len() > 0 {
		t.Errorf("%v, and on stderr: %s", err, &stderr)
	}
	if visit != nil {
		t.Error(visit)
	}
}

func TestATakenAddressIsNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	var stderr bytes.Buffer
	code := run(t.Context(), []string{"-addr", addr}, io.Discard, &stderr)
	if want := "shop: " + addr + " is taken by another program: choose another address with -addr\n"; code != 1 || stderr.String() != want {
		t.Errorf("exit code %d, and on stderr: %swant %s", code, &stderr, want)
	}
}

func TestABackendThatIsNotThereIsNamed(t *testing.T) {
	for flag, addr := range map[string]string{"-mysql": "shop@tcp(127.0.0.1:1)/shop", "-redis": "127.0.0.1:1"} {
		var stderr bytes.Buffer
		code := run(t.Context(), []string{"-addr", "127.0.0.1:0", flag, addr}, io.Discard, &stderr)
		if code != 1 || !strings.Contains(strings.ToLower(stderr.String()), flag[1:]+":") {
			t.Errorf("%s: exit code %d, and on stderr: %s", flag, code, &stderr)
		}
	}
}

func TestAMistakeOnTheCommandLineExitsWith2AndHelpWith0(t *testing.T) {
	for arg, want := range map[string]int{"-nonsense": 2, "-limit=1h": 2, "-help": 0} {
		if got := run(t.Context(), []string{arg}, io.Discard, io.Discard); got != want {
			t.Errorf("%s: exit code %d, want %d", arg, got, want)
		}
	}
}

// lines is a writer that tells of each line.
type lines struct {
	on func(line string)

	mu   sync.Mutex
	rest string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest += string(p)
	for {
		line, rest, ok := strings.Cut(l.rest, "\n")
		if !ok {
			return len(p), nil
		}
		l.rest = rest
		l.on(line)
	}
}
