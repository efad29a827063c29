package servers

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// folders is where servers are installed that no user is meant to start by hand.
var folders = []string{"/usr/sbin", "/usr/libexec", "/usr/lib/postgresql/*/bin"}

// Program finds a program of a Debian package. Without it the test goes no further.
func Program(t testing.TB, debian, name string) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		absent(t, "servers: private servers for tests run on linux only, this is %s", runtime.GOOS)
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	newest, best := "", -1.0
	for _, folder := range folders {
		paths, err := filepath.Glob(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			// PostgreSQL's folders are named by their version: 9.6, 15, 17.
			version, _ := strconv.ParseFloat(filepath.Base(filepath.Dir(filepath.Dir(path))), 64)
			if version > best {
				newest, best = path, version
			}
		}
	}
	if newest == "" {
		absent(t, "servers: there is no %s: install Debian's package %s", name, debian)
	}
	return newest
}

// absent ends a test that lacks its server.
func absent(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format+" (with CI=true that is a failure)", args...)
	}
	t.Skipf(format, args...)
}

// freePort finds a port on 127.0.0.1 that is free now. It stays below the range from which the system
// gives ports to outgoing connections: while a server is down, the clients that a test sends on by the
// thousand would otherwise take its port sooner or later, and it could not be started again.
func freePort() (string, error) {
	const lowest, enough = 10_000, 1_000
	below := lowest
	if text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range"); err == nil {
		if _, err := fmt.Sscan(string(text), &below); err != nil {
			return "", fmt.Errorf("ip_local_port_range is %q: %w", text, err)
		}
	}
	if below < lowest+enough {
		return bindable("0")
	}
	var err error
	for range 100 {
		var port string
		if port, err = bindable(strconv.Itoa(lowest + rand.IntN(below-lowest))); err == nil {
			return port, nil
		}
	}
	return "", errors.Join(errors.New("tried 100 ports"), err)
}

// bindable says which port it could listen on: the given one, or any for 0.
func bindable(port string) (string, error) {
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err = net.SplitHostPort(listener.Addr().String())
	return port, err
}
