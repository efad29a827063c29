package stacks

import "strings"

const (
	running  = "running"
	waiting  = "waiting"
	inCall   = "in a system call"
	inC      = "in C code"
	inPoll   = "waiting for the network"
	inSelect = "in a select"
	lock     = "waiting for a lock"
	gc       = "waiting for the garbage collector"
)

// waits maps the function in which a goroutine waits to plain words. They are names inside the runtime
// and the standard library; the tests bring a real goroutine into each state on the installed Go.
var waits = map[string]string{
	"runtime.selectgo":                      inSelect,
	"runtime.block":                         "in an empty select, for ever",
	"runtime.chanrecv":                      "receiving from a channel",
	"runtime.chansend":                      "sending to a channel",
	"time.Sleep":                            "asleep",
	"internal/poll.runtime_pollWait":        inPoll,
	"internal/poll.runtime_Semacquire":      lock, // another goroutine reads, or writes, the same file
	"internal/sync.runtime_SemacquireMutex": lock,
	"sync.runtime_SemacquireRWMutexR":       lock,
	"sync.runtime_SemacquireRWMutex":        lock,
	"sync.runtime_SemacquireWaitGroup":      "waiting for a WaitGroup",
	"sync.runtime_notifyListWait":           "waiting on a condition",
	"os/signal.signal_recv":                 "waiting for a signal",
	"runtime.gcStart":                       gc,
	"runtime.gcAssistAlloc":                 gc,
	"runtime.GC":                            gc,
}

// calls maps a function that waits in a select, a poll or a system call to words that say for what.
var calls = map[string]string{
	"net/http.(*persistConn).roundTrip":              "waiting for an HTTP response",
	"net/http.(*http2ClientConn).roundTrip":          "waiting for an HTTP response",
	"golang.org/x/net/http2.(*ClientConn).roundTrip": "waiting for an HTTP response",
	"net/http.(*Transport).getConn":                  "waiting for an HTTP connection",
	"database/sql.(*DB).conn":                        "waiting for a free database connection",
	"net.(*Resolver).lookupIPAddr":                   "looking up a host name",
	"os.(*File).Read":                                "reading a file",
	"os.(*File).Write":                               "writing a file",
	"os.(*Process).Wait":                             "waiting for a child process",
}

// state says in plain words what a goroutine with these frames, the innermost first, is doing.
func state(frames []Frame) string {
	words := running
	for i, f := range frames {
		if i == 0 {
			words = leaf(f.Func)
		}
		if w, ok := waits[f.Func]; ok && words == waiting {
			words = w
		}
		if words != waiting && words != inSelect && words != inPoll && words != inCall {
			return words
		}
		if w, ok := calls[f.Func]; ok && words != waiting {
			return w
		}
		if !standard(packageOf(f.Func)) {
			return words
		}
	}
	return words
}

// leaf is what the innermost function alone tells.
func leaf(fn string) string {
	switch pkg := packageOf(fn); {
	case fn == "runtime.gopark", fn == "runtime.notetsleepg":
		return waiting
	case fn == "runtime.cgocall":
		return inC
	case pkg == "syscall", pkg == "golang.org/x/sys/unix", strings.HasPrefix(pkg, "internal/runtime/syscall"):
		return inCall
	}
	return running
}

// trim takes the runtime's own frames off the top of a stack. What it puts at the bottom is not in a
// profile. If there is nothing else, the goroutine has not begun to run.
func trim(frames []Frame) []Frame {
	for i, f := range frames {
		if !ofRuntime(f.Func) {
			return frames[i:]
		}
	}
	return nil
}

// ofRuntime says whether a function is the runtime's, possibly under another package's name, as in
// internal/poll.runtime_pollWait.
func ofRuntime(fn string) bool {
	pkg := packageOf(fn)
	return pkg == "runtime" || strings.HasPrefix(pkg, "internal/runtime/") ||
		strings.HasPrefix(fn[len(pkg):], ".runtime_")
}
