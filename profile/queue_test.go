package profile_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
)

func TestOfAThousandAtOnceTenWaitAndTheRestAreToldToComeBack(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		release := make(chan struct{})
		var mu sync.Mutex
		served, atOnce := 0, 0
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			served++
			atOnce++
			if atOnce > 1 {
				t.Error("two are profiled at once")
			}
			mu.Unlock()
			<-release
			mu.Lock()
			atOnce--
			mu.Unlock()
		}))
		if transport, ok := s.Transport.(*http.Transport); ok {
			transport.MaxConnsPerHost = 50
		}
		const all = 1000
		codes := make(chan answer, all)
		var clients sync.WaitGroup
		for i := range all {
			clients.Go(func() {
				value := ""
				if i%2 == 1 {
					value = "n=2"
				}
				a, err := s.try(context.Background(), "alice", "GET", "/?__profile__="+value, "")
				if err != nil {
					t.Error(err)
				}
				codes <- a
			})
		}
		clients.Wait()
		close(codes)
		var admitted []answer
		for a := range codes {
			switch {
			case a.StatusCode == http.StatusSeeOther:
				admitted = append(admitted, a)
			case a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "":
				t.Errorf("%d %v", a.StatusCode, a.Header)
			}
		}
		if st := s.prof.Stats(); len(admitted) != 11 || st.Refused != all-11 || st.InProgress != 11 || st.Asked != all {
			t.Errorf("%d were admitted; %+v", len(admitted), st)
		}
		for _, a := range admitted { // whose connections are not needed any more
			if page := s.get("alice", s.follow(a)); page.StatusCode != 200 {
				t.Errorf("the page of one that waits: %d", page.StatusCode)
			}
		}
		close(release)
		for _, a := range admitted {
			if res := s.result(a); res.State != result.Done {
				t.Errorf("%s %q", res.State, res.Problems)
			}
		}
		s.result(s.get("alice", "/?__profile__")) // there is room again
	})
}

func TestWaitEndsWithItsContextOrWhenAllIsDone(t *testing.T) {
	release := make(chan struct{})
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release }))
	if err := s.prof.Wait(context.Background()); err != nil {
		t.Error(err)
	}
	s.get("alice", "/?__profile__")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.prof.Wait(ctx); err != context.Canceled {
		t.Errorf("%v", err)
	}
	close(release)
	s.wait()
}

func TestThePageOfOneThatWaitsSaysWhoIsBefore(t *testing.T) {
	release := make(chan struct{})
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release }))
	first := s.follow(s.get("alice", "/first?token=abc&__profile__"))
	for !strings.Contains(s.get("alice", first).body, "erved") { // it is being served
		time.Sleep(time.Millisecond)
	}
	second := s.follow(s.get("bob", "/second?__profile__"))
	for range 1000 {
		if a := s.get("bob", second); strings.Contains(a.body, "GET /first for alice") {
			if strings.Contains(a.body, "token") {
				t.Errorf("the query is shown: %s", a.body)
			}
			close(release)
			return
		}
		time.Sleep(time.Millisecond)
	}
	close(release)
	t.Errorf("the page does not say who is before: %s", s.get("bob", second).body)
}

func TestWhoHasOnlyALinkIsNotToldWhoIsBefore(t *testing.T) {
	release := make(chan struct{})
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader, Key: key}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-release }))
	defer close(release)
	first := s.follow(s.get("alice", "/first?__profile__"))
	for !strings.Contains(s.get("alice", first).body, "erved") { // it is being served
		time.Sleep(time.Millisecond)
	}
	second := s.follow(s.get("", link(t, s.prof, "GET", "/second")))
	for range 1000 {
		a := s.get("", second)
		if strings.Contains(a.body, "alice") || strings.Contains(a.body, "/first") {
			t.Fatalf("the page says who is before: %s", a.body)
		}
		if strings.Contains(a.body, "1 of other people") {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("the page does not say how many are before: %s", s.get("", second).body)
}
