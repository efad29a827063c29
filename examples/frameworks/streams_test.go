package frameworks_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/heeler-go/heeler/examples/frameworks"
)

// stream tells of two events. The second one comes when the client says so, which it does after it has
// seen the first, and well over the limit.
type stream struct{ next chan struct{} }

func (s stream) serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	io.WriteString(w, "data: 0\n\n")
	w.(http.Flusher).Flush()
	<-s.next
	if err := r.Context().Err(); err != nil {
		fmt.Fprintf(w, "data: the context has ended: %v\n\n", err)
		return
	}
	io.WriteString(w, "data: 1\n\n")
}

// outlives reads the first event as soon as it is sent, lets the limit pass, and reads the rest. The
// stream takes nobody's place meanwhile.
func (s stream) outlives(t *testing.T, server *httptest.Server, first, rest string) {
	t.Helper()
	response, err := http.Get(server.URL + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	got := make([]byte, len(first))
	if _, err := io.ReadFull(response.Body, got); err != nil || string(got) != first {
		t.Errorf("the first event is %q, %v; want %q", got, err, first)
	}
	homeIsServed(t, server, "beside a stream")
	outlastTheLimit()
	close(s.next)
	if got, err := io.ReadAll(response.Body); err != nil || string(got) != rest {
		t.Errorf("the second event is %q, %v; want %q", got, err, rest)
	}
}

func TestAnEventStreamOutlivesTheLimit(t *testing.T) {
	for _, router := range routers {
		t.Run(router.name, func(t *testing.T) {
			t.Parallel()
			g := newGuards(t)
			g.shed.MaxInFlight = 1
			s := stream{make(chan struct{})}
			server := serve(t, router.mount(frameworks.Routes{"/events": s.serve, "/home": home}, g.chain()...))
			s.outlives(t, server, "data: 0\n\n", "data: 1\n\n")
			if n := len(g.reports.all()); n != 0 {
				t.Errorf("%d slow reports of a stream, want none", n)
			}
		})
	}
}

// gin's own streaming asks the writer for a CloseNotifier and panics where there is none.
func TestAnEventStreamByGinItselfOutlivesTheLimit(t *testing.T) {
	g := newGuards(t)
	g.shed.MaxInFlight = 1
	s := stream{make(chan struct{})}
	engine := gin.New()
	engine.GET("/events", func(c *gin.Context) {
		n := 0
		c.Stream(func(io.Writer) bool {
			if n == 1 {
				<-s.next
			}
			c.SSEvent("tick", n)
			n++
			return n < 2
		})
	})
	engine.GET("/home", gin.WrapF(home))
	server := serve(t, g.around(engine))
	s.outlives(t, server, "event:tick\ndata:0\n\n", "event:tick\ndata:1\n\n")
}
