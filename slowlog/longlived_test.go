package slowlog_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime/pprof"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/respond"
	"github.com/heeler-go/heeler/slowlog"
)

// socket is a response whose connection can be had.
type socket struct{ *httptest.ResponseRecorder }

func (socket) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, nil }

// lasting are the ways to say that a request is meant to last.
var lasting = map[string]func(http.ResponseWriter) error{
	"hijacked": func(w http.ResponseWriter) error {
		_, _, err := w.(http.Hijacker).Hijack()
		return err
	},
	"an event stream": func(w http.ResponseWriter) error {
		w.Header().Set("Content-Type", "text/event-stream")
		_, err := io.WriteString(w, "data: 1\n\n")
		return err
	},
	"declared": respond.Stream,
}

func TestWhatIsMeantToLastIsLetGo(t *testing.T) {
	for name, begin := range lasting {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				w := quiet(t, &slowlog.Watch{After: time.Second})
				h := w.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
					equal(t, "in flight before", len(w.InFlight()), 1)
					if err := begin(rw); err != nil {
						t.Error(err)
					}
					equal(t, "in flight", len(w.InFlight()), 0)
					time.Sleep(time.Hour)
					panic("nobody watches any more")
				}))
				func() {
					defer func() {
						if recover() == nil {
							t.Error("the panic is lost")
						}
					}()
					h.ServeHTTP(socket{httptest.NewRecorder()}, httptest.NewRequest("GET", "/live", nil))
				}()
				equal(t, "stats", w.Stats(), slowlog.Stats{Requests: 1})
			})
		})
	}
}

func TestAGoroutineThatIsLetGoBearsNoLabelOfTheRequest(t *testing.T) {
	for name, begin := range lasting {
		w := quiet(t, &slowlog.Watch{})
		h := w.Wrap(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			equal(t, name+": before", ownLabels(), `{"heeler":"ID", "shop":"books"}`)
			if err := begin(rw); err != nil {
				t.Error(err)
			}
			equal(t, name+": the handler's", ownLabels(), `{"shop":"books"}`)
			child := make(chan string)
			go func() { child <- ownLabels() }()
			equal(t, name+": a child's", <-child, `{"shop":"books"}`)
		}))
		ctx := pprof.WithLabels(t.Context(), pprof.Labels("shop", "books"))
		pprof.SetGoroutineLabels(ctx)
		h.ServeHTTP(socket{httptest.NewRecorder()}, httptest.NewRequestWithContext(ctx, "GET", "/live", nil))
		pprof.SetGoroutineLabels(t.Context())
	}
}
