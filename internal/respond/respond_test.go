package respond_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
	"github.com/heeler-go/heeler/internal/respond"
)

// last is a server's writer as HTTP/1 has it.
func last(seen *calls) http.ResponseWriter { return combinations(seen)[7] }

func TestAWriterRemembersWhatBecameOfTheResponse(t *testing.T) {
	for _, c := range []struct {
		name   string
		handle func(w http.ResponseWriter)
		status int
		bytes  int64
	}{
		{"nothing", func(http.ResponseWriter) {}, 0, 0},
		{"a header set but not sent", func(w http.ResponseWriter) { w.Header().Set("X", "y") }, 0, 0},
		{"a status", func(w http.ResponseWriter) { w.WriteHeader(404) }, 404, 0},
		{"a body", func(w http.ResponseWriter) { w.Write([]byte("hello")) }, 200, 5},
		{"a string", func(w http.ResponseWriter) { io.WriteString(w, "hello") }, 200, 5},
		{"both", func(w http.ResponseWriter) { w.WriteHeader(500); w.Write([]byte("sorry")) }, 500, 5},
		{"a flush", func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, 200, 0},
		{"a copy", func(w http.ResponseWriter) { io.Copy(w, strings.NewReader(strings.Repeat("x", 2000))) }, 200, 2000},
		{"a copy from what is empty", func(w http.ResponseWriter) { io.Copy(w, blank{}) }, 0, 0},
		{"a copy that fails at once, then an error", func(w http.ResponseWriter) {
			if _, err := w.(io.ReaderFrom).ReadFrom(iotest.ErrReader(io.ErrUnexpectedEOF)); err != io.ErrUnexpectedEOF {
				panic(err)
			}
			w.WriteHeader(502)
		}, 502, 0},
		{"early hints", func(w http.ResponseWriter) { w.WriteHeader(103) }, 0, 0},
		{"early hints, then a status", func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(404) }, 404, 0},
		{"other protocols", func(w http.ResponseWriter) { w.WriteHeader(101) }, 101, 0},
		{"a status twice", func(w http.ResponseWriter) { w.WriteHeader(201); w.WriteHeader(500) }, 201, 0},
	} {
		for name, gate := range gates {
			t.Run(c.name+", "+name, func(t *testing.T) {
				w, _ := newWriter(last(new(calls)), gate())
				c.handle(w.View())
				if w.Status() != c.status || w.Bytes() != c.bytes || w.Hijacked() {
					t.Errorf("status %d, %d bytes, hijacked %v; want %d, %d", w.Status(), w.Bytes(), w.Hijacked(), c.status, c.bytes)
				}
				if _, ok := w.FirstByte(); ok != (c.status != 0) {
					t.Errorf("first byte: %v", ok)
				}
			})
		}
	}
}

// blank is a source without a byte, and without a WriteTo.
type blank struct{}

func (blank) Read([]byte) (int, error) { return 0, io.EOF }

// once is a source that must not be asked again after its end.
type once struct{ ended bool }

func (o *once) Read([]byte) (int, error) {
	if o.ended {
		panic("read beyond the end")
	}
	o.ended = true
	return 0, io.EOF
}

func TestASourceIsNotReadBeyondItsEnd(t *testing.T) {
	for _, gate := range gates {
		w, _ := newWriter(last(new(calls)), gate())
		io.Copy(w.View(), new(once))
	}
}

func TestTheFirstByteIsWhenTheHeaderWasSent(t *testing.T) {
	handle := func(t *testing.T) {
		w, _ := newWriter(last(new(calls)), nil)
		time.Sleep(time.Millisecond)
		before := deadline.Now()
		w.View().WriteHeader(200)
		after := deadline.Now()
		w.View().Write([]byte("later"))
		if at, ok := w.FirstByte(); !ok || at < before-time.Microsecond || at > after+time.Microsecond {
			t.Errorf("%v %v, want between %v and %v", at, ok, before, after)
		}
		if w.Status() != 200 {
			t.Errorf("status %d", w.Status())
		}
	}
	t.Run("in real time", handle)
	t.Run("in a bubble, where it is negative", func(t *testing.T) { synctest.Test(t, handle) })
}

// short takes only some bytes.
type short struct{ *httptest.ResponseRecorder }

func (s short) Write(p []byte) (int, error) { return len(p) / 2, io.ErrShortWrite }

func TestOnlyBytesThatWereTakenCount(t *testing.T) {
	for name, gate := range gates {
		w, _ := newWriter(short{httptest.NewRecorder()}, gate())
		n, err := w.View().Write(make([]byte, 10))
		if n != 5 || err != io.ErrShortWrite || w.Bytes() != 5 {
			t.Errorf("%s: %d %v, %d counted", name, n, err, w.Bytes())
		}
	}
}

func TestTheObserverIsToldOnceOfAHijack(t *testing.T) {
	for name, gate := range gates {
		w, o := newWriter(last(new(calls)), gate())
		w.View().(http.Hijacker).Hijack()
		if !w.Hijacked() || o.longLived != 1 {
			t.Errorf("%s: hijacked %v, told %d times", name, w.Hijacked(), o.longLived)
		}
	}
}

func TestTheObserverIsToldOnceOfAnEventStream(t *testing.T) {
	for kind, want := range map[string]int{
		"text/event-stream":                1,
		"Text/Event-Stream; charset=utf-8": 1,
		"text/event-stream\t;x":            1,
		"text/event-streams":               0,
		"text/event":                       0,
		"text/html":                        0,
		"":                                 0,
	} {
		for name, gate := range gates {
			for _, begin := range []func(w http.ResponseWriter){
				func(w http.ResponseWriter) { w.WriteHeader(200) },
				func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
				func(w http.ResponseWriter) { w.Write([]byte("data: 1\n\n")) },
			} {
				w, o := newWriter(last(new(calls)), gate())
				view := w.View()
				if kind != "" {
					view.Header().Set("Content-Type", kind)
				}
				if o.longLived != 0 {
					t.Error("told before anything was sent")
				}
				begin(view)
				view.Write([]byte("data: 2\n\n"))
				if o.longLived != want {
					t.Errorf("%q, %s: told %d times, want %d", kind, name, o.longLived, want)
				}
			}
		}
	}
}

// above hides the server's writer, as middlewares do, but for Unwrap.
type above struct{ http.ResponseWriter }

func (a above) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func TestAHijackThroughAWriterThatHidesItIsSeen(t *testing.T) {
	for name, gate := range gates {
		inner, outer := new(observer), new(observer)
		var low, high respond.Writer
		low.Init(above{last(new(calls))}, outer, gate())
		high.Init(above{low.View()}, inner, gate()) // a guard inside a guard
		if _, ok := high.View().(http.Hijacker); ok {
			t.Error("offers what the writer below does not")
		}
		if _, _, err := http.NewResponseController(high.View()).Hijack(); err != nil {
			t.Fatal(err)
		}
		if !high.Hijacked() || !low.Hijacked() || inner.longLived != 1 || outer.longLived != 1 {
			t.Errorf("%s: hijacked %v and %v, told %d and %d times", name, high.Hijacked(), low.Hijacked(), inner.longLived, outer.longLived)
		}
	}
}

func TestAFlushThroughAWriterThatHidesItIsSeen(t *testing.T) {
	for name, gate := range gates {
		seen := new(calls)
		var low, high respond.Writer
		low.Init(above{last(seen)}, new(observer), gate())
		high.Init(low.View(), new(observer), gate())
		if err := http.NewResponseController(high.View()).Flush(); err != nil {
			t.Fatal(err)
		}
		if high.Status() != 200 || low.Status() != 200 || len(seen.list) != 1 {
			t.Errorf("%s: status %d and %d, calls %v", name, high.Status(), low.Status(), seen.list)
		}
	}
}

func TestAFlushThatNobodyBelowSupportsBeginsNothing(t *testing.T) {
	for name, gate := range gates {
		var low, high respond.Writer
		low.Init(combinations(new(calls))[0], new(observer), gate())
		high.Init(low.View(), new(observer), gate()) // a guard inside a guard: both have FlushError
		err := http.NewResponseController(high.View()).Flush()
		if !errors.Is(err, http.ErrNotSupported) || high.Status() != 0 || low.Status() != 0 {
			t.Errorf("%s: %v, status %d and %d", name, err, high.Status(), low.Status())
		}
	}
}

func TestOnlyARegularFileIsPassedDownThroughAGate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, 4000), 0o600); err != nil {
		t.Fatal(err)
	}
	open := func() *os.File {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { file.Close() })
		return file
	}
	r, p, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.Write(make([]byte, 4000))
	p.Close()
	for name, c := range map[string]struct {
		src        io.Reader
		passedDown bool
	}{
		"a file":                       {open(), true},
		"a part of a file":             {io.LimitReader(open(), 4000), true},
		"a pipe":                       {r, false},
		"a string":                     {strings.NewReader(strings.Repeat("x", 4000)), false},
		"a file that is read in a way": {paced{open()}, false},
	} {
		seen := new(calls)
		w, _ := newWriter(last(seen), new(respond.Gate))
		if n, err := io.Copy(w.View(), c.src); n != 4000 || err != nil || w.Bytes() != 4000 {
			t.Errorf("%s: copied %d, %v; counted %d", name, n, err, w.Bytes())
		}
		if got := len(seen.list) > 0; got != c.passedDown {
			t.Errorf("%s: passed down %v, want %v", name, got, c.passedDown)
		}
	}
}

// paced reads a file in a way of its own, which may block.
type paced struct{ file *os.File }

func (p paced) Read(b []byte) (int, error) { return p.file.Read(b) }
func (p paced) Stat() (os.FileInfo, error) { return p.file.Stat() }

func TestCloseNotifyIsPassedOnToThoseWhoAsk(t *testing.T) {
	for name, gate := range gates {
		w, _ := newWriter(combinations(new(calls))[0], gate())
		//lint:ignore SA1019 gin calls it unasked
		notifier := w.View().(http.CloseNotifier)
		select {
		case <-notifier.CloseNotify():
			t.Errorf("%s: the client has left, says nobody", name)
		default:
		}
	}
}
