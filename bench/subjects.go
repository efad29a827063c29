package main

import (
	"net/http"
	"time"

	"github.com/failsafe-go/failsafe-go/failsafehttp"
	"github.com/failsafe-go/failsafe-go/timeout"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// limit is every subject's limit. No request here comes near it: what is measured is what a guard
// costs the requests that it does not have to help.
const limit = 10 * time.Second

// yardstick is the subject that the others are compared with.
const yardstick = "http.TimeoutHandler"

// A subject is one way to bound or watch a handler.
type subject struct {
	name string
	wrap func(http.Handler) http.Handler
}

// subjects are measured in this order, rotated by one each round.
func subjects() []subject {
	return []subject{
		{"bare handler", func(h http.Handler) http.Handler { return h }},
		{yardstick, func(h http.Handler) http.Handler { return http.TimeoutHandler(h, limit, "") }},
		{"chi Timeout", middleware.Timeout(limit)},
		{"echo ContextTimeout", echoTimeout},
		{"failsafe-go timeout", failsafeTimeout},
		{"slowlog.Wrap", slowlog.Wrap},
		{"timebox.Wrap", timebox.Wrap},
		{"profile", new(profile.Profiler).Wrap},
		{"both", func(h http.Handler) http.Handler { return slowlog.Wrap(timebox.Wrap(h)) }},
		{"slowlog, backoff, timebox", func(h http.Handler) http.Handler {
			shed := &backoff.Policy{MaxInFlight: 500}
			return slowlog.Wrap(shed.Wrap(timebox.Wrap(h)))
		}},
	}
}

// failsafeTimeout is failsafe-go's own handler with a timeout as its only policy.
func failsafeTimeout(h http.Handler) http.Handler {
	return failsafehttp.NewHandler(h, timeout.New[*http.Response](limit))
}

// echoTimeout runs echo's middleware as echo does, with a pooled context that is reset for each
// request, but without echo's router, which is not the middleware's cost. The handler is a plain
// http.Handler and is given echo's response, as under echo.WrapHandler.
func echoTimeout(h http.Handler) http.Handler {
	e := echo.New()
	bounded := echomiddleware.ContextTimeout(limit)(echo.WrapHandler(h))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := e.AcquireContext()
		defer e.ReleaseContext(c)
		c.Reset(r, w)
		if err := bounded(c); err != nil {
			c.Error(err)
		}
	})
}
