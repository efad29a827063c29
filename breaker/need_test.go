package breaker_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/breaker"
)

// A pool's connections know no request, so the failure is one that the request's record has not.
func TestARouteThatNeedsABackendFailsForWantOfIt(t *testing.T) {
	for _, story := range []struct {
		name    string
		outcome func(context.Context) error
		status  int
	}{
		{"while its calls succeed a 500 is the handler's own", succeeds, http.StatusInternalServerError},
		{"when one has failed it is a 503", fails, http.StatusServiceUnavailable},
		{"a call that somebody cancelled is no reason", func(context.Context) error { return context.Canceled }, http.StatusInternalServerError},
	} {
		t.Run(story.name, func(t *testing.T) {
			b := &breaker.Breaker{Name: "memcached"}
			page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b.Do(context.Background(), story.outcome) // not the request's context
				w.WriteHeader(http.StatusInternalServerError)
			})
			for name, h := range map[string]http.Handler{
				"directly inside": backoff.Wrap(b.Wrap(page)),
				"further inside":  backoff.Wrap(http.HandlerFunc(b.Wrap(page).ServeHTTP)),
			} {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
				if after := w.Header().Get("Retry-After"); w.Code != story.status || (after != "") != (story.status == http.StatusServiceUnavailable) {
					t.Errorf("%s: status %d, Retry-After %q", name, w.Code, after)
				}
			}
		})
	}
}

func TestARouteMayNeedTwoBackends(t *testing.T) {
	for _, failing := range []string{"mysql", "redis"} {
		mysql, redis := &breaker.Breaker{Name: "mysql"}, &breaker.Breaker{Name: "redis"}
		page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			for _, b := range []*breaker.Breaker{mysql, redis} {
				if b.Name == failing {
					b.Do(context.Background(), fails)
				}
			}
			w.WriteHeader(http.StatusInternalServerError)
		})
		w := httptest.NewRecorder()
		backoff.Wrap(mysql.Wrap(redis.Wrap(page))).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s fails: status %d", failing, w.Code)
		}
	}
}

// noConnector is a driver that cannot connect and has a word of its own for it, as go-sql-driver does.
type noConnector struct{}

func (noConnector) Connect(context.Context) (driver.Conn, error) {
	return nil, errors.New("invalid connection")
}
func (noConnector) Driver() driver.Driver { return nil }

func TestADatabaseThatCannotBeConnectedToIsNotThere(t *testing.T) {
	b := &breaker.Breaker{Name: "mysql"}
	pool := sql.OpenDB(b.Connector(noConnector{}))
	defer pool.Close()
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := pool.PingContext(r.Context()); err == nil {
			t.Error("no error")
		}
		w.WriteHeader(http.StatusInternalServerError)
	})
	w := httptest.NewRecorder()
	backoff.Wrap(page).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("status %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
}
