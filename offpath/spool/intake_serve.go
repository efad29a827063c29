package spool

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/heeler-go/heeler/internal/problem"
	"github.com/heeler-go/heeler/internal/request"
)

// statusClientGone is nginx's for a client that left before it was answered. It
// is seen by nobody but whoever logs it.
const statusClientGone = 499

// intake is an Intake in front of a handler.
type intake struct {
	*Intake
	next  http.Handler
	names []string // of the headers that are stored
}

// Unwrap lets slowlog look for the mux whose pattern names the route.
func (h *intake) Unwrap() http.Handler { return h.next }

// An outcome is what becomes of a request.
type outcome int

const (
	taken outcome = iota
	tooLarge
	refused
	dropped
	failed
	broken
)

func (h *intake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.Skip != nil && h.Skip(r) {
		h.next.ServeHTTP(w, r)
		return
	}
	b := h.body(w, r)
	if h.Pass {
		b.copy = &replay{dir: h.TempDir}
		defer b.copy.close()
	}
	e := h.entry(r)
	o, err := tooLarge, error(nil)
	if r.ContentLength <= h.maxBody() { // else not a byte of it is read, nor asked for with 100 Continue
		err = h.store(w, r, e, b)
		o = h.judge(r, b, err)
	}
	if o == dropped && !h.Pass {
		// The client must not notice. It would if the connection were closed because of an unread body.
		if b.discard(); !b.whole() {
			o = judgeBody(b.end)
		}
	}
	h.tally(o)
	h.report(r.Context(), e.ID, o, err)
	switch {
	case o != taken && o != dropped:
		h.answer(o, b, w, r)
	case h.Pass:
		h.pass(o, e.ID, b, w, r)
	default:
		accept(w, r, e.ID)
	}
}

func (h *intake) body(w http.ResponseWriter, r *http.Request) *body {
	from := r.Body
	if from == nil {
		from = http.NoBody
	}
	return &body{from: http.MaxBytesReader(w, from, h.maxBody()), timeout: h.timeout()}
}

func (h *intake) entry(r *http.Request) *Entry {
	now := time.Now()
	e := &Entry{
		ID:         newID(now), // one that will be dropped has an ID, too
		Received:   now,
		Method:     r.Method,
		URI:        r.RequestURI,
		Host:       r.Host,
		RemoteAddr: r.RemoteAddr,
		Proto:      r.Proto,
		Header:     make(http.Header),
		Size:       max(r.ContentLength, 0), // -1 is what net/http says of one that it does not know
	}
	if e.URI == "" { // a request that came over no wire
		e.URI = r.URL.RequestURI()
	}
	for _, name := range h.names {
		if values := r.Header[name]; len(values) > 0 {
			e.Header[name] = slices.Clone(values)
		}
	}
	return e
}

// store gives the entry to the Publisher. The error is nil if it is stored.
func (h *intake) store(w http.ResponseWriter, r *http.Request, e *Entry, b *body) (err error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	slow := fmt.Errorf("spool: %T has not stored an entry within %v", h.To, b.timeout)
	b.patience = time.AfterFunc(b.timeout, func() { cancel(slow) })
	defer func() { b.patience.Stop() }()
	lent := &loan{body: b}
	returned := false
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("spool: %T panicked: %v\n%s", h.To, v, debug.Stack())
		} else if !returned { // runtime.Goexit: the goroutine ends, whatever we do
			err = errors.New("spool: the Publisher has ended its goroutine")
			h.tally(failed)
		}
		breakOff := func() { _ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) }
		if h.drops(err) { // what is left of the body is needed
			breakOff = nil
		}
		if broken := lent.end(breakOff); err == nil && (broken || b.more()) {
			err = fmt.Errorf("spool: %T has returned nil before it has read the body to its end", h.To)
		}
	}()
	err = h.To.Publish(ctx, e, lent)
	returned = true
	if err != nil && context.Cause(ctx) == slow && !errors.Is(err, slow) {
		err = fmt.Errorf("%w: %w", slow, err)
	}
	return err
}

// drops reports whether the error means that the request is dropped.
func (i *Intake) drops(err error) bool {
	return i.Full == Drop && errors.Is(err, ErrFull) && !errors.Is(err, ErrTooLarge)
}

// judge tells what became of a request from what the Publisher said and from
// how the body ended. A body that did not come whole was not stored, whatever
// the Publisher says.
func (h *intake) judge(r *http.Request, b *body, err error) outcome {
	switch {
	case b.end != nil && !b.whole():
		return judgeBody(b.end)
	case b.copyErr != nil:
		err = b.copyErr
	case err == nil:
		return taken
	}
	switch {
	case errors.Is(err, ErrTooLarge):
		return tooLarge
	case h.drops(err):
		return dropped
	case errors.Is(err, ErrFull):
		return refused
	case errors.Is(err, context.Canceled) && request.Gone(r.Context()):
		return broken
	}
	return failed
}

func judgeBody(err error) outcome {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return tooLarge
	}
	return broken
}

func (i *Intake) tally(o outcome) {
	switch o {
	case taken:
		i.count.taken.Add(1)
	case tooLarge:
		i.count.tooLarge.Add(1)
	case refused:
		i.count.refused.Add(1)
	case dropped:
		i.count.dropped.Add(1)
	case failed:
		i.count.failed.Add(1)
	case broken:
		i.count.broken.Add(1)
	}
}

// accept answers that the entry is stored.
func accept(w http.ResponseWriter, r *http.Request, id string) {
	header := w.Header()
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusAccepted)
	if r.Method != http.MethodHead {
		_, _ = io.WriteString(w, `{"id":"`+id+`"}`+"\n")
	}
}

// pass hands the request on.
func (h *intake) pass(o outcome, id string, b *body, w http.ResponseWriter, r *http.Request) {
	h.count.passed.Add(1)
	ctx := r.Context()
	if o == taken {
		ctx = context.WithValue(ctx, idKey{}, id)
	}
	inside := r.WithContext(ctx)
	defer request.HandBack(r, inside)
	if r.Body != nil && r.Body != http.NoBody { // else handlers may compare it
		inside.Body = b.again()
	}
	h.next.ServeHTTP(w, inside)
}

// answer says that the request was not stored.
func (h *intake) answer(o outcome, b *body, w http.ResponseWriter, r *http.Request) {
	p := problem.Problem{Unread: !b.whole(), Encoding: w.Header()["Content-Encoding"]}
	switch o {
	case tooLarge:
		p.Status = http.StatusRequestEntityTooLarge
	case refused:
		p.Status, p.Detail, p.After = http.StatusServiceUnavailable, "there is no room for this at present", h.retryAfter()
	case failed:
		p.Status, p.Detail, p.After = http.StatusServiceUnavailable, "this could not be stored", h.retryAfter()
	case broken:
		switch {
		case errors.Is(b.end, os.ErrDeadlineExceeded): // net/http has cancelled the context for it, too
			p.Status = http.StatusRequestTimeout
		case request.Gone(r.Context()):
			w.WriteHeader(statusClientGone)
			return
		default:
			p.Status, p.Detail = http.StatusBadRequest, "the body makes no sense"
		}
	}
	p.Write(w, r)
}

// report logs what the operator has to know of, once a minute at most. Nothing
// of the request is in it but the ID.
func (i *Intake) report(ctx context.Context, id string, o outcome, err error) {
	if o != refused && o != dropped && o != failed {
		return
	}
	if more, ok := i.quiet.ask(time.Now()); ok {
		slog.ErrorContext(ctx, "spool: a request was not stored", "entry", id, "dropped", o == dropped, "error", err, "more", more)
	}
}

// quiet lets one through in a minute.
type quiet struct {
	mu   sync.Mutex
	last time.Time
	held int // since the last
}

// ask reports whether it may be said now, and how often it was held back.
func (q *quiet) ask(now time.Time) (held int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.last.IsZero() && now.Sub(q.last) < time.Minute {
		q.held++
		return 0, false
	}
	held, q.held, q.last = q.held, 0, now
	return held, true
}

func (i *Intake) maxBody() int64 { return cmp.Or(i.MaxBody, DefaultMaxBody) }

func (i *Intake) timeout() time.Duration { return cmp.Or(i.Timeout, DefaultTimeout) }

func (i *Intake) retryAfter() time.Duration { return cmp.Or(i.RetryAfter, DefaultRetryAfter) }
