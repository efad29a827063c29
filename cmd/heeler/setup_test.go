package main_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// binary is the command, built as users get it.
var binary string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "heeler-cmd-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "heeler")
	build := exec.Command("go", "build", "-o", binary)
	if raceEnabled {
		build.Args = append(build.Args, "-race")
	}
	build.Args = append(build.Args, ".")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building: %v\n%s", err, out)
		os.Exit(1)
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // else each process that is built with -race ends a second late
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// outcome is what a command has left.
type outcome struct {
	stdout, stderr string
	code           int
}

// command runs a program to its end.
func command(t *testing.T, program string, args ...string) outcome {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	timer := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s %q: %v", program, args, err)
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// runs says that a command does what it should, and gives what it prints.
func runs(t *testing.T, program string, args ...string) string {
	t.Helper()
	o := command(t, program, args...)
	if o.code != 0 || o.stderr != "" {
		t.Fatalf("%s %q: code %d\n%s", filepath.Base(program), args, o.code, o.stderr)
	}
	return o.stdout
}

// called gives the command another name.
func called(t *testing.T, name string) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(binary, link); err != nil {
		t.Fatal(err)
	}
	return link
}

// A herd is a command that goes on.
type herd struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout bytes.Buffer
	ended  chan struct{}

	mu     sync.Mutex
	stderr strings.Builder
	grown  chan struct{}
}

// start runs a program that listens, until the test ends.
func start(t *testing.T, program string, args ...string) *herd {
	t.Helper()
	h := &herd{t: t, cmd: exec.Command(program, args...), ended: make(chan struct{}), grown: make(chan struct{}, 1)}
	h.cmd.Stdout = &h.stdout
	stderr, err := h.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := h.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go h.read(stderr)
	t.Cleanup(func() {
		h.cmd.Process.Kill()
		<-h.ended
		if strings.Contains(h.log(), "DATA RACE") || strings.Contains(h.log(), "panic:") {
			t.Error(h.log())
		}
	})
	return h
}

// run is start for "heeler chaos" with a proxy and a control of their own.
func run(t *testing.T, backend string, args ...string) *herd {
	t.Helper()
	args = append([]string{"chaos", "--backend", backend, "--http", "--http-host", "127.0.0.1", "--http-port=0"}, args...)
	if !slices.Contains(args, "--proxy") {
		args = append(args, "--proxy", "127.0.0.1:0")
	}
	return start(t, binary, args...)
}

func (h *herd) read(stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		h.mu.Lock()
		h.stderr.WriteString(lines.Text() + "\n")
		h.mu.Unlock()
		select {
		case h.grown <- struct{}{}:
		default:
		}
	}
	h.cmd.Wait()
	close(h.ended)
}

func (h *herd) log() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.stderr.String()
}

// waitFor waits until the log has something, and gives what is in the parentheses of the pattern.
func (h *herd) waitFor(pattern string) string {
	h.t.Helper()
	re := regexp.MustCompile(pattern)
	late := time.After(30 * time.Second)
	for {
		if found := re.FindStringSubmatch(h.log()); found != nil {
			return found[len(found)-1]
		}
		select {
		case <-h.grown:
		case <-h.ended:
			if re.MatchString(h.log()) {
				continue
			}
			h.t.Fatalf("ended without %s in its log:\n%s", pattern, h.log())
		case <-late:
			h.t.Fatalf("no %s in the log:\n%s", pattern, h.log())
		}
	}
}

// addr is where a proxy listens, and url where it is controlled.
func (h *herd) addr(name string) string {
	h.t.Helper()
	return h.waitFor(`msg=proxy name=` + name + ` listen=(\S+) `)
}

func (h *herd) url() string {
	h.t.Helper()
	return h.waitFor(`msg=control url=(\S+)`)
}

// ctl runs "heeler ctl", which must do what it should.
func (h *herd) ctl(args ...string) string {
	h.t.Helper()
	return runs(h.t, binary, append([]string{"ctl", "--host", h.url()}, args...)...)
}

// signal sends a signal.
func (h *herd) signal(s os.Signal) {
	h.t.Helper()
	if err := h.cmd.Process.Signal(s); err != nil {
		h.t.Fatal(err)
	}
}

// wait gives the exit code.
func (h *herd) wait() int {
	h.t.Helper()
	select {
	case <-h.ended:
	case <-time.After(30 * time.Second):
		h.t.Fatalf("it does not end:\n%s", h.log())
	}
	return h.cmd.ProcessState.ExitCode()
}
