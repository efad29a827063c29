// Package profile explains one request: what took how long, where, and what it waited for. It is what
// geordi was to Django:
//
//	prof := &profile.Profiler{Allow: isAdmin}
//	http.ListenAndServe(":8080", prof.Wrap(mux))
//
// Now someone whom isAdmin lets in adds ?__profile__ to any URL and is sent to a page that shows the
// request's progress, and then one sentence, a timeline of its goroutines, a call graph, a flame graph,
// and downloads for go tool pprof and go tool trace. Anybody else gets the usual answer, byte for byte,
// and the application never sees the parameter.
//
// A profile is of what is inside of Wrap. Of guards that are nested, slowlog is best outside of it and
// backoff and timebox inside; the deadlines of either side do not apply to the request. If Wrap is around
// a part of the application only, [Profiler.Handler] serves the result pages.
//
// Wrap goes around a router that keeps a context of each request for the next one, as chi and echo do, and
// not into it with Use: there a run that is apart from its client goes on with what the router has given to
// another request by then, and that one may get its answer.
//
//	http.ListenAndServe(":8080", prof.Wrap(router))
//
// # What to ask for
//
//	/repo?__profile__                 run it apart from the client, and show the result
//	/repo?__profile__=inline          run it and wait for the result; text for curl
//	/repo?__profile__=n=20            run it 20 times, of 1000 at most; GET and HEAD only
//	/repo?__profile__=alloc           count allocations, too, which slows the whole program meanwhile
//	/repo?__profile__=response        keep the application's answer with the result, up to 4 MiB of it
//	/repo?__profile__=inline,n=5      several, with commas
//
// The request runs as it came: any method, with its body, once unless n says otherwise. A body is kept
// until it is the request's turn, and may have 32 MiB; with inline, and without n, it is read as it comes,
// however long. The application's answer is not sent, nor are the cookies that it sets: the client gets
// the result, which for a browser is always a redirect to the page, so that to load it again is not to
// run the request again. It runs outside of every deadline: those of a timebox, of slowlog and of the
// server do not apply, and a client that leaves does not end it. MaxRun does. What a handler cannot do in
// it is to take over the connection, so WebSockets cannot be profiled.
//
// If nobody waits any more for the result of inline, be it that the client has left or that an
// http.TimeoutHandler further out has answered, the server's log says where it is.
//
// A panic of the handler goes on, as it was, with inline, and is logged as net/http logs it without. The
// profile is kept in either case; but with inline there is no answer that says where, so ask without for
// one of a panic.
//
// Allocations are those of the request's own goroutine. They are on the page and in profile.pb.gz, not in
// the text for curl. See Options.Allocs of package profile/capture for what they cost.
//
// # One at a time
//
// The runtime has one execution tracer and one CPU profiler per process, so one request is profiled at a
// time, and MaxWaiting wait for their turn. A run that is apart from its client is not one that
// [net/http.Server.Shutdown] waits for; see [Profiler.Wait].
//
// # Who sees a result
//
// Whoever asked for it, as Allow names them, or holds a link to it, which its page has if there is a Key.
// With a Key, [Profiler.Link] also makes links that profile a request once, for curl and for colleagues
// whom Allow does not know. A link to a result holds for a day, and is one that go tool pprof follows, which
// has no cookies:
//
//	go tool pprof https://shop.example/__profile__/ID.TOKEN/result/profile.pb.gz
//
// Secrets are cut out of what is shown, by slowlog's rules. What response keeps is the application's
// answer as it is, but for the values of secret headers. A profile has names of functions and of backends.
// An execution trace is of the whole program: it has statements without values, from breakers, and what
// the program itself logs by runtime/trace, of which nothing is cut out.
//
// # Several replicas
//
// A memory store is one process's: behind a load balancer, give Store a [store.Dir] that all share, or
// one of your own, and a Key.
package profile

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/internal/request"
	"github.com/heeler-go/heeler/internal/stacks"
	"github.com/heeler-go/heeler/profile/internal/ask"
	"github.com/heeler-go/heeler/profile/store"
)

const (
	// DefaultParam is the name of the query parameter.
	DefaultParam = "__profile__"
	// DefaultMaxWaiting is how many requests wait for their turn to be profiled.
	DefaultMaxWaiting = 10
	// DefaultMaxRun is how long a request is profiled at most.
	DefaultMaxRun = 5 * time.Minute
)

// A Profiler profiles single requests. The zero Profiler profiles none, as it lets nobody. Its fields
// are not to be changed once it is in use; its methods may be called from several goroutines.
type Profiler struct {
	// Allow says who may profile, and see results: it is asked before anything else is done, and only
	// about a request that has the parameter or whose path is one of the result pages. A result is shown
	// to the same user only; all that Allow gives no name share theirs. Nil allows nobody but who has a
	// link. If it panics, the request ends as with any panic of the application's.
	//
	// A page of another site cannot have the browser of someone whom Allow lets in profile anything, by an
	// image, a frame, a form or a script: such a request gets the usual answer. To follow a link there is
	// to ask, as is a request of a page of the same site. Browsers say which it is over HTTPS and to
	// localhost only; over plain HTTP, let Allow look at cookies that are SameSite.
	Allow func(*http.Request) (user string, ok bool)

	// Key signs links: see [Profiler.Link]. It is secret, the same in all replicas and has 32 bytes or
	// more. Nil means that there are no links.
	Key []byte

	// Store keeps the results. Nil means a [store.Memory] of the Profiler's own: 64 MiB, 100 results, for
	// a day.
	Store Store

	// Param is the name of the query parameter. It may have letters, digits, -, _, . and ~. Empty
	// means DefaultParam.
	Param string

	// Path is where the result pages are, as Wrap sees paths. It begins and ends with a slash. Empty
	// means Param between two slashes: /__profile__/.
	Path string

	// Redact are more names whose values are secret, as in slowlog's Watch. Nil means those that slowlog
	// knows by itself.
	Redact []string

	// MaxWaiting is how many requests may wait for their turn. Further ones are answered 503, with
	// Retry-After. Zero means DefaultMaxWaiting; it must not be negative.
	MaxWaiting int

	// MaxRun is how long a request is profiled at most, all of its runs together. Then the profile ends,
	// and the request's context is cancelled with [ErrMaxRun] as the cause. The result is there then; who
	// waits for it inline waits for a handler that goes on, too. Zero means DefaultMaxRun; it must not be
	// negative.
	MaxRun time.Duration

	once    sync.Once
	param   string
	path    string
	maxRun  time.Duration
	store   Store
	signer  ask.Signer
	secrets redact.List
	program stacks.Program
	machine string    // names this process in a result
	born    time.Time // when the Profiler came into use

	jobs  jobs
	links links
	kept  kept
	reads sync.Mutex // one trace is read at a time: it takes memory, and a processor from the next run
	count struct{ asked, refused, done, failed, overrun atomic.Int64 }
}

// ErrMaxRun is why the context of a request has ended that was profiled for longer than MaxRun: it is
// what [context.Cause] gives.
var ErrMaxRun = errors.New("profile: the request ran for longer than Profiler.MaxRun")

// A Store keeps results under their IDs, of up to 64 letters and digits. It may be called from several
// goroutines, and may forget results as it likes. [store.Memory] and [store.Dir] are Stores.
type Store interface {
	// Create keeps data under an ID that is new; the error matches [io/fs.ErrExist] if it is not. Of
	// several that create the same, in all replicas, one succeeds.
	Create(id string, data []byte) error
	// Put keeps data under an ID, whether there was some or not.
	Put(id string, data []byte) error
	// Get is what was kept. The error matches [io/fs.ErrNotExist] if there is nothing.
	Get(id string) ([]byte, error)
}

// Validate reports what is wrong with the fields. Wrap and Handler panic with the same error, as it is
// the programmer's.
func (p *Profiler) Validate() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("profile: Profiler."+format, args...))
	}
	if err := (ask.Signer{Key: p.Key}).Validate(); err != nil {
		errs = append(errs, err)
	}
	param := cmp.Or(p.Param, DefaultParam)
	if err := ask.CheckParam(param); err != nil {
		errs = append(errs, err)
	}
	if p.Path != "" && !isPath(p.Path) {
		wrong("Path is %q; it must begin and end with a slash and have names of letters, digits, -, _, . and ~ between, or be empty for /%s/", p.Path, param)
	}
	if p.MaxWaiting < 0 {
		wrong("MaxWaiting is %d; it must be positive, or zero for %d", p.MaxWaiting, DefaultMaxWaiting)
	}
	if p.MaxRun < 0 {
		wrong("MaxRun is %v; it must be positive, or zero for %v", p.MaxRun, DefaultMaxRun)
	}
	if s, ok := p.Store.(interface{ Validate() error }); ok {
		if err := s.Validate(); err != nil {
			wrong("Store: %w", err)
		}
	}
	return errors.Join(errs...)
}

// Wrap profiles requests to next, of those who may ask for it, and serves the result pages. It panics if
// Validate finds a fault or next is nil.
func (p *Profiler) Wrap(next http.Handler) http.Handler {
	if next == nil {
		panic("profile: Profiler.Wrap of a nil http.Handler")
	}
	p.ready()
	return &handler{prof: p, next: next, inner: request.Inside(next)}
}

// Handler serves the result pages alone, for where Wrap is not reached under Path: around a part of the
// application, say. It takes paths with Path in front, or without, as after [http.StripPrefix]. Who may
// not see a page gets 404. It panics if Validate finds a fault.
func (p *Profiler) Handler() http.Handler {
	p.ready()
	return &pages{prof: p}
}

func (p *Profiler) ready() {
	if err := p.Validate(); err != nil {
		panic(err)
	}
	p.once.Do(p.setup)
}

func (p *Profiler) setup() {
	p.param = cmp.Or(p.Param, DefaultParam)
	p.path = cmp.Or(p.Path, "/"+p.param+"/")
	p.maxRun = cmp.Or(p.MaxRun, DefaultMaxRun)
	if p.store = p.Store; p.store == nil {
		p.store = new(store.Memory)
	}
	p.signer = ask.Signer{Key: p.Key}
	p.secrets = redact.New(p.Redact...)
	p.program = stacks.ThisProgram()
	p.machine, p.born = machine(), time.Now()
	p.jobs.most = 1 + cmp.Or(p.MaxWaiting, DefaultMaxWaiting)
}

// isPath says whether the result pages can be there. The root is not a place for them: nothing would be
// left of the application.
func isPath(path string) bool {
	inner, ok := strings.CutPrefix(path, "/")
	inner, closed := strings.CutSuffix(inner, "/")
	if !ok || !closed {
		return false
	}
	for name := range strings.SplitSeq(inner, "/") {
		if ask.CheckParam(name) != nil {
			return false
		}
	}
	return true
}

// machine names this process: that of a result which was lost is known by it.
func machine() string {
	host, err := os.Hostname()
	if err != nil {
		host = "a machine without a name"
	}
	return fmt.Sprintf("%s, process %d", host, os.Getpid())
}
