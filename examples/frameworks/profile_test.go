package frameworks_test

import (
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/labstack/echo/v4"

	"github.com/heeler-go/heeler/profile"
)

// A request that is profiled apart from its client goes on when its answer, which says where the profile
// will be, has been sent. A router that has the profiler inside of it takes the request for ended then, and
// gives what it has of it to the next one.
func TestWithAProfilerAroundItARouterMixesNoRequestsUp(t *testing.T) {
	var mixed atomic.Int64
	takes := func(r *http.Request, id func() string) {
		time.Sleep(2 * time.Millisecond) // while others come and go
		if r.URL.Path != "/item/"+id() {
			mixed.Add(1)
		}
	}
	onChi := chi.NewRouter()
	onChi.Get("/item/{id}", func(w http.ResponseWriter, r *http.Request) {
		takes(r, func() string { return chi.URLParam(r, "id") })
		fmt.Fprint(w, chi.URLParam(r, "id"))
	})
	onEcho := echo.New()
	onEcho.GET("/item/:id", func(c echo.Context) error {
		takes(c.Request(), func() string { return c.Param("id") })
		return c.String(http.StatusOK, c.Param("id"))
	})
	for name, router := range map[string]http.Handler{"chi": onChi, "echo": onEcho} {
		prof := &profile.Profiler{Allow: func(*http.Request) (string, bool) { return "alice", true }}
		server := serve(t, prof.Wrap(router))
		client := *server.Client()
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		done := make(chan struct{})
		var neighbours sync.WaitGroup
		for n := range 4 {
			neighbours.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-done:
						return
					default:
					}
					want := fmt.Sprintf("%d-%d", n, i)
					if _, body, err := get(t, &client, server.URL+"/item/"+want); err != nil || body != want {
						t.Errorf("%s: a neighbour's %s: %q %v", name, want, body, err)
					}
				}
			})
		}
		for range 20 {
			if response, _, err := get(t, &client, server.URL+"/item/profiled?__profile__"); err != nil || response.StatusCode != http.StatusSeeOther {
				t.Errorf("%s: %v %v", name, response, err)
			}
			if err := prof.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
		close(done)
		neighbours.Wait()
		if stats := prof.Stats(); stats.Done != 20 || mixed.Load() > 0 {
			t.Errorf("%s: %+v, %d handlers saw another request's parameter", name, stats, mixed.Load())
		}
	}
}
