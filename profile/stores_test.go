package profile_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
)

func TestARunDoesNotWaitForTheStore(t *testing.T) {
	ran := make(chan struct{})
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { close(ran) }))
	puts := 0
	s.store.failWith(func(op, id string, data []byte) error {
		if op != "put" {
			return nil
		}
		if puts++; puts == 1 {
			select {
			case <-ran:
			case <-time.After(10 * time.Second):
				t.Error("the run waits, and the tracer is on")
			}
		}
		return nil
	})
	if res := s.result(s.get("alice", "/?__profile__")); res.State != result.Done || puts != 2 {
		t.Errorf("what is stored last, of %d times, is one that %s", puts, res.State)
	}
}

func TestAStoreThatPanicsAtTheLimitEndsNothingElse(t *testing.T) {
	release := make(chan struct{})
	prof := &profile.Profiler{Allow: byHeader, MaxRun: 20 * time.Millisecond}
	s := newSite(t, "HTTP/1", prof, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release }))
	defer close(release)
	puts := 0
	s.store.failWith(func(op, id string, data []byte) error {
		if op == "put" {
			if puts++; puts > 1 { // by the timer's goroutine
				panic("the store burns")
			}
		}
		return nil
	})
	page := s.follow(s.get("alice", "/?__profile__"))
	s.wait()
	if a := s.get("alice", page); a.StatusCode != 200 || !strings.Contains(a.body, "only the process that made it") {
		t.Errorf("%d %q", a.StatusCode, a.body)
	}
	if said := s.logged("the store burns"); !strings.Contains(said, "panic serving") {
		t.Errorf("the server's log: %q", said)
	}
}

func TestWhereAResultWasNotStoredNobodyWaitsForIt(t *testing.T) {
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {}))
	s.store.failWith(func(op, id string, data []byte) error {
		if op == "put" && len(data) > 1000 {
			return errors.New("no room")
		}
		return nil
	})
	if res := s.result(s.get("alice", "/?__profile__")); res.State != result.Failed || !strings.Contains(strings.Join(res.Problems, " "), "no room") {
		t.Errorf("what other replicas are told is that it is %s: %q", res.State, res.Problems)
	}
}
