package drain

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/heeler-go/heeler/internal/respond"
)

// sayRetry tells the client of an event stream when to come back, if there is a place where to say it: after what the
// handler has written, unless a middleware inside has encoded that. One that has a length takes no more. An event that
// the handler has left incomplete stays so.
func (x *exchange) sayRetry() {
	w := x.writer.Under()
	if !respond.IsEventStream(w.Header()) || x.writer.Status() != http.StatusOK || x.r.Method == http.MethodHead ||
		x.encoded {
		return
	}
	base := x.drainer.retry()
	line := fmt.Sprint("retry: ", int64((base+rand.N(base))/time.Millisecond))
	if _, err := io.WriteString(w, x.writer.LastLine(line)); err == nil {
		http.NewResponseController(w).Flush()
	}
}

// A streaming is what is kept of a stream.
type streaming struct {
	kept
	x      *exchange
	mu     sync.Mutex // held while something is done to the response from elsewhere
	failed bool       // what the handler reads and writes
	over   bool
}

// goodbye ends the context. The handler does the rest.
func (s *streaming) goodbye() { s.x.ctx.end(ErrDraining) }

// cut makes what the handler reads and writes fail, since it may be blocked there.
func (s *streaming) cut() {
	s.goodbye()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return // the response may be another request's already
	}
	s.failed = true
	rc := http.NewResponseController(s.x.writer.Under())
	rc.SetReadDeadline(past)
	rc.SetWriteDeadline(past)
}

var past = time.Unix(1, 0)

// done is called when the handler has ended: there may be something to send yet.
func (s *streaming) done() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.failed {
		s.x.writer.Done(s.x.r)
	}
}

// close is called when the stream is over.
func (s *streaming) close() {
	s.mu.Lock()
	s.over = true
	s.mu.Unlock()
	s.leave()
}
