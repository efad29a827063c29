package profile_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile"
)

// An http.TimeoutHandler cannot be told to wait, and answers in the profile's place.
func TestAnInlineResultThatComesTooLateForATimeoutHandlerIsInTheLog(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		prof := &profile.Profiler{Allow: byHeader}
		release := make(chan struct{})
		s := newSiteOf(t, protocol, prof, func() http.Handler {
			return http.TimeoutHandler(prof.Wrap(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release })), 50*time.Millisecond, "too late")
		}, nil)
		a := s.get("alice", "/?__profile__=inline")
		close(release)
		if a.StatusCode != http.StatusServiceUnavailable || a.body != "too late" {
			t.Errorf("%d %s", a.StatusCode, a.body)
		}
		at := "/__profile__/" + s.only().ID + "/"
		if said := s.logged(at); !strings.Contains(said, "GET / for alice ended without an answer; its profile is at "+at+"\n") {
			t.Errorf("the log has %q", said)
		}
	})
}
