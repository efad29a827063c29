package control

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/heeler-go/heeler/chaos"
)

// A Log writes down who says what on the connections of a proxy: a line for each piece, with the time,
// the number of the connection, and the side, and the bytes below it. What may hold a password is not
// shown.
//
//	go control.Log{}.Follow(ctx, proxy, os.Stdout)
//
//	12:00:01.250 #3 client
//	    GET /repo?token=[redacted] HTTP/1.1
//	    Host: db
//
// It never holds up the proxy: what comes too fast is left out, and counted.
type Log struct {
	// Hex shows the bytes as they are, in hexadecimal and ASCII. Otherwise they are shown as text, the
	// way the protocol wants them shown, where it says so: HTTP redacts what is secret in its headers,
	// which Hex does not.
	Hex bool

	// Max ends the log after so many bytes of conversation. Zero is no limit.
	Max int64

	// Piece is how much of each piece is shown, in bytes. Zero is 4096.
	Piece int
}

// DefaultPiece is how much of each piece a Log shows, in bytes, if Piece is zero.
const DefaultPiece = 4096

// A piece is what a side has said, as far as the log shows it.
type piece struct {
	chaos.Said
	data []byte
	size int
}

// Follow writes the log until the context ends, Max is reached, or the writer fails, whose error it
// returns.
func (l Log) Follow(ctx context.Context, p *chaos.Proxy, w io.Writer) error {
	show, _ := p.Protocol.(interface {
		Show(client bool, data []byte) string
	})
	most := l.Piece
	if most <= 0 {
		most = DefaultPiece
	}
	pieces := make(chan piece, waiting)
	var missed atomic.Uint64
	stop := p.Tap(func(s chaos.Said) {
		if len(pieces) == cap(pieces) { // do not copy in vain
			missed.Add(1)
			return
		}
		next := piece{Said: s, size: len(s.Data)}
		if next.Data = nil; !s.Secret {
			next.data = append(next.data, s.Data[:min(len(s.Data), most)]...)
		}
		select {
		case pieces <- next:
		default:
			missed.Add(1)
		}
	})
	defer stop()
	if _, err := fmt.Fprintf(w, "# what is said through %s, from %s on\n", p.Name, time.Now().Format(time.RFC3339)); err != nil {
		return err
	}
	var told int64
	for {
		select {
		case <-ctx.Done():
			return nil
		case next := <-pieces:
			var b strings.Builder
			if n := missed.Swap(0); n > 0 {
				fmt.Fprintf(&b, "… %d pieces came too fast for this log\n", n)
			}
			b.WriteString(l.line(next))
			b.WriteString(l.body(next, show))
			told += int64(next.size)
			done := l.Max > 0 && told >= l.Max
			if done {
				fmt.Fprintf(&b, "… the log ends here, after %d bytes\n", told)
			}
			if _, err := io.WriteString(w, b.String()); err != nil || done {
				return err
			}
		}
	}
}

// line says when, on which connection, and who.
func (l Log) line(p piece) string {
	who := "backend"
	switch {
	case p.Faked:
		who = "proxy, in the backend's name"
	case p.Direction == chaos.Upstream:
		who = "client"
	}
	if p.Lost {
		who += ", lost"
	}
	return fmt.Sprintf("%s #%d %s\n", p.Time.Format("15:04:05.000"), p.Conn, who)
}

// body shows what was said, indented.
func (l Log) body(p piece, show interface {
	Show(client bool, data []byte) string
}) string {
	var text string
	switch {
	case p.Secret:
		return fmt.Sprintf("    (%d bytes that may hold a password)\n", p.size)
	case l.Hex:
		text = hex.Dump(p.data)
	case show != nil:
		text = printable(show.Show(p.Direction == chaos.Upstream, p.data))
	default:
		text = printable(string(p.data))
	}
	text = "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
	if more := p.size - len(p.data); more > 0 {
		text += fmt.Sprintf("    (and %d bytes more)\n", more)
	}
	return text
}

// printable is text with all that is no text escaped: nothing in it moves a terminal's cursor.
func printable(text string) string {
	var b strings.Builder
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case r == '\n' || r == '\t' || unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[size:]
	}
	return b.String()
}

// serveConversation is a Log over HTTP: ?as=text, which is the default, or hex; ?max= is its Max.
func (s *Server) serveConversation(w http.ResponseWriter, r *http.Request) {
	l, err := parseLog(r)
	var p *chaos.Proxy
	if err == nil {
		s.mu.Lock()
		var e *entry
		if e, err = s.addressed(r); err == nil {
			p = e.proxy
		}
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
	l.Follow(ctx, p, out) // its error is that the client has left
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
	return l, nil
}
