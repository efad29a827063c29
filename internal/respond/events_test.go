package respond_test

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/internal/respond"
)

func TestTheLastLineOfAnEventStreamIsNoPartOfAnEvent(t *testing.T) {
	for _, c := range []struct{ written, want string }{
		{"", "retry: 1\n\n"},
		{"data: whole\n\n", "retry: 1\n\n"},
		{"data: whole\r\n\r\n", "retry: 1\n\n"},
		{"data: whole\r\r", "retry: 1\n\n"},
		{"data: whole\r\n\n", "retry: 1\n\n"},
		{"data: whole\n\n\n\n\n\n", "retry: 1\n\n"},
		{"\n", "retry: 1\n\n"},
		{"data: a line\n", "retry: 1\n"},
		{"data: a line\r\n", "retry: 1\n"},
		{"data: a line\r", "retry: 1\n"},
		{"data: whole\n\n: a comment\n", "retry: 1\n"},
		{"data: a part", "\nretry: 1\n"},
		{"data: whole\n\nd", "\nretry: 1\n"},
		{"data: whole\r\n\r\nda", "\nretry: 1\n"},
	} {
		for size := 1; size <= len(c.written)+1; size++ { // of the pieces
			for way, write := range map[string]func(io.Writer, string){
				"Write":       func(w io.Writer, s string) { w.Write([]byte(s)) },
				"WriteString": func(w io.Writer, s string) { io.WriteString(w, s) },
				"ReadFrom":    func(w io.Writer, s string) { io.Copy(w, struct{ io.Reader }{strings.NewReader(s)}) },
			} {
				var guard respond.Writer
				guard.Init(struct{ both }{both{httptest.NewRecorder()}}, &observer{}, nil)
				w := guard.View()
				w.Header().Set("Content-Type", "text/event-stream")
				w.WriteHeader(200)
				for rest := c.written; rest != ""; rest = rest[min(size, len(rest)):] {
					write(w, rest[:min(size, len(rest))])
				}
				if got := guard.LastLine("retry: 1"); got != c.want {
					t.Fatalf("after %q by %s in pieces of %d: %q, want %q", c.written, way, size, got, c.want)
				}
			}
		}
	}
}

// both is a writer that is an io.ReaderFrom, too.
type both struct{ *httptest.ResponseRecorder }

func (b both) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{b.ResponseRecorder}, r)
}
