package profile_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// someID is of the form that results' have.
const someID = "0123456789abcdef0123456789abcdef"

func TestAResultIsForWhoeverAskedForIt(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader, Key: key}, http.HandlerFunc(tells))
		page := s.follow(s.get("alice", "/?__profile__"))
		s.wait()
		for _, part := range []string{"", "profile.pb.gz", "run.trace", "graph.dot"} {
			if a := s.get("alice", page+part); a.StatusCode != 200 || a.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%q: %d %v", part, a.StatusCode, a.Header)
			}
			if a := s.get("bob", page+part); a.StatusCode != 404 || strings.HasPrefix(a.body, "GET\n") {
				t.Errorf("%q for another: %d %.100q", part, a.StatusCode, a.body)
			}
			if a := s.get("", page+part); !strings.HasPrefix(a.body, "GET\n") {
				t.Errorf("%q for somebody: %d %.100q", part, a.StatusCode, a.body)
			}
		}
		for _, path := range []string{"", "x", "x/", "-/nothing.js", "0123456789abcdef0123456789abcdef/", "0123456789abcdef0123456789abcdef.token/result/", "../etc/passwd", strings.Repeat("a", 10_000)} {
			if a := s.get("alice", "/__profile__/"+path); a.StatusCode != 404 && !strings.HasPrefix(path, "..") || strings.Contains(a.Header.Get("Location"), "__profile__") {
				t.Errorf("%.50q: %d %v", path, a.StatusCode, a.Header)
			}
		}
		if a := s.do("alice", "POST", page, "body"); a.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST: %d", a.StatusCode)
		}
		if a := s.get("alice", strings.TrimSuffix(page, "/")); a.StatusCode != http.StatusFound || s.url+"/__profile__/"+a.Header.Get("Location") != page {
			t.Errorf("without the slash: %d %v", a.StatusCode, a.Header)
		}
		for _, part := range []string{"", "profile.pb.gz", "no-such-part"} {
			a := s.do("alice", "HEAD", page+part, "")
			if b := s.get("alice", page+part); a.body != "" || a.StatusCode != b.StatusCode {
				t.Errorf("HEAD %q: %d %q", part, a.StatusCode, a.body)
			}
		}
	})
}

func TestAResultIsForWhoeverHasTheLinkOnItsPage(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader, Key: key}, http.HandlerFunc(tells))
		page := s.follow(s.get("alice", "/?__profile__"))
		other := s.follow(s.get("alice", "/?__profile__"))
		s.wait()
		_, after, found := strings.Cut(s.get("alice", page).body, `href="../`+idOf(t, page)+".")
		token, _, _ := strings.Cut(after, "/result/")
		if !found {
			t.Fatal("the page has no link")
		}
		base := strings.TrimSuffix(page, "/") + "." + token
		for _, part := range []string{"/result/", "/result/profile.pb.gz", "/-/page.js"} {
			for _, user := range []string{"", "bob"} {
				if a := s.get(user, base+part); a.StatusCode != 200 || strings.HasPrefix(a.body, "GET\n") {
					t.Errorf("%q for %q: %d %.100q", part, user, a.StatusCode, a.body)
				}
			}
		}
		for from, to := range map[string]string{"": idOf(t, page) + "." + token + "/result/", "/": "result/", "/result": "result/"} {
			if a := s.get("", base+from); a.StatusCode != http.StatusFound || a.Header.Get("Location") != to {
				t.Errorf("%q: %d %v", from, a.StatusCode, a.Header)
			}
		}
		if a := s.get("", base+"/nothing"); a.StatusCode != 404 {
			t.Errorf("nothing: %d", a.StatusCode)
		}
		for about, uri := range map[string]string{
			"of another result": strings.TrimSuffix(other, "/") + "." + token + "/result/",
			"changed":           base[:len(base)-1] + "/result/",
			"as a request link": "/?__profile__=link=" + token,
		} {
			if a := s.get("", uri); !strings.HasPrefix(a.body, "GET\n") {
				t.Errorf("%s: %d %.100q", about, a.StatusCode, a.body)
			}
		}
	})
}

func TestThePagesCanBeElsewhere(t *testing.T) {
	prof := &profile.Profiler{Allow: byHeader, Path: "/admin/profiles/"}
	s := newSiteOf(t, "HTTP/1", prof, func() http.Handler {
		mux := http.NewServeMux()
		mux.Handle("/shop/", prof.Wrap(says("hello")))
		mux.Handle("/admin/profiles/", prof.Handler())
		mux.Handle("/other/", http.StripPrefix("/other", prof.Handler()))
		mux.Handle("/third/", http.StripPrefix("/third/", prof.Handler()))
		return mux
	}, nil)
	page := s.follow(s.get("alice", "/shop/a/b?__profile__"))
	s.wait()
	id := idOf(t, page)
	if page != s.url+"/admin/profiles/"+id+"/" {
		t.Errorf("sent to %s", page)
	}
	for _, uri := range []string{page, "/other/" + id + "/", "/third/" + id + "/"} {
		if a := s.get("alice", uri); a.StatusCode != 200 {
			t.Errorf("%s: %d", uri, a.StatusCode)
		}
		for _, user := range []string{"", "bob"} {
			if a := s.get(user, uri); a.StatusCode != 404 {
				t.Errorf("%s for %q: %d", uri, user, a.StatusCode)
			}
		}
	}
}

func TestTheWayToTheResultHoldsBehindAPrefix(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		prof := &profile.Profiler{Allow: byHeader}
		s := newSiteOf(t, protocol, prof, func() http.Handler {
			mux := http.NewServeMux()
			mux.Handle("/app/", http.StripPrefix("/app", prof.Wrap(says("hello"))))
			return mux
		}, nil)
		for _, path := range []string{"/app/", "/app/a", "/app/a/", "/app/a/b%2Fc/d", "/app/a//b"} {
			if strings.Contains(path, "//") {
				continue // the mux cleans it
			}
			a := s.get("alice", path+"?__profile__")
			s.wait()
			if page := s.follow(a); s.get("alice", page).StatusCode != 200 {
				t.Errorf("%s: sent to %s", path, page)
			}
			inline := s.get("alice", path+"?__profile__=inline")
			_, more, _ := strings.Cut(inline.body, "more: ")
			if more = strings.TrimSpace(more); s.get("alice", more).StatusCode != 200 {
				t.Errorf("%s: told %q in %q", path, more, inline.body)
			}
		}
	})
}

func TestInlineIsTextOrForABrowserThePage(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, says("hello"))
		a := s.get("alice", "/?__profile__=inline")
		res := s.stored(idOf(t, a.Header.Get("Content-Location")))
		if a.StatusCode != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") || !strings.Contains(a.body, res.Sentence) || a.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%d %v %q without %q", a.StatusCode, a.Header, a.body, res.Sentence)
		}
		a = s.do("alice", "POST", "/?__profile__=inline", "body", "Accept", "text/html,application/xhtml+xml")
		if page := s.get("alice", s.follow(a)); page.StatusCode != 200 || !strings.Contains(page.body, "<html") {
			t.Errorf("the page: %d", page.StatusCode)
		}
		if a := s.do("alice", "HEAD", "/?__profile__=inline", ""); a.StatusCode != 200 || a.body != "" {
			t.Errorf("HEAD: %d %q", a.StatusCode, a.body)
		}
	})
}

func TestAStoreThatCannotBeReadIsToldAndRedacted(t *testing.T) {
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, says("hello"))
	s.store.failWith(func(op, id string, data []byte) error { return errors.New("dial redis://u:hunter2@host: refused") })
	a := s.get("alice", "/__profile__/"+someID+"/")
	if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(a.body, "refused") || strings.Contains(a.body, "hunter2") {
		t.Errorf("%d %q", a.StatusCode, a.body)
	}
}

func TestWhatIsNotAResultIsNotShown(t *testing.T) {
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, says("hello"))
	s.store.Put(someID, []byte("not a result"))
	if a := s.get("alice", "/__profile__/"+someID+"/"); a.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("%d %q", a.StatusCode, a.body)
	}
	data, err := (&result.Result{ID: "another", User: "alice", State: result.Done}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	s.store.Put(someID, data)
	if a := s.get("alice", "/__profile__/"+someID+"/"); a.StatusCode != http.StatusNotFound {
		t.Errorf("of another ID: %d %q", a.StatusCode, a.body)
	}
}

func TestEveryResultOfAllocHasAllocations(t *testing.T) {
	var keep [][]byte
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 100 {
			keep = append(keep, make([]byte, 10_000))
		}
		io.WriteString(w, "hello")
	}))
	with, without := s.result(s.get("alice", "/?__profile__=alloc")), s.result(s.get("alice", "/?__profile__"))
	if has := hasSampleType(t, with.Profile, "alloc_space"); !has {
		t.Error("alloc: the profile has no allocations")
	}
	if has := hasSampleType(t, without.Profile, "alloc_space"); has {
		t.Error("the profile has allocations, unasked")
	}
}

func TestARequestMadeByHandIsProfiled(t *testing.T) {
	prof := &profile.Profiler{Allow: byHeader, Store: newSpyStore()}
	r := httptest.NewRequest("GET", "/a/b?__profile__=inline", nil)
	r.RequestURI, r.Body = "", nil
	r.Header.Set("X-User", "alice")
	w := httptest.NewRecorder()
	prof.Wrap(says("hello")).ServeHTTP(w, r)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "GET /a/b") {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}
