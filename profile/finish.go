package profile

import (
	"bytes"
	"fmt"
	"log"
	"net/http"
	"runtime/debug"

	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/profile/capture"
	"github.com/heeler-go/heeler/profile/internal/result"
	"github.com/heeler-go/heeler/profile/internal/summary"
)

// finish makes the result of what was recorded, and keeps it. It does so once: when it returns, it has
// been done. rec is nil if nothing was.
func (j *job) finish(rec *capture.Recording) {
	j.finished.Do(func() {
		defer j.prof.jobs.release() // whatever the store does
		defer j.prof.jobs.remove(j.res.ID)
		j.mu.Lock()
		j.res.State = result.Reads
		j.mu.Unlock()
		res := j.now()
		if rec != nil {
			j.read(res, rec.Stop())
		} else {
			res.State = result.Failed
		}
		if res.State == result.Done {
			j.prof.count.done.Add(1)
		} else {
			j.prof.count.failed.Add(1)
		}
		if j.placed != nil {
			<-j.placed // lest the placeholder take the result's place
		}
		j.keep(res)
		j.mu.Lock()
		j.res = *res
		j.mu.Unlock()
	})
}

// read fills the result from the recording. What goes wrong in it costs the profile, not the program.
func (j *job) read(res *result.Result, c *capture.Capture) {
	p := j.prof
	p.reads.Lock()
	defer p.reads.Unlock()
	defer func() {
		if value := recover(); value != nil {
			res.State = result.Failed
			res.Problems = append(res.Problems, "Reading the trace went wrong; the program's log has more on it.")
			j.logf("profile: reading the trace of %s: panic: %v\n%s", j.who(), value, debug.Stack())
		}
	}()
	res.Trace = c.Trace
	res.Problems = append(res.Problems, c.Problems...)
	j.tell(res)
	x, prof, err := c.Read()
	if err != nil {
		res.State = result.Failed
		res.Problems = append(res.Problems, p.secrets.Text("The trace could not be read: "+err.Error()+"."))
		return
	}
	var b bytes.Buffer
	if err := prof.Write(&b); err != nil {
		res.Problems = append(res.Problems, p.secrets.Text("The profile could not be written: "+err.Error()+"."))
	} else {
		res.Profile = b.Bytes()
	}
	summary.Fill(res, x, p.program, p.secrets)
	res.State = result.Done
}

// tell fills the result from what the handler did, as far as it can be seen from outside.
func (j *job) tell(res *result.Result) {
	j.mu.Lock()
	runs := j.runs
	j.mu.Unlock()
	secrets := j.prof.secrets
	var recs []*request.Record
	for i := range runs {
		x := &runs[i]
		seen := result.Run{Took: x.took, Status: x.answer.status, Bytes: x.answer.bytes}
		if x.value != nil {
			seen.Panic = secrets.Text(fmt.Sprint(x.value))
		} else if !x.returned {
			res.Problems = append(res.Problems, "The handler has ended its goroutine, by runtime.Goexit.")
		}
		x.answer.mu.Lock() // a goroutine that the handler has left may still try
		hijacked := x.answer.hijacked
		x.answer.mu.Unlock()
		if hijacked {
			res.Problems = append(res.Problems, "The handler wanted to take over the connection, as for a WebSocket, which a profiled request cannot.")
		}
		res.Runs = append(res.Runs, seen)
		recs = append(recs, x.rec)
	}
	if n := len(runs); n < j.asked.Runs && j.asked.Runs > 1 {
		res.Problems = append(res.Problems, fmt.Sprintf("Of %d runs %d came to an end.", j.asked.Runs, n))
	}
	res.Backends = summary.Backends(backends(recs), secrets) // also for a trace that cannot be read
	if n := len(runs); n > 0 && j.asked.Response {
		res.Response = j.response(runs[n-1].answer)
	}
}

// response is the application's last answer.
func (j *job) response(a *answer) *result.Response {
	kept := &result.Response{Status: a.status, Header: make(map[string][]string), Body: a.body, Cut: !a.head && a.bytes > int64(len(a.body))}
	for name, values := range a.sent {
		for _, v := range values {
			kept.Header[name] = append(kept.Header[name], j.prof.secrets.Header(name, v))
		}
	}
	return kept
}

// backends adds up the tallies of the runs.
func backends(recs []*request.Record) []result.Backend {
	var sum []result.Backend
	for _, rec := range recs {
		for _, b := range rec.Backends() {
			to := find(&sum, func(s *result.Backend) bool { return s.Name == b.Name })
			to.Name = b.Name
			to.Calls += b.Calls
			to.Errors += b.Errors
			to.Refused += b.Refused
			to.Time += b.Time
			for _, s := range b.Statements {
				of := find(&to.Statements, func(t *result.Statement) bool { return t.Text == s.Text })
				of.Text = s.Text
				of.Calls += s.Calls
				of.Time += s.Time
			}
		}
	}
	return sum
}

// find is the element that is meant, or a new one.
func find[T any](list *[]T, meant func(*T) bool) *T {
	for i := range *list {
		if meant(&(*list)[i]) {
			return &(*list)[i]
		}
	}
	*list = append(*list, *new(T))
	return &(*list)[len(*list)-1]
}

// logf writes where net/http would: to the server's ErrorLog.
func (j *job) logf(format string, args ...any) {
	print := log.Printf
	if s, ok := j.r.Context().Value(http.ServerContextKey).(*http.Server); ok && s.ErrorLog != nil {
		print = s.ErrorLog.Printf
	}
	print(format, args...)
}
