package profile_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/heeler-go/heeler/profile"
)

func TestTheFormIsThereWhenAllowHasLookedAtIt(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		prof := &profile.Profiler{Allow: func(r *http.Request) (string, bool) {
			return r.FormValue("who"), r.FormValue("who") == "alice"
		}}
		s := newSite(t, protocol, prof, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.ParseForm()
			fmt.Fprint(w, r.Form.Encode(), " ", r.PostForm.Encode())
		}))
		post := func(who, uri string) answer {
			return s.do("", "POST", uri, "who="+who+"&b=2", "Content-Type", "application/x-www-form-urlencoded")
		}
		const want = "a=1&b=2&who="
		if a := post("bob", "/?__profile__&a=1"); a.body != want+"bob b=2&who=bob" {
			t.Errorf("who may not: %d %q", a.StatusCode, a.body)
		}
		if res := s.result(post("alice", "/?__profile__=response&a=1")); string(res.Response.Body) != want+"alice b=2&who=alice" {
			t.Errorf("who may: %q", res.Response.Body)
		}
		a := post("alice", "/?__profile__=response,inline&a=1")
		if res := s.stored(idOf(t, a.Header.Get("Content-Location"))); string(res.Response.Body) != want+"alice b=2&who=alice" {
			t.Errorf("inline: %q", res.Response.Body)
		}
	})
}
