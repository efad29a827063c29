package control

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

const (
	waiting       = 256              // events that wait for one who follows them
	mostFollowers = 64               // at a time, of events and conversations
	heartbeat     = 15 * time.Second // between comments, where nothing happens
	writeTimeout  = 10 * time.Second // for a client to take what it is sent
)

// eventJSON is a chaos.Notice.
type eventJSON struct {
	Time    time.Time        `json:"time"`
	Proxy   string           `json:"proxy,omitempty"`
	Kind    chaos.NoticeKind `json:"kind"`
	Conn    uint64           `json:"conn,omitempty"`
	Request uint64           `json:"request,omitempty"`
	Fault   string           `json:"fault,omitempty"`
	Text    string           `json:"text,omitempty"`
}

// A hub gives events to all who follow them. It never waits for one of them.
type hub struct {
	listening atomic.Int32 // spares the proxies the lock where nobody follows
	mu        sync.Mutex
	all       map[*follower]struct{}
}

// A follower gets the events of one proxy or of all, as long as it keeps up.
type follower struct {
	proxy   string // empty: all
	events  chan chaos.Notice
	dropped atomic.Uint64
}

func (h *hub) publish(n chaos.Notice) {
	if h.listening.Load() == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for f := range h.all {
		if f.proxy != "" && f.proxy != n.Proxy {
			continue
		}
		select {
		case f.events <- n:
		default:
			f.dropped.Add(1)
		}
	}
}

// follow is nil if there are too many already.
func (h *hub) follow(proxy string) *follower {
	f := &follower{proxy: proxy, events: make(chan chaos.Notice, waiting)}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.all) >= mostFollowers {
		return nil
	}
	if h.all == nil {
		h.all = map[*follower]struct{}{}
	}
	h.all[f] = struct{}{}
	h.listening.Add(1)
	return f
}

func (h *hub) leave(f *follower) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, f)
	h.listening.Add(-1)
}

// serveEvents tells what happens while it happens, as server-sent events, until the client leaves or the
// server ends. Who is too slow misses events, and is told how many.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	proxy := r.URL.Query().Get("proxy")
	if proxy != "" {
		s.mu.Lock()
		_, err := s.find(proxy)
		s.mu.Unlock()
		if err != nil {
			writeError(w, asError(err))
			return
		}
	}
	f := s.events.follow(proxy)
	if f == nil {
		writeError(w, refusal(http.StatusServiceUnavailable, "", "%d clients follow the events already", mostFollowers))
		return
	}
	defer s.events.leave(f)
	out := newStream(w, "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	if _, err := io.WriteString(out, ": the events of heeler's proxies\n\n"); err != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		text := ":\n\n"
		select {
		case <-r.Context().Done():
			return
		case <-s.ctx.Done():
			return
		case <-beat.C:
		case n := <-f.events:
			text = event(n)
		}
		if missed := f.dropped.Swap(0); missed > 0 {
			text = fmt.Sprintf("event: dropped\ndata: {\"dropped\":%d}\n\n", missed) + text
		}
		if _, err := io.WriteString(out, text); err != nil {
			return
		}
	}
}

// event writes a notice as an event whose type is its kind.
func event(n chaos.Notice) string {
	data, err := json.Marshal(eventJSON(n))
	if err != nil {
		return "" // nothing in it can fail
	}
	return fmt.Sprintf("event: %s\ndata: %s\n\n", n.Kind, data)
}

// A stream is an answer that goes on. A client that does not read ends it.
type stream struct {
	w   http.ResponseWriter
	out *http.ResponseController
}

func newStream(w http.ResponseWriter, contentType string) *stream {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s := &stream{w, http.NewResponseController(w)}
	// The server's own deadlines are for answers that end. Where they cannot be moved, as under a
	// handler that hides them, they hold.
	s.out.SetReadDeadline(time.Time{})
	return s
}

// Write sends it at once.
func (s *stream) Write(p []byte) (int, error) {
	s.out.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := s.w.Write(p)
	if err == nil {
		err = s.out.Flush()
	}
	return n, err
}
