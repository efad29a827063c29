package frameworks_test

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/labstack/echo/v4"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/examples/frameworks"
)

// openFor is how long a breaker is open in these tests: much longer than they take.
const openFor = time.Hour

// ldap is a backend that only some routes need, and that is down.
func ldap() *breaker.Breaker {
	b := &breaker.Breaker{Name: "ldap"}
	b.Open(openFor)
	return b
}

// search calls the backend.
func search(ctx context.Context, b *breaker.Breaker) error {
	return b.Do(ctx, func(context.Context) error { return nil })
}

// isRefused wants the answer that a breaker's refusal becomes.
func isRefused(t *testing.T, response *http.Response, body string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body, "not available") {
		t.Errorf("answer %s %q, want a 503 that says what is wrong", response.Status, body)
	}
	// Lengthened at random, by up to 5 %.
	if after, err := strconv.Atoi(response.Header.Get("Retry-After")); err != nil || after < 3000 || after > 3780 {
		t.Errorf("Retry-After is %q, want how long the breaker is open", response.Header.Get("Retry-After"))
	}
}

func TestWhatABreakerRefusedIsAnswered503(t *testing.T) {
	b := ldap()
	refused := frameworks.Routes{
		"/500": func(w http.ResponseWriter, r *http.Request) {
			if err := search(r.Context(), b); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		},
		"/panic": func(_ http.ResponseWriter, r *http.Request) { // into the framework's recovery, if it has one
			if err := search(r.Context(), b); err != nil {
				panic(err)
			}
		},
		"/route": b.Wrap(http.HandlerFunc(home)).ServeHTTP,
		"/home":  home,
	}
	for _, router := range routers {
		t.Run(router.name, func(t *testing.T) {
			g := newGuards(t)
			server := serve(t, router.mount(refused, g.chain()...))
			for _, path := range []string{"/500", "/panic", "/route"} {
				t.Run(path[1:], func(t *testing.T) {
					response, body, err := get(t, server.Client(), server.URL+path)
					isRefused(t, response, body, err)
				})
			}
			homeIsServed(t, server, "that needs no backend")

			g.db.Open(openFor)
			response, body, err := get(t, server.Client(), server.URL+"/home")
			isRefused(t, response, body, err)
		})
	}
}

// echo answers for an error that a handler returns, and gin with the status that it was given with one,
// after the handler and, with echo, the guards have returned.
func TestAFrameworksOwnAnswerForARefusalBecomesA503(t *testing.T) {
	b := ldap()
	e := echo.New()
	for _, guard := range newGuards(t).chain() {
		e.Use(echo.WrapMiddleware(guard))
	}
	e.GET("/", func(c echo.Context) error { return search(c.Request().Context(), b) })

	// ginWith has a handler that searches with one or the other of gin's contexts.
	ginWith := func(fallback bool, which func(*gin.Context) context.Context) http.Handler {
		engine := gin.New()
		engine.ContextWithFallback = fallback
		engine.GET("/", func(c *gin.Context) {
			if err := search(which(c), b); err != nil {
				c.AbortWithError(http.StatusInternalServerError, err)
			}
		})
		return newGuards(t).around(engine)
	}
	for name, application := range map[string]http.Handler{
		"echo":                     e,
		"gin's request":            ginWith(false, func(c *gin.Context) context.Context { return c.Request.Context() }),
		"gin's own, with fallback": ginWith(true, func(c *gin.Context) context.Context { return c }),
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, application)
			for range 20 { // over a kept connection
				response, body, err := get(t, server.Client(), server.URL)
				isRefused(t, response, body, err)
			}
		})
	}
}

func TestOneRequestTooManyIsAnswered503(t *testing.T) {
	for _, router := range routers {
		t.Run(router.name, func(t *testing.T) {
			t.Parallel()
			g := newGuards(t)
			g.shed.MaxInFlight, g.box.Limit = 1, patience
			entered, release := make(chan struct{}), make(chan struct{})
			server := serve(t, router.mount(frameworks.Routes{
				"/busy": func(w http.ResponseWriter, r *http.Request) {
					close(entered)
					<-release
					home(w, r)
				},
				"/home": home,
			}, g.chain()...))

			first := make(chan string)
			go func() { first <- outcome(t, server.URL, "/busy") }()
			<-entered
			response, _, err := get(t, server.Client(), server.URL+"/home")
			close(release)
			if err != nil {
				t.Fatal(err)
			}
			if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
				t.Errorf("answer %s, Retry-After %q, want a 503 that says when to come back", response.Status, response.Header.Get("Retry-After"))
			}
			if got, want := <-first, `200 OK "welcome", then <nil>`; got != want {
				t.Errorf("the request that was there before: %s, want %s", got, want)
			}
		})
	}
}
