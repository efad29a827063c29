package profile_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
)

func explode() { panic("it burns, password=hunter2") }

// only is the one result that the store has been given.
func (s *site) only() *result.Result {
	s.t.Helper()
	s.wait()
	s.store.mu.Lock()
	id := s.store.last
	s.store.mu.Unlock()
	return s.stored(id)
}

func TestAPanicGoesOnAndTheProfileIsKept(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		for _, value := range []string{"", "inline", "n=3", "n=3,inline"} {
			ran := 0
			s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ran++
				explode()
			}))
			a, err := s.try(context.Background(), "alice", "GET", "/?__profile__="+value, "")
			if inline := strings.Contains(value, "inline"); inline != (err != nil) {
				t.Errorf("%q: %v %v", value, a.Response, err)
			}
			res := s.only()
			if res.State != result.Done || ran != 1 || len(res.Runs) != 1 || !strings.Contains(res.Runs[0].Panic, "it burns") || strings.Contains(res.Runs[0].Panic, "hunter2") {
				t.Errorf("%q: %s, %d runs: %+v %q", value, res.State, ran, res.Runs, res.Problems)
			}
			if said := s.logged("panic serving 127.0.0.1:"); !strings.Contains(said, "it burns") || !strings.Contains(said, "profile_test.explode") || strings.Count(said, "panic serving") != 1 {
				t.Errorf("%q: the server's log: %s", value, said)
			} else if named := strings.Contains(said, "its profile is at /__profile__/"+res.ID+"/\n"); named != strings.Contains(value, "inline") {
				t.Errorf("%q: the server's log: %s; want who waited in vain to find the profile", value, said)
			}
		}
	})
}

func TestAnAbortIsSilentAndGoexitIsTold(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		for _, value := range []string{"", "inline"} {
			for about, end := range map[string]func(){
				"abort":  func() { panic(http.ErrAbortHandler) },
				"Goexit": runtime.Goexit,
			} {
				if about == "Goexit" && value == "inline" && protocol == "HTTP/2" {
					continue // net/http itself then leaves the stream open for ever
				}
				s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { end() }))
				a, err := s.try(context.Background(), "alice", "GET", "/?__profile__="+value, "")
				if (value == "inline") != (err != nil) {
					t.Errorf("%s %q: %v %v", about, value, a.Response, err)
				}
				res := s.only()
				told := strings.Join(res.Problems, " ")
				if res.State != result.Done || (about == "Goexit") != strings.Contains(told, "Goexit") || (about == "abort") != (res.Runs[0].Panic != "") {
					t.Errorf("%s %q: %s %+v %q", about, value, res.State, res.Runs, told)
				}
				named := about == "Goexit" && value == "inline" // nothing else tells who waits
				if said := s.log.String(); (said != "") != named || named && !strings.Contains(said, "its profile is at") {
					t.Errorf("%s %q: the server's log: %s", about, value, said)
				}
			}
		}
	})
}

func TestTheConnectionCannotBeTakenOver(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		for _, value := range []string{"", "inline"} {
			s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if _, _, err := http.NewResponseController(w).Hijack(); err == nil {
					t.Error("the connection was taken over")
				} else {
					http.Error(w, err.Error(), http.StatusInternalServerError)
				}
			}))
			s.do("alice", "GET", "/?__profile__="+value, "", "Connection", "Upgrade", "Upgrade", "websocket")
			res := s.only()
			if told := strings.Join(res.Problems, " "); !strings.Contains(told, "take over the connection") || res.Runs[0].Status != 500 {
				t.Errorf("%q: %q, %+v", value, told, res.Runs)
			}
		}
	})
}
