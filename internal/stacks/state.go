package stacks

import "strings"

// waits maps the function in which a goroutine waits to plain words. They are names inside the runtime
// and the standard library; the tests bring a real goroutine into each state on the installed Go.
var waits = map[string]string{
	"runtime.selectgo":                      "in a select",
	"runtime.block":                         "in an empty select, for ever",
	"runtime.chanrecv":                      "receiving from a channel",
	"runtime.chansend":                      "sending to a channel",
	"time.Sleep":                            "asleep",
	"internal/poll.runtime_pollWait":        "waiting for the network",
	"internal/poll.runtime_Semacquire":      "waiting for a lock",
	"internal/sync.runtime_SemacquireMutex": "waiting for a lock",
	"sync.runtime_SemacquireMutex":          "waiting for a lock",
	"sync.runtime_SemacquireRWMutexR":       "waiting for a lock",
	"sync.runtime_SemacquireRWMutex":        "waiting for a lock",
	"sync.runtime_SemacquireWaitGroup":      "waiting for a WaitGroup",
	"sync.runtime_notifyListWait":           "waiting on a condition",
	"os/signal.signal_recv":                 "waiting for a signal",
	"runtime.gcStart":                       "waiting for the garbage collector",
	"runtime.gcAssistAlloc":                 "waiting for the garbage collector",
	"runtime.GC":                            "waiting for the garbage collector",
}

// calls maps a standard library function or method that waits to words that say more than how it waits.
var calls = map[string]string{
	"net/http.(*persistConn).roundTrip": "waiting for an HTTP response",
	"net/http.(*Transport).getConn":     "waiting for an HTTP connection",
	"database/sql.(*DB).conn":           "waiting for a free database connection",
	"os.(*File).Read":                   "reading a file",
	"os.(*File).Write":                  "writing a file",
	"os.(*Process).Wait":                "waiting for a child process",
}

// state says in plain words what a goroutine with these frames, the innermost first, is doing.
func state(frames []Frame) string {
	if len(frames) == 0 {
		return "running"
	}
	words := ""
	switch leaf := frames[0].Func; {
	case leaf == "runtime.gopark" || leaf == "runtime.goparkunlock" || leaf == "runtime.notetsleepg":
		words = "waiting"
	case leaf == "runtime.cgocall":
		return "in C code"
	case strings.HasPrefix(leaf, "syscall.") || strings.HasPrefix(leaf, "internal/runtime/syscall"):
		words = "in a system call"
	default:
		return "running"
	}
	for _, f := range frames {
		if w, ok := waits[f.Func]; ok && words == "waiting" {
			words = w
		}
		if w, ok := calls[f.Func]; ok {
			return w
		}
		if !standard(packageOf(f.Func)) {
			break
		}
	}
	return words
}

// trim takes the runtime's own frames off both ends of a stack.
func trim(frames []Frame) []Frame {
	if n := len(frames); n > 0 && frames[n-1].Func == "runtime.goexit" {
		frames = frames[:n-1]
	}
	for i, f := range frames {
		if packageOf(f.Func) != "runtime" {
			return frames[i:]
		}
	}
	return frames
}

// pools maps the first function of a known background goroutine to a name.
var pools = map[string]string{
	"net/http.(*persistConn).readLoop":      "net/http client connection",
	"net/http.(*persistConn).writeLoop":     "net/http client connection",
	"net/http.(*connReader).backgroundRead": "net/http server background read",
	"database/sql.(*DB).connectionOpener":   "database/sql opener",
	"database/sql.(*DB).connectionCleaner":  "database/sql cleaner",
}

// pool names the background goroutine that has these frames, or is empty.
func pool(frames []Frame) string {
	for i := len(frames) - 1; i >= 0; i-- {
		if f := frames[i].Func; f != "runtime.goexit" {
			return pools[f]
		}
	}
	return ""
}
