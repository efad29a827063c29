// Package leak fails a package's tests when they leave goroutines of ours behind.
//
//	func TestMain(m *testing.M) { leak.Main(m) }
package leak

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

// Main runs the tests and ends the process, with an error if they have passed
// but left a goroutine that a part of heeler has in its stack.
func Main(m *testing.M) {
	code := m.Run()
	if left := Goroutines("heeler-go/heeler", time.Second); code == 0 && len(left) > 0 {
		fmt.Fprintf(os.Stderr, "%d goroutines left behind:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
		code = 1
	}
	os.Exit(code)
}

// Goroutines returns the stacks, other than the caller's, that contain text.
// It gives them some time to go.
func Goroutines(text string, patience time.Duration) (found []string) {
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
