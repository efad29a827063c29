package frameworks_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/examples/frameworks"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// limit is the box's limit: long enough for an answer over the loopback connection on a busy machine.
const limit = 300 * time.Millisecond

// patience is how long a test waits for what should have come long since.
const patience = 20 * time.Second

func TestMain(m *testing.M) {
	gin.SetMode(gin.ReleaseMode)
	gin.DefaultErrorWriter = io.Discard
	log.SetOutput(io.Discard) // chi's recovery, and servers that tell of panics
	os.Exit(m.Run())
}

// routers are the ways to put the guards around an application.
var routers = []struct {
	name  string
	mount func(frameworks.Routes, ...frameworks.Guard) http.Handler
}{
	{"net_http", frameworks.Std},
	{"chi", frameworks.Chi},
	{"echo", frameworks.Echo},
	{"gin", frameworks.Gin},
}

// reports is a sink that keeps what it is sent.
type reports struct {
	mu   sync.Mutex
	seen []alert.Alert
	came chan struct{}
}

func (r *reports) Send(_ context.Context, a alert.Alert) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, a)
	r.came <- struct{}{}
	return nil
}

func (r *reports) all() []alert.Alert {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

// guards are the guards as one application has them, with the slow reports.
type guards struct {
	slow    *slowlog.Watch
	shed    *backoff.Policy
	box     *timebox.Box
	db      *breaker.Breaker // of a backend that all routes need
	reports *reports
}

func newGuards(t *testing.T) guards {
	t.Helper()
	seen := &reports{came: make(chan struct{}, 100)}
	queue := &alert.Queue{Sinks: []alert.Sink{seen}}
	t.Cleanup(func() { queue.Close(context.Background()) })
	return guards{
		slow:    &slowlog.Watch{Alert: queue},
		shed:    &backoff.Policy{},
		box:     &timebox.Box{Limit: limit},
		db:      &breaker.Breaker{Name: "mysql"},
		reports: seen,
	}
}

// chain gives the guards in their order: slowlog sees what the others do, and the time that a request
// waits for its turn is not in its box.
func (g guards) chain() []frameworks.Guard {
	return []frameworks.Guard{g.slow.Wrap, g.shed.Wrap, g.box.Wrap, g.db.Wrap}
}

// around has the guards around a handler, without a router.
func (g guards) around(h http.Handler) http.Handler {
	for _, guard := range slices.Backward(g.chain()) {
		h = guard(h)
	}
	return h
}

// home is a page that needs nothing.
func home(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "welcome") }

// homeIsServed looks whether one more request is.
func homeIsServed(t *testing.T, server *httptest.Server, when string) {
	t.Helper()
	response, body, err := get(t, server.Client(), server.URL+"/home")
	if err != nil || response.StatusCode != http.StatusOK || body != "welcome" {
		t.Errorf("another page %s: %v %q %v, want it unharmed", when, response, body, err)
	}
}

// serve runs the handler on a server over real connections, quietly.
func serve(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// get gives the status and body of an answer, or what went wrong with it.
func get(t *testing.T, client *http.Client, url string) (*http.Response, string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, string(body), err
}

// outlastTheLimit returns when a request that began before is well over the limit.
func outlastTheLimit() { <-time.After(2 * limit) }
