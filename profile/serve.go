package profile

import (
	"cmp"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/profile/internal/ask"
	"github.com/heeler-go/heeler/profile/internal/summary"
)

// serveResponse runs the job, here or on a goroutine of its own, and answers.
func (j *job) serveResponse(w http.ResponseWriter, r *http.Request) {
	if j.asked.Inline {
		j.inline(w, r)
		return
	}
	if j.tape(w, r) {
		way := j.way(r) // of a result that nobody changes yet
		go j.detached()
		redirect(w, r, way)
	}
}

// tape reads the body. If that cannot be, the client is told, and the job has failed.
func (j *job) tape(w http.ResponseWriter, r *http.Request) (ok bool) {
	defer func() {
		if !ok { // the body may have panicked, too
			j.finish(nil)
		}
	}()
	if j.body, ok = tape(j.r); !ok {
		j.problem(tooLarge().Detail + ".")
		tooLarge().Write(w, r)
	}
	if ok {
		j.r.Trailer = r.Trailer // which net/http has filled meanwhile
		j.body.takeForm(j.r)
		j.r = j.r.Clone(j.r.Context()) // whoever is further out goes on with the header
	}
	return ok
}

// detached is the goroutine of a request that runs apart from its client.
func (j *job) detached() {
	defer func() { j.logPanic(recover()) }()
	j.profile()
}

// logPanic reports a panic for which no server waits as net/http would. There is none if value is nil.
func (j *job) logPanic(value any) {
	if value != nil && value != http.ErrAbortHandler {
		j.logf("http: panic serving %s: %v\n%s", j.r.RemoteAddr, value, debug.Stack())
	}
}

// inline runs the request on the goroutine that serves it, and answers with the result.
func (j *job) inline(w http.ResponseWriter, r *http.Request) {
	rc := http.NewResponseController(w)
	rc.SetReadDeadline(time.Time{}) // a writer that knows no deadlines has none
	rc.SetWriteDeadline(time.Time{})
	request.Lift(r.Context())
	if j.live = j.asked.Runs == 1; j.live {
		defer func() { request.HandBack(r, j.r) }()
	} else if !j.tape(w, r) {
		return
	}
	way := j.way(r)
	served := false
	defer func() {
		if !served && !j.aborted() {
			j.logf("profile: %s ended without an answer; its profile is at %s", j.who(), absolute(r, j.wayFor(r, j.res.ID+"/")))
		}
	}()
	j.profile()
	served = r.Context().Err() == nil // or nobody waits any more: the client, or an http.TimeoutHandler
	if s, ok := r.Context().Value(http.ServerContextKey).(*http.Server); ok && s.WriteTimeout > 0 {
		rc.SetWriteDeadline(time.Now().Add(s.WriteTimeout))
	}
	if strings.Contains(strings.Join(r.Header["Accept"], ","), "text/html") {
		redirect(w, r, way) // so that to load the page again is not to run the request again
		return
	}
	w.Header().Set("Content-Location", way)
	res, at := j.now(), absolute(r, way)
	text := summary.Text(res) + "more: " + at + "\n"
	if res.Response != nil {
		text += "the answer: " + at + "response\n"
	}
	if j.asked.Alloc {
		text += "allocations: " + at + "?by=alloc_space\n"
	}
	writeText(w, r, http.StatusOK, text)
}

// aborted says whether the handler has ended as one does that is not to be told of.
func (j *job) aborted() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := len(j.runs)
	return n > 0 && j.runs[n-1].value == http.ErrAbortHandler
}

// way is the relative reference from a request to its result.
func (j *job) way(r *http.Request) string {
	if j.byLink {
		return j.wayFor(r, j.prof.viewLink(j.res.ID))
	}
	return j.wayFor(r, j.res.ID+"/")
}

func (j *job) wayFor(r *http.Request, page string) string {
	return ask.BackFrom(r.RequestURI, r.URL.EscapedPath(), j.prof.path+page)
}

// redirect sends the client to the result.
func redirect(w http.ResponseWriter, r *http.Request, way string) {
	w.Header().Set("Location", way)
	writeText(w, r, http.StatusSeeOther, "The profile is at "+absolute(r, way)+"\n")
}

// absolute is the path that a relative reference leads to, for people to copy.
func absolute(r *http.Request, reference string) string {
	base, err := url.ParseRequestURI(cmp.Or(ask.Path(r.RequestURI), r.URL.EscapedPath())) // "//a" is no host here
	if err != nil {
		return reference
	}
	ref, err := url.Parse(reference)
	if err != nil {
		return reference
	}
	return base.ResolveReference(ref).String()
}

// writeText answers with text that nobody is to keep.
func writeText(w http.ResponseWriter, r *http.Request, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		io.WriteString(w, text)
	}
}
