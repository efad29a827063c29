package frameworks_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"

	chimiddleware "github.com/go-chi/chi/v5/middleware"
	"github.com/labstack/echo/v4"
	echomiddleware "github.com/labstack/echo/v4/middleware"

	"github.com/heeler-go/heeler/examples/frameworks"
)

// panics are handlers that panic, before and after the response has begun.
var panics = frameworks.Routes{
	"/value": func(http.ResponseWriter, *http.Request) { panic("out of paper") },
	"/error": func(http.ResponseWriter, *http.Request) { panic(errors.New("out of ink")) },
	"/abort": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"/late": func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "half of ")
		http.NewResponseController(w).Flush()
		panic("out of time")
	},
}

// outcome is all that a client sees of an answer, as one string.
func outcome(t *testing.T, server string, path string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, body, err := get(t, client, server+path)
	if response == nil {
		return fmt.Sprintf("no answer: %v", errors.Unwrap(err))
	}
	return fmt.Sprintf("%s %q, then %v", response.Status, body, err)
}

func TestAPanicEndsAsItDoesWithoutGuards(t *testing.T) {
	for _, router := range routers {
		t.Run(router.name, func(t *testing.T) {
			g := newGuards(t)
			bare := serve(t, router.mount(panics))
			guarded := serve(t, router.mount(panics, g.chain()...))
			for path := range panics {
				if got, want := outcome(t, guarded.URL, path), outcome(t, bare.URL, path); got != want {
					t.Errorf("%s: with guards %s\nwithout them %s", path, got, want)
				}
			}
		})
	}
}

// Recovery outside the guards finds the panic that the handler threw.
func TestAPanicPassesTheGuardsToTheRecoveryOutside(t *testing.T) {
	g := newGuards(t)
	guarded := frameworks.Std(panics, g.chain()...)
	bare := frameworks.Std(panics)
	for name, recovery := range map[string]frameworks.Guard{
		"chi":  chimiddleware.Recoverer,
		"echo": echoRecovery,
	} {
		t.Run(name, func(t *testing.T) {
			without, with := serve(t, recovery(bare)), serve(t, recovery(guarded))
			for path := range panics {
				if got, want := outcome(t, with.URL, path), outcome(t, without.URL, path); got != want {
					t.Errorf("%s: with guards %s\nwithout them %s", path, got, want)
				}
			}
		})
	}
}

// echoRecovery is an echo that recovers from what the handler throws.
func echoRecovery(h http.Handler) http.Handler {
	e := echo.New()
	e.Use(echomiddleware.Recover())
	e.Any("/*", echo.WrapHandler(h))
	return e
}
