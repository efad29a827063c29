package profile_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/slowlog"
)

// The calls of all runs are counted, and none that somebody further out has made.
func TestTheCallsToBackendsAreThoseOfTheRuns(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		db, cache := &breaker.Breaker{Name: "mysql"}, &breaker.Breaker{Name: "cache"}
		call := func(r *http.Request, b *breaker.Breaker, err error) {
			b.Do(r.Context(), func(context.Context) error { return err })
		}
		prof := &profile.Profiler{Allow: func(r *http.Request) (string, bool) {
			call(r, db, nil) // looks the user up
			return byHeader(r)
		}}
		s := newSiteOf(t, protocol, prof, func() http.Handler {
			return slowlog.Wrap(prof.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				call(r, db, nil)
				call(r, db, errors.New("deadlock"))
				call(r, cache, nil)
			})))
		}, nil)
		for _, value := range []string{"n=3", "n=3,inline"} {
			s.do("alice", "GET", "/?__profile__="+value, "")
			calls, failed := map[string]int{}, map[string]int{}
			for _, b := range s.only().Backends {
				calls[b.Name] += b.Calls
				failed[b.Name] += b.Errors
			}
			if len(calls) != 2 || calls["mysql"] != 6 || failed["mysql"] != 3 || calls["cache"] != 3 || failed["cache"] != 0 {
				t.Errorf("%s: calls %v, of which failed %v", value, calls, failed)
			}
		}
	})
}
