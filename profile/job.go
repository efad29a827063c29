package profile

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/profile/capture"
	"github.com/heeler-go/heeler/profile/internal/ask"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// A job is one request that is being profiled, from when it waits for its turn until its result is kept.
type job struct {
	prof  *Profiler
	next  http.Handler
	asked ask.Asked

	r       *http.Request // as it came, without the parameter
	outside http.Header   // of the response, as guards further out have set it
	body    taped
	live    bool // the body is the client's own, and body is not used
	byLink  bool // whoever asked has only a link

	finished sync.Once
	placed   chan struct{} // closed when the store has been told that the job runs; nil before it does

	mu    sync.Mutex
	res   result.Result // as far as it is
	runs  []run
	cut   bool // MaxRun has come before the handler has ended
	ended bool // the handler has, for the last time
}

// A run is one time that the request was served.
type run struct {
	took     time.Duration
	answer   *answer
	rec      *request.Record
	value    any // of the panic it ended with; nil if it did not
	returned bool
}

// newJob takes the place that was reserved: its finish gives it back.
func (h *handler) newJob(w http.ResponseWriter, inside *http.Request, asked ask.Asked, user string, l link) *job {
	p := h.prof
	uri := inside.RequestURI
	if uri == "" {
		uri = inside.URL.RequestURI()
	}
	j := &job{prof: p, next: h.next, asked: asked, r: inside, outside: w.Header().Clone()}
	j.res = result.Result{
		ID: newID(), User: user, State: result.Waits,
		Method: inside.Method, URI: p.secrets.URI(uri), Host: inside.Host,
		Machine: p.machine, GoVersion: runtime.Version(), Asked: time.Now(),
	}
	if j.byLink = l.nonce != ""; j.byLink {
		j.res.ID = p.idOf(l.nonce)
	}
	return j
}

// isJob marks the context of a profiled request: it is not profiled within.
type isJob struct{}

func running(r *http.Request) bool { return r.Context().Value(isJob{}) != nil }

// profile runs the request and makes the result. A panic of the handler goes through it, when the result
// has been made, if there is a server to catch it.
func (j *job) profile() {
	var rec *capture.Recording
	defer j.body.discard()
	defer func() { j.finish(rec) }() // after a panic and Goexit, too
	defer func() {
		if !j.asked.Inline {
			j.logPanic(recover())
		}
	}()
	ctx := context.WithoutCancel(j.r.Context())
	rec, err := capture.Start(ctx, capture.Options{
		Allocs:  j.asked.Alloc,
		For:     j.who(),
		Waiting: j.waiting,
	})
	if err != nil {
		j.problem("The request was not run: " + err.Error() + ".")
		return
	}
	defer rec.Stop() // at once when the handler has ended, lest more be recorded than it did
	j.began()
	ctx, cancel := context.WithCancelCause(context.WithValue(ctx, isJob{}, true))
	defer cancel(nil)
	limit := time.AfterFunc(j.prof.maxRun, func() { j.overrun(rec, cancel) })
	defer func() {
		limit.Stop()
		j.end()
	}()
	for range j.asked.Runs {
		if !j.once(ctx, rec) {
			return
		}
	}
}

// who tells others that wait what this one is, without the query.
func (j *job) who() string {
	path, _, _ := strings.Cut(j.res.URI, "?")
	if j.res.User == "" {
		return j.res.Method + " " + path
	}
	return j.res.Method + " " + path + " for " + j.res.User
}

// waiting says who is before, to those whom Allow knows: who has only a link is told how many.
func (j *job) waiting(before []string) {
	turn := strings.Join(before, ", ")
	if j.byLink && len(before) > 0 {
		turn = fmt.Sprintf("%d of other people", len(before))
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.res.Turn = turn
}

func (j *job) began() {
	j.mu.Lock()
	j.res.State, j.res.Turn, j.res.Began = result.Runs, "", time.Now()
	j.mu.Unlock()
	j.placed = make(chan struct{})
	go j.place()
}

// overrun ends a profile whose request goes on for too long. The handler may be able to end, or not.
func (j *job) overrun(rec *capture.Recording, cancel context.CancelCauseFunc) {
	if !j.cutOff() {
		return
	}
	j.problem(fmt.Sprintf("The request ran for longer than %v, when its profile was ended.", j.prof.maxRun))
	rec.Stop()
	cancel(ErrMaxRun)
	j.finish(rec)
}

// cutOff notes that the handler goes on although its profile ends. It does not if the handler has just ended.
func (j *job) cutOff() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.cut = !j.ended; j.cut {
		j.prof.count.overrun.Add(1)
	}
	return j.cut
}

// end notes that the handler has ended, be it that it was cut off before.
func (j *job) end() {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ended = true; j.cut {
		j.prof.count.overrun.Add(-1)
	}
}

// once serves the request once more, and reports whether there may be a further time.
func (j *job) once(ctx context.Context, rec *capture.Recording) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // as net/http does when a handler has returned
	x := run{
		answer: newAnswer(j.outside, j.r.Method, j.asked.Response),
		rec:    &request.Record{Context: ctx, Start: deadline.Now(), Lift: true},
	}
	r := j.request(x.rec)
	defer j.handBack(r)
	defer func() { // after a panic, too, and outside of what is recorded
		j.mu.Lock()
		if n := len(j.runs); n > 0 && !j.cut { // who reads them after a cut does so without the lock
			j.runs[n-1].answer.body = nil // that of the last run is shown, and there may be a thousand
		}
		j.runs = append(j.runs, x)
		j.mu.Unlock()
	}()
	rec.Do(func() { j.serve(r, &x) })
	j.mu.Lock()
	defer j.mu.Unlock()
	return !j.cut
}

// serve is what is profiled.
func (j *job) serve(r *http.Request, x *run) {
	began := time.Now()
	defer func() {
		x.took = time.Since(began)
		if !x.returned {
			x.value = recover()
		}
		x.answer.end(x.returned)
		if x.value != nil {
			panic(x.value) // with its stack: nothing has been unwound
		}
	}()
	j.next.ServeHTTP(x.answer, r)
	x.returned = true
}

// request is a fresh copy of the request.
func (j *job) request(ctx context.Context) *http.Request {
	r := j.r.Clone(ctx)
	if j.live {
		r.Trailer = j.r.Trailer // which net/http fills when the body has been read
	} else {
		r.Body = j.body.replay()
	}
	return r
}

// handBack does what net/http does at the end of its own copy of the request, or has it done.
func (j *job) handBack(r *http.Request) {
	switch {
	case j.live:
		request.HandBack(j.r, r)
	case r.MultipartForm != nil && j.r.MultipartForm == nil:
		r.MultipartForm.RemoveAll()
	}
}

// problem adds a sentence to the result's.
func (j *job) problem(sentence string) {
	sentence = j.prof.secrets.Text(sentence)
	j.mu.Lock()
	defer j.mu.Unlock()
	j.res.Problems = append(j.res.Problems, sentence)
}

// now is the result as far as it is.
func (j *job) now() *result.Result {
	j.mu.Lock()
	defer j.mu.Unlock()
	res := j.res
	res.Problems = slices.Clip(res.Problems)
	return &res
}
