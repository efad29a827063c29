package frameworks_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"

	"github.com/heeler-go/heeler/examples/frameworks"
)

// hang stands for a handler whose backend is gone and that does not look at its context.
type hang struct{ release chan struct{} }

func (h hang) lookUpTheBook(w http.ResponseWriter, _ *http.Request) {
	<-h.release
	io.WriteString(w, "too late")
}

func TestASlowHandlerIsAnsweredAtTheLimitAndReportedOnce(t *testing.T) {
	for _, router := range routers {
		t.Run(router.name, func(t *testing.T) {
			t.Parallel()
			g := newGuards(t)
			stuck := hang{make(chan struct{})}
			routes := frameworks.Routes{
				"/book": stuck.lookUpTheBook,
				"/home": home,
			}
			server := serve(t, router.mount(routes, g.chain()...))
			defer close(stuck.release)

			start := time.Now()
			response, _, err := get(t, server.Client(), server.URL+"/book?q=dogs")
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(start); response.StatusCode != http.StatusServiceUnavailable || took < limit {
				t.Errorf("answered %s after %v, want 503 at %v", response.Status, took, limit)
			}
			if response.Header.Get("Retry-After") == "" {
				t.Error("the 503 does not say when to come back")
			}
			homeIsServed(t, server, "while one is stuck")
			aReportShows(t, g, "GET /book", "lookUpTheBook")
		})
	}
}

// aReportShows waits for the report and checks that it is the only one.
func aReportShows(t *testing.T, g guards, title, function string) {
	t.Helper()
	select {
	case <-g.reports.came:
	case <-time.After(patience):
		t.Fatal("no report came")
	}
	outlastTheLimit()
	all := g.reports.all()
	if len(all) != 1 {
		t.Errorf("%d reports, want 1", len(all))
	}
	if !strings.Contains(all[0].Title, title) {
		t.Errorf("the report's title is %q, want %q in it", all[0].Title, title)
	}
	if !strings.Contains(all[0].Text, function) {
		t.Errorf("the report does not show %s:\n%s", function, all[0].Text)
	}
}

// echo's own handlers return their errors, and echo answers for them after the middleware has
// returned: the writer that a guard gave out must still be good then.
func TestEchoAnswersForAnErrorAfterTheGuardsHaveReturned(t *testing.T) {
	g := newGuards(t)
	e := echo.New()
	for _, guard := range g.chain() {
		e.Use(echo.WrapMiddleware(guard))
	}
	e.GET("/teapot", func(echo.Context) error { return echo.NewHTTPError(http.StatusTeapot, "short and stout") })
	server := serve(t, e)
	for range 20 { // over a kept connection
		response, body, err := get(t, server.Client(), server.URL+"/teapot")
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode != http.StatusTeapot || !strings.Contains(body, "short and stout") {
			t.Fatalf("answer %s %q, want echo's own 418", response.Status, body)
		}
		if got := response.Header.Get("Content-Type"); got != "application/json" {
			t.Fatalf("Content-Type %q, want echo's own", got)
		}
	}
}

// For one route of gin the guards go around the http.Handler inside gin.WrapH.
func TestGuardsAroundOneRouteOfGin(t *testing.T) {
	g := newGuards(t)
	stuck := hang{make(chan struct{})}
	engine := gin.New()
	engine.GET("/book", gin.WrapH(g.around(http.HandlerFunc(stuck.lookUpTheBook))))
	engine.GET("/report", func(c *gin.Context) {
		outlastTheLimit()
		c.String(http.StatusOK, "slow, and nobody minds")
	})
	server := serve(t, engine)
	defer close(stuck.release)

	if response, _, err := get(t, server.Client(), server.URL+"/book"); err != nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the guarded route: %v %v, want 503", response, err)
	}
	if response, body, err := get(t, server.Client(), server.URL+"/report"); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("the other route: %v %q %v, want 200", response, body, err)
	}
	aReportShows(t, g, "GET /book", "lookUpTheBook")
}
