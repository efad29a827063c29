package spool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/offpath/spool"
)

// noise is n bytes, always the same, of which no two pieces are alike.
func noise(n int64) io.Reader { return io.LimitReader(rand.New(rand.NewSource(1)), n) }

func TestTheNextHandlerSeesWhatWasStored(t *testing.T) {
	overBoth(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		for _, size := range []int64{0, 1, 64 << 10, 64<<10 + 1, 1 << 20} {
			to := &shelf{}
			in := &spool.Intake{To: to, Pass: true, TempDir: t.TempDir()}
			s := serve(in.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, spool.ID(r.Context()), " ", r.ContentLength, " ")
				io.Copy(w, r.Body)
				if left, err := os.ReadDir(in.TempDir); len(left) > 0 || err != nil {
					t.Errorf("in the folder for copies: %v, %v; want nothing that could stay there", left, err)
				}
			})))
			resp, err := s.Client().Post(s.URL, "", struct{ io.Reader }{noise(size)})
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			e, stored := to.only(t)
			if want := text(t, noise(size)); stored != want {
				t.Fatalf("%d bytes are stored that are not the %d that were sent", len(stored), len(want))
			}
			length := -1 // as it came: chunked, or a stream
			if got, want := text(t, resp.Body), fmt.Sprint(e.ID, " ", length, " ", stored); got != want {
				t.Errorf("%d bytes: the handler saw %.60q… (%d), want %.60q… (%d)", size, got, len(got), want, len(want))
			}
			equal(t, "stats", in.Stats(), spool.IntakeStats{Taken: 1, Passed: 1})
		}
	})
}

func TestTheNextHandlerSeesTrailers(t *testing.T) {
	to := &shelf{}
	h := (&spool.Intake{To: to, Pass: true}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, text(t, r.Body), r.Trailer.Get("X-Sum"))
	}))
	resp := exchange(t, h,
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n4\r\nbark\r\n0\r\nX-Sum: 4\r\n\r\n")
	equal(t, "seen", text(t, resp.Body), "bark4")
}

func TestAMuxInsideNamesTheRouteOutside(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /hook/{who}", func(http.ResponseWriter, *http.Request) {})
	h := (&spool.Intake{To: &shelf{}, Pass: true}).Wrap(mux)
	r := httptest.NewRequest("POST", "/hook/x", nil)
	h.ServeHTTP(httptest.NewRecorder(), r)
	equal(t, "pattern", r.Pattern, "POST /hook/{who}")
	if got := h.(interface{ Unwrap() http.Handler }).Unwrap(); got != http.Handler(mux) {
		t.Errorf("unwraps to %T", got)
	}
}

// Whether the Publisher has read nothing of it, a part or all, the handler gets all of it.
func TestADroppedRequestIsHandedOnWhole(t *testing.T) {
	overBoth(t, func(t *testing.T, serve func(http.Handler) *httptest.Server) {
		const size = 300_000
		want := text(t, noise(size))
		for _, read := range []int64{0, 1, 70_000, size, size + 1} {
			logged(t)
			in := &spool.Intake{To: &shelf{before: func(_ context.Context, _ *spool.Entry, body io.Reader) error {
				io.CopyN(io.Discard, body, read)
				return errFull
			}}, Full: spool.Drop, Pass: true}
			s := serve(in.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if id := spool.ID(r.Context()); id != "" {
					t.Errorf("ID %q of what is not stored", id)
				}
				if got := text(t, r.Body); got != want {
					t.Errorf("read %d: the handler saw %d bytes, want the %d that were sent", read, len(got), size)
				}
				w.WriteHeader(299)
			})))
			resp, err := s.Client().Post(s.URL, "", noise(size))
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			equal(t, "status", resp.StatusCode, 299)
			equal(t, "stats", in.Stats(), spool.IntakeStats{Dropped: 1, Passed: 1})
		}
	})
}

func TestADroppedBodyThatIsTooLargeIsTheNextHandlersToRefuse(t *testing.T) {
	logged(t)
	in := &spool.Intake{To: &shelf{before: func(_ context.Context, _ *spool.Entry, body io.Reader) error {
		io.Copy(io.Discard, io.LimitReader(body, 5))
		return errFull
	}}, Full: spool.Drop, Pass: true, MaxBody: 10}
	var read int64
	var err error
	h := in.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { read, err = io.Copy(io.Discard, r.Body) }))
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", struct{ io.Reader }{noise(20)}))
	var large *http.MaxBytesError
	if read != 10 || !errors.As(err, &large) {
		t.Errorf("read %d bytes, %v; want 10 and a MaxBytesError", read, err)
	}
}

func TestARequestWhoseCopyFailsIsNotHandedOn(t *testing.T) {
	log := logged(t)
	to := &shelf{}
	in := &spool.Intake{To: to, Pass: true, TempDir: filepath.Join(t.TempDir(), "absent"), Full: spool.Drop}
	w := httptest.NewRecorder()
	in.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was handed on") })).
		ServeHTTP(w, httptest.NewRequest("POST", "/", noise(100_000)))
	equal(t, "status", w.Code, 503)
	to.empty(t)
	equal(t, "stats", in.Stats(), spool.IntakeStats{Failed: 1})
	if !strings.Contains(log.String(), "the copy to be passed on") {
		t.Errorf("logged: %q", log)
	}
}

func TestAPanicOfTheNextHandlerIsItsOwn(t *testing.T) {
	in := &spool.Intake{To: &shelf{}, Pass: true}
	h := in.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("mine") }))
	equal(t, "panic", panicOf(func() { h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", nil)) }), any("mine"))
	equal(t, "stats", in.Stats(), spool.IntakeStats{Taken: 1, Passed: 1})
}

func TestALargeBodyIsNotHeldInMemory(t *testing.T) {
	const size = 256 << 20
	for name, pass := range map[string]bool{"stored": false, "and handed on": true} {
		in := &spool.Intake{To: counting{}, Pass: pass, MaxBody: size}
		if pass {
			in.TempDir = t.TempDir()
		}
		var seen int64
		h := in.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen, _ = io.Copy(io.Discard, r.Body) }))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/", io.LimitReader(endless{}, size)))
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 2<<20 {
			t.Errorf("%s: %d bytes were allocated for a body of %d", name, used, size)
		}
		equal(t, "taken", in.Stats().Taken, 1)
		if pass {
			equal(t, "the handler saw", seen, size)
		}
	}
}

// counting is a Publisher that needs no memory.
type counting struct{}

func (counting) Publish(_ context.Context, e *spool.Entry, body io.Reader) (err error) {
	e.Size, err = io.Copy(io.Discard, body)
	return err
}
