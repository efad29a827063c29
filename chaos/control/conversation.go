package control

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/internal/redact"
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
	// Hex shows the bytes in hexadecimal and ASCII. Otherwise they are shown as text; where they are
	// none, line breaks in them are escaped, too. Either way they are shown as the protocol wants, where
	// it says so: HTTP redacts what is secret in its headers. Pieces of which nothing has to be redacted
	// are exactly what was said in Hex.
	Hex bool

	// Max ends the log after so many bytes of conversation. Zero is no limit.
	Max int64

	// Piece is how much of each piece is shown, in bytes. Zero is 4096.
	Piece int
}

// defaultPiece is how much of each piece a Log shows, in bytes, if Piece is zero.
const defaultPiece = 4096

// A piece is what a side has said, as far as the log shows it.
type piece struct {
	chaos.Said
	data []byte
	size int
}

// Follow writes the log until the context ends, Max is reached, or the writer fails, whose error it
// returns. What has been heard when the context ends is written still.
func (l Log) Follow(ctx context.Context, p *chaos.Proxy, w io.Writer) error {
	return l.Tap(p)(ctx, w)
}

// Tap is the first half of Follow, and gives the second, which must be called, once. What is said between
// the two is not missed, as far as it fits in memory: 256 pieces.
func (l Log) Tap(p *chaos.Proxy) (write func(ctx context.Context, w io.Writer) error) {
	f := &following{Log: l, pieces: make(chan piece, waiting), name: p.Name}
	f.show, _ = p.Protocol.(shower)
	f.Piece = cmp.Or(max(f.Piece, 0), defaultPiece)
	f.stop = p.Tap(f.hear)
	return f.write
}

// A following is a Log of one proxy.
type following struct {
	Log
	name   string
	show   shower // nil: the protocol does not care
	pieces chan piece
	missed atomic.Uint64
	told   int64
	stop   func()
}

// A shower is a protocol that says how it is to be shown to people, and hides what is secret.
type shower interface {
	Show(client bool, data []byte) string
}

// hear keeps a piece, unless there is no more room. It never waits.
func (f *following) hear(s chaos.Said) {
	if len(f.pieces) == cap(f.pieces) { // do not copy in vain
		f.missed.Add(1)
		return
	}
	next := piece{Said: s, size: len(s.Data)}
	if next.Data = nil; !s.Secret {
		next.data = append(next.data, s.Data[:min(len(s.Data), f.Piece)]...)
	}
	select {
	case f.pieces <- next:
	default:
		f.missed.Add(1)
	}
}

func (f *following) write(ctx context.Context, w io.Writer) error {
	defer f.stop()
	_, err := fmt.Fprintf(w, "# what is said through %s, from %s on\n", f.name, time.Now().Format(time.RFC3339))
	for done := false; err == nil && !done; {
		select {
		case <-ctx.Done():
			return f.drain(w)
		case next := <-f.pieces:
			done, err = f.tell(w, next)
		}
	}
	return err
}

// drain writes what has been heard.
func (f *following) drain(w io.Writer) error {
	f.stop()
	for {
		select {
		case next := <-f.pieces:
			if done, err := f.tell(w, next); done || err != nil {
				return err
			}
		default:
			_, err := io.WriteString(w, f.left())
			return err
		}
	}
}

// tell writes a piece, and says whether that was the last one.
func (f *following) tell(w io.Writer, next piece) (done bool, err error) {
	text := f.left() + next.line() + f.body(next)
	f.told += int64(next.size)
	if done = f.Max > 0 && f.told >= f.Max; done {
		text += fmt.Sprintf("… the log ends here, after %d bytes\n", f.told)
	}
	_, err = io.WriteString(w, text)
	return done, err
}

// left says how much has been left out since it was last asked.
func (f *following) left() string {
	if n := f.missed.Swap(0); n > 0 {
		return fmt.Sprintf("… %d pieces came too fast for this log\n", n)
	}
	return ""
}

// line says when, on which connection, and who.
func (p piece) line() string {
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
func (f *following) body(p piece) string {
	if p.Secret {
		return fmt.Sprintf("    (%d bytes that may hold a password)\n", p.size)
	}
	text := string(p.data)
	if f.show != nil {
		text = f.show.Show(p.Direction == chaos.Upstream, p.data)
	}
	switch {
	case f.Hex:
		if bytes := string(p.data); strings.Count(text, redact.Mark) == strings.Count(bytes, redact.Mark) {
			text = bytes
		}
		text = hex.Dump([]byte(text))
	case f.show != nil || isText(text):
		text = printable(strings.ReplaceAll(text, "\r\n", "\n"))
	default:
		text = strings.ReplaceAll(printable(text), "\n", `\n`)
	}
	text = "    " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n    ") + "\n"
	if more := p.size - len(p.data); more > 0 {
		text += fmt.Sprintf("    (and %d bytes more)\n", more)
	}
	return text
}

// isText says that line breaks in it are meant as such: nothing in it is for machines only.
func isText(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t'
	})
}

// printable is text with all that is no text escaped, but for line breaks: nothing in it moves a
// terminal's cursor.
func printable(text string) string {
	var b strings.Builder
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
