package drain

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// A shutdown is one call of Shutdown.
type shutdown struct {
	d      *Drainer
	srv    *http.Server
	server *stopping
	pace   *pacer

	force   time.Time // when all who are left are cut; zero is never
	forced  bool
	silent  time.Time // when connections that ConnState knows as silent are closed; zero is never
	quiet   time.Time // since when nothing has changed
	last    time.Time // when it returns in any case; zero before the end of the context
	leading bool      // it ends the connections of the Drainer
	running int       // handlers at the end of the context
	closed  bool      // srv was, with connections at the end of the context
}

func newShutdown(d *Drainer, srv *http.Server) *shutdown {
	return &shutdown{d: d, srv: srv, pace: newPacer(d)}
}

// timeLeft is what the context leaves.
func timeLeft(ctx context.Context, now time.Time) time.Duration {
	if until, ok := ctx.Deadline(); ok {
		return max(0, until.Sub(now))
	}
	return unlimited
}

// wait waits out the delay, of which another call may have waited for a part.
func (s *shutdown) wait(ctx context.Context, began time.Time) {
	now := time.Now()
	rest := timeLeft(ctx, now)
	if rest != unlimited {
		s.force = now.Add(rest - marginOf(rest))
	}
	timer := time.NewTimer(delayOf(s.d.Delay, rest) - now.Sub(began))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// stopServer closes the listeners.
func (s *shutdown) stopServer() {
	s.server = stop(s.srv)
	s.quiet = time.Now()
	if s.srv != nil {
		s.silent = sooner(s.quiet.Add(settling), s.force)
	}
}

// release ends what the call has begun.
func (s *shutdown) release() {
	s.server.forget()
	if s.leading {
		s.pace.end()
		<-s.d.leader
	}
}

// run goes on until all is gone, or for a moment after the end of ctx.
func (s *shutdown) run(ctx context.Context) error {
	for {
		changed, gone := s.d.look()
		gone = gone && s.pace.idle()
		over := s.server.isOver()
		now := time.Now()
		if gone && over || s.isLast(now) {
			return s.result(ctx)
		}
		news, next := changes{of: changed}, s.last
		if !over {
			news.server = s.server.over
		}
		if s.last.IsZero() {
			news.done, next = ctx.Done(), s.act(now, gone)
		}
		switch s.rest(news, next) {
		case byChange:
			s.quiet = time.Now()
		case byContext:
			s.finish()
			s.last = time.Now().Add(lastMoments)
		}
	}
}

func (s *shutdown) isLast(now time.Time) bool { return !s.last.IsZero() && !now.Before(s.last) }

// act does what is due and says when there is more to do; the zero time is never.
func (s *shutdown) act(now time.Time, gone bool) (next time.Time) {
	if !s.silent.IsZero() && !now.Before(s.silent) {
		if s.silent = (time.Time{}); s.d.closeSilent(now) {
			s.silent = now.Add(settling)
		}
	}
	next = s.silent
	if s.leading {
		if !s.forced && !s.force.IsZero() && !now.Before(s.force) {
			s.forced = true
			s.pace.cutAll()
		}
		next = sooner(next, s.pace.act(now))
		if !s.forced {
			next = sooner(next, s.force)
		}
	}
	if gone && s.srv != nil && s.d.sees(s.srv.Handler) && !s.d.hears.Load() {
		at := sooner(s.quiet.Add(settling), s.force)
		if now.Before(at) {
			return sooner(next, at)
		}
		s.server.close()
	}
	return next
}

// sooner is the earlier of two times, of which zero is never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// What ends a rest.
const (
	byTime = iota
	byChange
	byContext
)

// changes are what a rest is to notice: nil is what it knows of already.
type changes struct{ of, server, done <-chan struct{} }

// rest waits for whatever comes first.
func (s *shutdown) rest(news changes, next time.Time) int {
	var alarm <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(time.Until(next))
		defer timer.Stop()
		alarm = timer.C
	}
	var lead chan<- struct{}
	if s.last.IsZero() && !s.leading {
		lead = s.d.leader
	}
	select {
	case <-alarm:
	case <-news.server:
	case lead <- struct{}{}:
		s.lead()
	case <-news.of:
		return byChange
	case <-news.done:
		return byContext
	}
	return byTime
}

func (s *shutdown) lead() {
	s.leading = true
	s.pace.begin(s.force)
}

// finish cuts everything at the end of the context.
func (s *shutdown) finish() {
	if !s.leading {
		select {
		case s.d.leader <- struct{}{}:
			s.lead()
		default: // another call goes on
		}
	}
	s.running = int(s.d.running.Load())
	if s.leading {
		s.pace.cutAll()
	}
	s.closed = s.server.close()
}

func (s *shutdown) result(ctx context.Context) error {
	e := &ShutdownError{Forced: s.pace.forced, Requests: s.running, Hooks: s.pace.tell.busy(), Server: s.closed}
	e.Err = s.server.err()
	if e.Err == nil && ctx.Err() != nil {
		e.Err = context.Cause(ctx)
	}
	if e.Forced+e.Requests+e.Hooks > 0 || e.Server || s.server.err() != nil {
		return e
	}
	return nil
}

// A stopping is a server whose Shutdown is going on.
type stopping struct {
	srv    *http.Server // nil if there is none
	over   chan struct{}
	cancel context.CancelFunc
	failed error // once over
}

// stop has srv.Shutdown close the listeners and whatever is idle.
func stop(srv *http.Server) *stopping {
	ctx, cancel := context.WithCancel(context.Background())
	s := &stopping{srv: srv, over: make(chan struct{}), cancel: cancel}
	if srv == nil {
		close(s.over)
	} else {
		go s.run(ctx)
	}
	return s
}

func (s *stopping) run(ctx context.Context) {
	defer close(s.over)
	if err := s.srv.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		s.failed = err
	}
}

func (s *stopping) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// close closes all its connections and reports whether there may have been some.
func (s *stopping) close() bool {
	soon := time.NewTimer(lastMoments / 10)
	defer soon.Stop()
	select {
	case <-s.over: // if there is nothing to wait for, it has not said so only because it has just begun
		return false
	case <-soon.C:
	}
	s.srv.Close() // its error is that of the listeners, which Shutdown has
	s.cancel()
	return true
}

func (s *stopping) forget() {
	s.cancel()
	<-s.over
}

// err is what Shutdown said, once it is over.
func (s *stopping) err() error {
	if !s.isOver() {
		return nil
	}
	return s.failed
}
