package respond_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/internal/respond"
)

// editor answers instead of the handler if instead is set, and else adds a header.
type editor struct {
	observer
	under   http.ResponseWriter
	instead int
	kind    string // sets the Content-Type if it is not empty
	full    error  // what Discard says

	asked     []int // the statuses that the handler gave
	discarded int
}

func (e *editor) Edit(status int) int {
	e.asked = append(e.asked, status)
	e.under.Header().Set("X-Edited", "yes")
	if e.kind != "" {
		e.under.Header().Set("Content-Type", e.kind)
	}
	if e.instead != 0 {
		e.under.WriteHeader(e.instead)
		io.WriteString(e.under, "instead")
	}
	return e.instead
}

func (e *editor) Discard(n int) (int, error) {
	if e.full != nil {
		return 0, e.full
	}
	e.discarded += n
	return n, nil
}

func edit(under http.ResponseWriter, instead int, gate *respond.Gate) (*respond.Writer, *editor) {
	w, e := new(respond.Writer), &editor{under: under, instead: instead}
	w.Init(under, e, gate)
	w.InitEditor(e)
	return w, e
}

// beginnings are all ways to begin a response, with the status of each and
// the length of the body.
var beginnings = []struct {
	name   string
	handle func(w http.ResponseWriter)
	status int
	bytes  int
}{
	{"a status", func(w http.ResponseWriter) { w.WriteHeader(404) }, 404, 0},
	{"a status and a body", func(w http.ResponseWriter) { w.WriteHeader(500); w.Write([]byte("sorry")) }, 500, 5},
	{"a status twice", func(w http.ResponseWriter) { w.WriteHeader(500); w.WriteHeader(201) }, 500, 0},
	{"a body", func(w http.ResponseWriter) { w.Write([]byte("hello")); w.Write([]byte("you")) }, 200, 8},
	{"a string", func(w http.ResponseWriter) { io.WriteString(w, "hello") }, 200, 5},
	{"a flush", func(w http.ResponseWriter) { w.(http.Flusher).Flush() }, 200, 0},
	{"a short copy", func(w http.ResponseWriter) { io.Copy(w, strings.NewReader("hello")) }, 200, 5},
	{"a long copy", func(w http.ResponseWriter) {
		w.WriteHeader(500)
		io.Copy(w, io.LimitReader(zeros{}, 1<<20))
	}, 500, 1 << 20},
	{"a long copy that begins it", func(w http.ResponseWriter) { io.Copy(w, io.LimitReader(zeros{}, 1<<20)) }, 200, 1 << 20},
}

func TestAnEditorIsAskedOnceBeforeTheResponseBegins(t *testing.T) {
	for _, c := range beginnings {
		for name, gate := range gates {
			under := httptest.NewRecorder()
			w, e := edit(under, 0, gate())
			c.handle(w.View())
			if !slices.Equal(e.asked, []int{c.status}) || w.Status() != c.status {
				t.Errorf("%s, %s: asked %v, sent %d; want once %d", c.name, name, e.asked, w.Status(), c.status)
			}
			if _, ok := w.FirstByte(); !ok {
				t.Errorf("%s, %s: not known to have begun", c.name, name)
			}
			if got := under.Result().Header.Get("X-Edited"); got != "yes" {
				t.Errorf("%s, %s: the header that the editor added was not sent", c.name, name)
			}
			if under.Body.Len() != c.bytes || w.Bytes() != int64(c.bytes) || e.discarded != 0 {
				t.Errorf("%s, %s: %d bytes sent, %d counted, %d discarded; want %d", c.name, name, under.Body.Len(), w.Bytes(), e.discarded, c.bytes)
			}
		}
	}
}

func TestAnEditorMayAnswerInsteadOfTheHandler(t *testing.T) {
	for _, c := range beginnings {
		for name, gate := range gates {
			under := httptest.NewRecorder()
			w, e := edit(under, 503, gate())
			c.handle(w.View())
			if under.Code != 503 || under.Body.String() != "instead" || w.Status() != 503 {
				t.Errorf("%s, %s: %d %q, status %d", c.name, name, under.Code, under.Body, w.Status())
			}
			if e.discarded != c.bytes || !slices.Equal(e.asked, []int{c.status}) {
				t.Errorf("%s, %s: %d bytes discarded, want %d; asked %v", c.name, name, e.discarded, c.bytes, e.asked)
			}
		}
	}
}

func TestAFileIsNotPassedDownAfterAnEditorHasAnswered(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, make([]byte, 4000), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, gate := range gates {
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		seen := new(calls)
		w, e := edit(last(seen), 503, gate())
		if n, err := io.Copy(w.View(), file); n != 4000 || err != nil || e.discarded != 4000 || len(seen.list) > 0 {
			t.Errorf("%s: copied %d, %v; discarded %d; calls %v", name, n, err, e.discarded, seen.list)
		}
	}
}

func TestTheHandlerLearnsWhyItsBodyIsNotDiscarded(t *testing.T) {
	for name, gate := range gates {
		w, e := edit(last(new(calls)), 503, gate())
		e.full = errors.New("the client has left")
		w.View().WriteHeader(500)
		_, write := w.View().Write([]byte("x"))
		_, writeString := io.WriteString(w.View(), "x")
		_, readFrom := io.Copy(w.View(), zeros{})
		for call, err := range map[string]error{"Write": write, "WriteString": writeString, "ReadFrom": readFrom} {
			if err != e.full {
				t.Errorf("%s, %s: %v, want %v", call, name, err, e.full)
			}
		}
	}
}

func TestAnEditorIsNotAskedAboutWhatIsNoResponse(t *testing.T) {
	for name, handle := range map[string]func(http.ResponseWriter){
		"nothing":            func(http.ResponseWriter) {},
		"a header set":       func(w http.ResponseWriter) { w.Header().Set("X", "y") },
		"early hints":        func(w http.ResponseWriter) { w.WriteHeader(103) },
		"a hijack":           func(w http.ResponseWriter) { w.(http.Hijacker).Hijack() },
		"a copy of no bytes": func(w http.ResponseWriter) { io.Copy(w, blank{}) },
	} {
		for gated, gate := range gates {
			w, e := edit(last(new(calls)), 503, gate())
			if handle(w.View()); len(e.asked) > 0 {
				t.Errorf("%s, %s: asked about %v", name, gated, e.asked)
			}
		}
	}
}

func TestTheAnswerOfAnEditorIsSentBeforeAHijack(t *testing.T) {
	for name, gate := range gates {
		seen := new(calls)
		w, e := edit(last(seen), 503, gate())
		w.View().WriteHeader(500)
		w.View().(http.Hijacker).Hijack()
		if got := strings.Join(seen.list, ", "); got != "Flush, Hijack" || e.longLived != 1 {
			t.Errorf("%s: calls %s, told %d times", name, got, e.longLived)
		}
	}
}

func TestAnEditorIsAskedAfterEarlyHints(t *testing.T) {
	for name, gate := range gates {
		w, e := edit(last(new(calls)), 0, gate())
		w.View().WriteHeader(103)
		w.View().WriteHeader(502)
		if !slices.Equal(e.asked, []int{502}) {
			t.Errorf("%s: asked %v, want once 502", name, e.asked)
		}
	}
}

func TestAnEventStreamThatWasAnsweredForIsNone(t *testing.T) {
	w, e := edit(httptest.NewRecorder(), 503, nil)
	e.kind = "text/plain"
	w.View().Header().Set("Content-Type", "text/event-stream")
	if w.View().WriteHeader(500); e.longLived != 0 {
		t.Errorf("told %d times of a long-lived one", e.longLived)
	}
}
