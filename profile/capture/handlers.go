package capture

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"runtime/trace"
	"strconv"
	"time"
)

// stalled is how long a client that reads nothing may hold the tracer where the server has no WriteTimeout.
const stalled = time.Minute

// Profile serves a CPU profile like net/http/pprof's handler of that name: of as many seconds as the query
// parameter named seconds says, or 30 where that is no positive number. A recording that goes on at the
// same time loses nothing by it. If something else has the CPU profiler, another such request for one, it
// answers 500.
//
//	mux.HandleFunc("GET /debug/pprof/profile", capture.Profile)
func Profile(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	sec, err := strconv.ParseInt(r.FormValue("seconds"), 10, 64)
	if sec <= 0 || err != nil {
		sec = 30
	}
	d := seconds(float64(sec))
	allow(w, r, d)
	attach(w, "profile")
	// The profile is written at its end. It is set aside, so that nobody has to wait for the profiler
	// because of a client that does not read.
	var b bytes.Buffer
	if err := theProfiler.lend(&b); err != nil {
		fail(w, http.StatusInternalServerError, fmt.Sprintf("Could not enable CPU profiling: %s", err))
		return
	}
	sleep(r, d)
	theProfiler.giveBack()
	w.Write(b.Bytes())
}

// Trace serves an execution trace like net/http/pprof's handler of that name: of as many seconds as the
// query parameter named seconds says, which may be a fraction, or of 1 where that is no positive number.
// It first waits for recordings and other traces that came before, and recordings that come later wait
// for it. If something outside of this package has the tracer, or the request itself is being recorded, it
// answers 500.
//
// Where the server has no WriteTimeout, a client that reads nothing for a minute is given up, as nobody else
// would have the tracer while it does not.
//
//	mux.HandleFunc("GET /debug/pprof/trace", capture.Trace)
func Trace(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	sec, err := strconv.ParseFloat(r.FormValue("seconds"), 64)
	if !(sec > 0) || err != nil {
		sec = 1
	}
	d := seconds(sec)
	v := visit{path: r.URL.Path, d: d}
	if writeTimeout(r) > 0 {
		setWriteDeadline(w, time.Time{}) // HTTP/2 would end the stream during the wait
	}
	if theRunning.inside() {
		fail(w, http.StatusInternalServerError, fmt.Sprintf("Could not enable tracing: %s", errInside))
		return
	}
	turn, err := tracerLine.wait(r.Context(), v.who, nil)
	if err != nil {
		fail(w, http.StatusServiceUnavailable, fmt.Sprintf("Could not enable tracing: %s", err))
		return
	}
	defer turn.leave()
	turn.tell(func() { v.until = time.Now().Add(d) })
	allow(w, r, d)
	attach(w, "trace")
	var to io.Writer = w
	if writeTimeout(r) == 0 {
		to = stallWriter{w}
	}
	if err := trace.Start(to); err != nil {
		fail(w, http.StatusInternalServerError, fmt.Sprintf("Could not enable tracing: %s", err))
		return
	}
	sleep(r, d)
	stopTracer()
	if writeTimeout(r) == 0 {
		setWriteDeadline(w, time.Time{})
	}
}

// A stallWriter gives each write its time. If it takes longer the connection is lost, which ends the
// request's context.
type stallWriter struct{ w http.ResponseWriter }

func (s stallWriter) Write(p []byte) (int, error) {
	setWriteDeadline(s.w, time.Now().Add(stalled))
	return s.w.Write(p)
}

// A visit is a request for a trace.
type visit struct {
	path  string
	d     time.Duration
	until time.Time // zero while it waits; guarded by the line's lock
}

func (v *visit) who(now time.Time) string {
	if v.until.IsZero() {
		return fmt.Sprintf("%s for %v", v.path, v.d)
	}
	left := max(0, v.until.Sub(now))
	return fmt.Sprintf("%s, %d s left", v.path, int64(math.Ceil(left.Seconds())))
}

// seconds is a duration of so many; of more than there is room for, half of the longest.
func seconds(n float64) time.Duration {
	const most = math.MaxInt64 / 2
	if n >= most/1e9 {
		return most
	}
	return time.Duration(n * 1e9)
}

// sleep ends early when the client has gone.
func sleep(r *http.Request, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
	}
}

// allow gives the response d more than the server's WriteTimeout.
func allow(w http.ResponseWriter, r *http.Request, d time.Duration) {
	if limit := writeTimeout(r); limit > 0 {
		setWriteDeadline(w, time.Now().Add(limit+d))
	}
}

func writeTimeout(r *http.Request) time.Duration {
	server, ok := r.Context().Value(http.ServerContextKey).(*http.Server)
	if !ok {
		return 0
	}
	return max(0, server.WriteTimeout)
}

// setWriteDeadline does what it can: a writer that has no deadline has none.
func setWriteDeadline(w http.ResponseWriter, t time.Time) {
	_ = http.NewResponseController(w).SetWriteDeadline(t)
}

func attach(w http.ResponseWriter, name string) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", name))
}

func fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Go-Pprof", "1")
	w.Header().Del("Content-Disposition")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}
