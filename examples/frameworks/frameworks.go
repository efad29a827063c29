// Package frameworks shows heeler's guards under the routers that people use. A guard's Wrap takes an
// http.Handler and gives one, so it goes where any middleware goes:
//
//	net/http  http.ListenAndServe(":8080", slowlog.Wrap(backoff.Wrap(timebox.Wrap(mux))))
//	chi       router.Use(slowlog.Wrap, backoff.Wrap, timebox.Wrap)
//	echo      e.Use(echo.WrapMiddleware(slowlog.Wrap), echo.WrapMiddleware(backoff.Wrap), …)
//	gin       http.ListenAndServe(":8080", slowlog.Wrap(backoff.Wrap(timebox.Wrap(engine))))
//
// gin's middleware is not net/http's, so the guards go around its engine, or around one route's
// http.Handler inside gin.WrapH. The Wrap of a breaker, for routes that cannot live without its backend,
// goes around their handlers in each of them.
//
// A profile.Profiler goes around the router in all of them, prof.Wrap(router): a request that it runs apart
// from its client would go on with a context that chi or echo has given to the next request.
//
// A breaker finds the request through the context of the call. In gin that is c.Request.Context(), not c,
// which hides it unless the engine's ContextWithFallback is set: then a handler's 500 stays a 500, and
// calls outlast the box.
//
// The framework's recovery middleware goes inside the guards, as here: its 500 is then seen and bounded
// like any other answer, and is a 503 if a breaker had refused. Outside works as well, since the guards let
// a panic pass.
//
// A spool.Intake goes where the guards go, around all routes or one; without Pass it stands in place of a
// route's handler.
//
// The tests hold what the guards promise in these surroundings: slow handlers are answered and
// reported, what a breaker refused is answered 503, and WebSockets, event streams, file copies and panics
// go on as without guards, and an Intake stores what is posted.
package frameworks

import (
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"
)

// Routes are the handlers of an application by their paths, each for GET.
type Routes map[string]http.HandlerFunc

// A Guard is the Wrap of any guard.
type Guard = func(http.Handler) http.Handler

// Std puts the guards around net/http's own mux, the first one outermost.
func Std(routes Routes, guards ...Guard) http.Handler {
	mux := http.NewServeMux()
	for path, handler := range routes {
		mux.Handle("GET "+path, handler)
	}
	return around(mux, guards)
}

// Chi has chi's router use the guards.
func Chi(routes Routes, guards ...Guard) http.Handler {
	router := chi.NewRouter()
	router.Use(guards...)
	router.Use(chimiddleware.Recoverer)
	for path, handler := range routes {
		router.Get(path, handler)
	}
	return router
}

// Echo has echo use the guards.
func Echo(routes Routes, guards ...Guard) http.Handler {
	e := echo.New()
	for _, guard := range guards {
		e.Use(echo.WrapMiddleware(guard))
	}
	e.Use(echomiddleware.Recover())
	for path, handler := range routes {
		e.GET(path, echo.WrapHandler(handler))
	}
	return e
}

// Gin puts the guards around gin's engine, the first one outermost.
func Gin(routes Routes, guards ...Guard) http.Handler {
	engine := gin.New()
	engine.Use(gin.Recovery())
	for path, handler := range routes {
		engine.GET(path, gin.WrapF(handler))
	}
	return around(engine, guards)
}

// around nests the guards, the first one outermost.
func around(handler http.Handler, guards []Guard) http.Handler {
	for i := len(guards) - 1; i >= 0; i-- {
		handler = guards[i](handler)
	}
	return handler
}
