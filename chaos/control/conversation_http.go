package control

import (
	"context"
	"net/http"
	"strconv"
)

// serveConversation is a Log over HTTP, until the proxy is deleted: ?as=text, which is the default, or
// hex; ?max= and ?piece= are its Max and Piece.
func (s *Server) serveConversation(w http.ResponseWriter, r *http.Request) {
	l, err := parseLog(r)
	var e *entry
	if err == nil {
		s.mu.Lock()
		e, err = s.addressed(r)
		s.mu.Unlock()
	}
	if err != nil {
		writeError(w, asError(err))
		return
	}
	if n := s.logs.Add(1); n > mostFollowers {
		s.logs.Add(-1)
		writeError(w, refusal(http.StatusServiceUnavailable, "", "%d logs are being written already", mostFollowers))
		return
	}
	defer s.logs.Add(-1)
	out := newStream(w, "text/plain; charset=utf-8")
	if r.Method == http.MethodHead {
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()
	go endWith(e.deleted, ctx, cancel)
	l.Follow(ctx, e.proxy, out) // its error is that the client has left
}

// endWith ends a context that has not ended when its proxy has been deleted.
func endWith(deleted <-chan struct{}, ctx context.Context, cancel context.CancelFunc) {
	select {
	case <-deleted:
		cancel()
	case <-ctx.Done():
	}
}

func parseLog(r *http.Request) (Log, error) {
	var l Log
	query := r.URL.Query()
	switch as := query.Get("as"); as {
	case "", "text":
	case "hex":
		l.Hex = true
	default:
		return l, refusal(http.StatusBadRequest, "as", "as is %q, want text or hex", as)
	}
	if most := query.Get("max"); most != "" {
		n, err := strconv.ParseInt(most, 10, 64)
		if err != nil || n < 1 {
			return l, refusal(http.StatusBadRequest, "max", "max is %q, want a number of bytes from 1", most)
		}
		l.Max = n
	}
	if size := query.Get("piece"); size != "" {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 || n > MaxBody {
			return l, refusal(http.StatusBadRequest, "piece", "piece is %.40q, want a number of bytes from 1 to %d", size, MaxBody)
		}
		l.Piece = n
	}
	return l, nil
}
