package servers_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/servers"
)

// theEnd is the variable that tells a test process, started by the test below, how to end.
const theEnd = "HEELER_SERVERS_TEST_END"

func TestNothingOutlivesTheTestProcess(t *testing.T) {
	for _, end := range []string{"killed", "killed while they hang", "panic", "exit"} {
		t.Run(end, func(t *testing.T) {
			t.Parallel()
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self, "-test.run=^TestProcessThatEndsBadly$")
			cmd.Env = append(os.Environ(), theEnd+"="+end)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			in, err := cmd.StdinPipe() // it waits for the end of it
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			dirs := []string{}
			lines := bufio.NewScanner(out)
			for lines.Scan() {
				if lines.Text() == "ready" {
					break
				}
				dirs = append(dirs, lines.Text())
			}
			if len(dirs) < len(backends) {
				if err := cmd.Wait(); err == nil {
					t.Skip("not all servers are installed")
				}
				t.Fatalf("the process started servers in %q, want %d of them", dirs, len(backends))
			}
			for _, dir := range dirs {
				if len(processesIn(dir)) == 0 {
					t.Errorf("no process runs in %s: this test looks in the wrong place", dir)
				}
			}
			if strings.HasPrefix(end, "killed") {
				cmd.Process.Kill()
			}
			in.Close()
			if err := cmd.Wait(); err == nil {
				t.Error("the process ended well")
			}
			for _, dir := range dirs {
				leavesNothing(t, dir)
			}
		})
	}
}

func TestProcessThatEndsBadly(t *testing.T) {
	end := os.Getenv(theEnd)
	if end == "" {
		t.Skip("runs only as a process of its own, started by another test")
	}
	for _, backend := range backends {
		s := backend.start(t)
		if end == "killed while they hang" {
			s.Hang()
		}
		fmt.Println(s.Dir)
	}
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	if end == "panic" { // which a test's timeout is, too
		go panic("as the test wants it")
		select {}
	}
	os.Exit(1)
}

func TestAServerOutlivesTheThreadThatStartedIt(t *testing.T) {
	servers.Program(t, "redis-server", "redis-server")
	started := make(chan *servers.Server)
	go func() {
		runtime.LockOSThread() // and the thread ends with the goroutine
		started <- servers.Redis(t)
	}()
	s := <-started
	time.Sleep(short) // for the thread to end
	if !answers(t, s, long) {
		t.Error("the server does not answer")
	}
}

func TestAKilledPostgreSQLLeavesNoSharedMemory(t *testing.T) {
	// segments lists those of the machine, by key, identifier and more.
	segments := func() string {
		text, err := os.ReadFile("/proc/sysvipc/shm")
		if err != nil {
			t.Skipf("the system does not say: %v", err)
		}
		return strings.Join(strings.Fields(string(text)), " ")
	}
	var segment string
	t.Run("while it runs", func(t *testing.T) {
		s := servers.PostgreSQL(t)
		file, err := os.ReadFile(filepath.Join(s.Dir, "data", "postmaster.pid"))
		if err != nil {
			t.Fatal(err)
		}
		segment = strings.Join(strings.Fields(strings.Split(string(file), "\n")[6]), " ")
		if !strings.Contains(segments(), segment) {
			t.Fatalf("%s is not in %s: this test looks in the wrong place", segment, segments())
		}
		s.Kill()
	})
	if segment != "" && strings.Contains(segments(), segment) {
		t.Errorf("%s is left in %s", segment, segments())
	}
}

// leavesNothing waits for the end of all processes that have to do with a directory, and of itself.
func leavesNothing(t *testing.T, dir string) {
	t.Helper()
	deadline := time.Now().Add(long)
	for {
		left := processesIn(dir)
		_, err := os.Stat(dir)
		if len(left) == 0 && os.IsNotExist(err) {
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("%s is left (%v), with processes %q", dir, err, left)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// processesIn lists the processes that stand in a directory or name it in their command.
func processesIn(dir string) []string {
	var found []string
	processes, _ := filepath.Glob("/proc/[0-9]*")
	for _, process := range processes {
		in, _ := os.Readlink(process + "/cwd")
		command, _ := os.ReadFile(process + "/cmdline")
		if strings.HasPrefix(in, dir) || strings.Contains(string(command), dir) {
			found = append(found, fmt.Sprintf("%s %s", filepath.Base(process), command))
		}
	}
	return found
}
