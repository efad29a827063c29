package sentry_test

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestMain fails the run when a test has left one of the module's goroutines.
func TestMain(m *testing.M) {
	code := m.Run()
	if left := goroutines("heeler", time.Second); len(left) > 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d goroutines left behind:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// goroutines returns the stacks, other than the caller's, that contain text,
// and gives them some time to go.
func goroutines(text string, patience time.Duration) (found []string) {
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		buf := make([]byte, 4<<20)
		buf = buf[:runtime.Stack(buf, true)]
		found = nil
		for _, g := range strings.Split(string(buf), "\n\n")[1:] {
			if strings.Contains(g, text) {
				found = append(found, g)
			}
		}
		if len(found) == 0 || time.Now().After(end) {
			return found
		}
	}
}
