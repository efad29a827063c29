package frameworks_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"

	"github.com/heeler-go/heeler/offpath/spool"
)

// hook reads what was posted, through whatever has read it before.
func hook(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s, %v, stored: %t", body, err, spool.ID(r.Context()) != "")
}

// intakes are the ways to have an Intake in a router with the guards around: on one route, in place of a
// handler or before it, and around all of them.
func intakes(g guards, instead, before *spool.Intake) map[string]http.Handler {
	onStd := http.NewServeMux()
	onStd.Handle("POST /hook", instead.Wrap(nil))
	onStd.Handle("POST /seen", before.Wrap(http.HandlerFunc(hook)))

	onChi := chi.NewRouter()
	onChi.Use(g.chain()...)
	onChi.Method(http.MethodPost, "/hook", instead.Wrap(nil))
	onChi.With(before.Wrap).Post("/seen", hook)

	onEcho := echo.New()
	for _, guard := range g.chain() {
		onEcho.Use(echo.WrapMiddleware(guard))
	}
	onEcho.POST("/hook", echo.WrapHandler(instead.Wrap(nil)))
	onEcho.POST("/seen", func(c echo.Context) error {
		hook(c.Response(), c.Request())
		return nil
	}, echo.WrapMiddleware(before.Wrap))

	onGin := gin.New()
	onGin.POST("/hook", gin.WrapH(instead.Wrap(nil)))
	onGin.POST("/seen", gin.WrapH(before.Wrap(http.HandlerFunc(hook))))

	plain := http.NewServeMux()
	plain.HandleFunc("POST /seen", hook)
	return map[string]http.Handler{
		"net_http": g.around(onStd), "chi": onChi, "echo": onEcho, "gin": g.around(onGin),
		"around all": g.around(before.Wrap(plain)),
	}
}

func TestAnIntakeStoresWhatIsPosted(t *testing.T) {
	const pages = 100 << 10 // more than is kept in memory to be handed on
	long := strings.Repeat("bark", pages/4)
	store := &spool.Spool{Path: filepath.Join(t.TempDir(), "hooks.spool")}
	if err := store.Open(); err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	instead := &spool.Intake{To: store, MaxBody: pages}
	before := &spool.Intake{To: store, MaxBody: pages, Pass: true}
	names := make(map[string]bool)
	for name, h := range intakes(newGuards(t), instead, before) {
		t.Run(name, func(t *testing.T) {
			server := serve(t, h)
			post := func(path, body string) (int, string) {
				t.Helper()
				response, err := server.Client().Post(server.URL+path, "text/plain", strings.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				defer response.Body.Close()
				text, err := io.ReadAll(response.Body)
				if err != nil {
					t.Error(err)
				}
				return response.StatusCode, string(text)
			}
			if status, text := post("/seen", long); status != http.StatusOK || text != long+", <nil>, stored: true" {
				t.Errorf("handed on: %d %.40q…%.40q", status, text, text[max(0, len(text)-40):])
			}
			if status, _ := post("/seen", long+"!"); status != http.StatusRequestEntityTooLarge {
				t.Errorf("a byte too many: %d, want 413", status)
			}
			if name == "around all" {
				return
			}
			var said struct{ ID string }
			status, text := post("/hook", name)
			if err := json.Unmarshal([]byte(text), &said); status != http.StatusAccepted || err != nil || said.ID == "" {
				t.Errorf("stored: %d %q, want 202 and the ID", status, text)
			}
			names[name] = true
		})
	}
	if got, want := instead.Stats(), (spool.IntakeStats{Taken: 4}); got != want {
		t.Errorf("instead of a handler: %+v, want %+v", got, want)
	}
	if got, want := before.Stats(), (spool.IntakeStats{Taken: 5, Passed: 5, TooLarge: 5}); got != want {
		t.Errorf("before a handler: %+v, want %+v", got, want)
	}

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	left := 9
	store.Run(ctx, func(_ context.Context, e *spool.Entry) error {
		body, err := io.ReadAll(e.Body())
		switch {
		case err != nil:
			t.Error(err)
		case e.URI == "/hook":
			delete(names, string(body))
		case string(body) != long:
			t.Errorf("%s: %d bytes are stored, want %d", e.URI, len(body), len(long))
		}
		if left--; left == 0 {
			cancel()
		}
		return nil
	})
	if len(names) > 0 {
		t.Errorf("of %v nothing is stored", names)
	}
}
