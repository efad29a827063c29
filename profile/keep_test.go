package profile_test

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
	"github.com/heeler-go/heeler/profile/store"
)

func TestWhatTheStoreDoesNotTakeIsLeftOutStepByStep(t *testing.T) {
	for _, c := range []struct {
		refuses  func(*result.Result) bool // what the store finds too large
		trace    bool
		response bool
		stored   bool
		says     string
	}{
		{func(*result.Result) bool { return false }, true, true, true, ""},
		{func(res *result.Result) bool { return len(res.Trace) > 0 }, false, true, true, "The execution trace could not be stored"},
		{func(res *result.Result) bool { return res.Response != nil && len(res.Response.Body) > 0 }, false, false, true, "The application&#39;s answer could not be stored"},
		{func(*result.Result) bool { return true }, true, true, false, "only the process that made it"},
	} {
		s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, says("the answer"))
		s.store.failWith(func(op, id string, data []byte) error {
			if res, err := result.Decode(data); op != "get" && (err != nil || c.refuses(res)) {
				return fmt.Errorf("disk full: %w", store.ErrTooLarge)
			}
			return nil
		})
		page := s.follow(s.get("alice", "/?__profile__=response"))
		s.wait()
		if a := s.get("alice", page); a.StatusCode != 200 || !strings.Contains(a.body, c.says) {
			t.Errorf("%q: the page: %d %s", c.says, a.StatusCode, a.body)
		}
		if a := s.get("alice", page+"run.trace"); (a.StatusCode == 200) != c.trace {
			t.Errorf("%q: the trace: %d", c.says, a.StatusCode)
		}
		if a := s.get("alice", page+"profile.pb.gz"); a.StatusCode != 200 {
			t.Errorf("%q: the profile: %d", c.says, a.StatusCode)
		}
		if a := s.get("alice", page+"response"); strings.Contains(a.body, "the answer") != c.response {
			t.Errorf("%q: the application's answer: %d %q", c.says, a.StatusCode, a.body)
		}
		if _, err := s.store.Memory.Get(idOf(t, page)); (err == nil) != c.stored {
			t.Errorf("%q: stored: %v", c.says, err)
		}
	}
}

func TestWithoutAStoreTheLastResultsAreKeptInTheProcess(t *testing.T) {
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, says("hello"))
	s.store.failWith(func(op, id string, data []byte) error {
		if op == "get" {
			return fs.ErrNotExist
		}
		return errReadOnly
	})
	var pages []string
	for range 5 {
		pages = append(pages, s.follow(s.get("alice", "/?__profile__")))
		s.wait()
	}
	for i, page := range pages {
		want := http.StatusOK
		if i < 2 {
			want = http.StatusNotFound
		}
		if a := s.get("alice", page); a.StatusCode != want || want == 200 && !strings.Contains(a.body, "read-only file system") {
			t.Errorf("page %d: %d, want %d", i, a.StatusCode, want)
		}
		if a := s.get("bob", page); a.StatusCode != http.StatusNotFound {
			t.Errorf("page %d for somebody else: %d", i, a.StatusCode)
		}
	}
}

func TestAReadOnlyDirectoryLosesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// A directory below a file can be made by nobody, not even by root.
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader, Store: &store.Dir{Path: filepath.Join(file, "profiles")}}, says("hello"))
	page := s.follow(s.get("alice", "/?__profile__"))
	s.wait()
	if a := s.get("alice", page); a.StatusCode != 200 || !strings.Contains(a.body, "only the process that made it") {
		t.Errorf("%d %q", a.StatusCode, a.body)
	}
}

func TestAStoreThatPanicsTakesNoPlace(t *testing.T) {
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader, MaxWaiting: 1}, says("hello"))
	s.store.failWith(func(op, id string, data []byte) error {
		if op == "put" {
			panic("the store burns")
		}
		return nil
	})
	for range 5 {
		s.follow(s.get("alice", "/?__profile__"))
		s.wait()
	}
	if said := s.logged("the store burns"); !strings.Contains(said, "panic serving") {
		t.Errorf("the server's log: %q", said)
	}
	s.store.failWith(nil)
	s.result(s.get("alice", "/?__profile__"))
}

func TestAResultWhoseMakerIsGoneIsLost(t *testing.T) {
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, says("hello"))
	machine := s.result(s.get("alice", "/?__profile__")).Machine
	now := time.Now()
	for _, c := range []struct {
		about string
		res   result.Result
		lost  bool
	}{
		{"of a process before this one that had its ID", result.Result{Machine: machine, State: result.Waits, Asked: now.Add(-time.Minute)}, true},
		{"waits in another process", result.Result{Machine: "other", State: result.Waits, Asked: now.Add(-20 * time.Minute)}, false},
		{"runs in another process", result.Result{Machine: "other", State: result.Runs, Asked: now.Add(-3 * time.Hour), Began: now.Add(-time.Minute)}, false},
		{"has been waiting for too long", result.Result{Machine: "other", State: result.Waits, Asked: now.Add(-3 * time.Hour)}, true},
		{"has been running for too long", result.Result{Machine: "other", State: result.Runs, Asked: now, Began: now.Add(-time.Hour)}, true},
		{"is done", result.Result{Machine: machine, State: result.Done, Asked: now.Add(-3 * time.Hour)}, false},
	} {
		c.res.ID, c.res.User = someID, "alice"
		data, err := c.res.Encode()
		if err != nil {
			t.Fatal(err)
		}
		s.store.Put(someID, data)
		a := s.get("alice", "/__profile__/"+someID+"/")
		if a.StatusCode != 200 || strings.Contains(a.body, "was lost") != c.lost {
			t.Errorf("%s: %d, lost: %v", c.about, a.StatusCode, strings.Contains(a.body, "was lost"))
		}
		if refreshes := strings.Contains(strings.ToLower(a.body+fmt.Sprint(a.Header)), "refresh"); c.lost && refreshes {
			t.Errorf("%s: it refreshes itself for ever", c.about)
		}
	}
}
