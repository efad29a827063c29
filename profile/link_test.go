package profile_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"net/http/httptest"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
)

func link(t *testing.T, prof *profile.Profiler, method, uri string) string {
	t.Helper()
	l, err := prof.Link(method, uri, "carol", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestALinkProfilesOneRequestOnceAndShowsIt(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		for _, value := range []string{"", ",inline"} {
			s := newSite(t, protocol, &profile.Profiler{Key: key}, http.HandlerFunc(tells))
			uri := link(t, s.prof, "GET", "/a%2Fb?x=1") + value
			a := s.get("", uri)
			way := a.Header.Get("Location")
			if value != "" {
				way = a.Header.Get("Content-Location")
			}
			base, _ := a.Request.URL.Parse(way)
			res := s.stored(idOf(t, base.String()))
			if res.User != "carol" || res.State != result.Done || res.URI != "/a%2Fb?x=1" {
				t.Errorf("%q: %s for %q: %s", value, res.State, res.User, res.URI)
			}
			page := s.get("", base.String())
			if page.StatusCode != 200 || strings.HasPrefix(page.body, "GET\n") {
				t.Errorf("%q: the page: %d %.100q", value, page.StatusCode, page.body)
			}
			script, _ := base.Parse("../-/page.js")
			if a := s.get("", script.String()); a.StatusCode != 200 || strings.HasPrefix(a.body, "GET\n") {
				t.Errorf("%q: the page's script: %d %.100q", value, a.StatusCode, a.body)
			}
			for range 2 {
				if again := s.get("", uri); !strings.HasPrefix(again.body, "GET\n/a%2Fb?x=1\n") {
					t.Errorf("%q: the second time: %d %q", value, again.StatusCode, again.body)
				}
			}
		}
	})
}

func TestALinkIsGoodForNothingElse(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		s := newSite(t, protocol, &profile.Profiler{Key: key, Allow: byHeader}, http.HandlerFunc(tells))
		other := &profile.Profiler{Key: []byte(strings.Repeat("o", 32))}
		good := link(t, s.prof, "GET", "/a")
		for about, c := range map[string]struct{ method, uri string }{
			"another method": {"POST", good},
			"another path":   {"GET", strings.Replace(good, "/a?", "/b?", 1)},
			"another key":    {"GET", link(t, other, "GET", "/a")},
			"cut short":      {"GET", good[:len(good)-1]},
			"changed":        {"GET", strings.Replace(good, "link=A", "link=B", 1)},
			"two of them":    {"GET", good + "&__profile__=link=x"},
		} {
			for _, user := range []string{"", "alice"} {
				a := s.do(user, c.method, c.uri, "")
				if user == "alice" && about == "two of them" {
					if a.StatusCode != http.StatusBadRequest {
						t.Errorf("%s: %d", about, a.StatusCode)
					}
				} else if !strings.HasPrefix(a.body, c.method+"\n/") {
					t.Errorf("%s for %q: %d %q", about, user, a.StatusCode, a.body)
				}
			}
		}
		if n := s.store.created(); n != 0 {
			t.Errorf("%d results", n)
		}
		s.result(s.get("", good))
		if a := s.get("", "/__profile__/"+strings.Split(good, "link=")[1]+"/"); !strings.HasPrefix(a.body, "GET\n") {
			t.Errorf("as the link of a page: %d %q", a.StatusCode, a.body)
		}
	})
}

func TestALinkThatWasUsedIsUsedInAllReplicas(t *testing.T) {
	shared := newSpyStore()
	one := newSite(t, "HTTP/1", &profile.Profiler{Key: key, Store: shared}, http.HandlerFunc(tells))
	two := newSite(t, "HTTP/1", &profile.Profiler{Key: key, Store: shared}, http.HandlerFunc(tells))
	uri := link(t, one.prof, "GET", "/a")
	a := one.get("", uri)
	one.wait()
	if a := two.get("", uri); !strings.HasPrefix(a.body, "GET\n") {
		t.Errorf("the other replica: %d %q", a.StatusCode, a.body)
	}
	if page := two.get("", two.url+strings.TrimPrefix(one.follow(a), one.url)); page.StatusCode != 200 || strings.HasPrefix(page.body, "GET\n") {
		t.Errorf("the page from the other replica: %d %q", page.StatusCode, page.body)
	}
	if st := two.prof.Stats(); st.InProgress != 0 {
		t.Errorf("%+v", st)
	}
}

func TestALinkIsNotUsedUpByWhatCannotBeRun(t *testing.T) {
	s := newSite(t, "HTTP/1", &profile.Profiler{Key: key}, http.HandlerFunc(tells))
	uri := link(t, s.prof, "GET", "/a")
	s.store.failWith(func(op, id string, data []byte) error { return errReadOnly })
	if a := s.get("", uri); a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %q", a.StatusCode, a.body)
	}
	if a := s.get("", uri+",verbose"); !strings.HasPrefix(a.body, "GET\n") {
		t.Errorf("with an option that is none: %d %q", a.StatusCode, a.body)
	}
	if a := s.get("", uri+",n=2000"); !strings.HasPrefix(a.body, "GET\n") {
		t.Errorf("with too many runs: %d %q", a.StatusCode, a.body)
	}
	s.store.failWith(nil)
	s.result(s.get("", uri))
}

func TestALinkExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		prof := &profile.Profiler{Key: key, Store: newSpyStore()}
		h := prof.Wrap(http.HandlerFunc(tells))
		uri := link(t, prof, "GET", "/a")
		time.Sleep(time.Hour + time.Second)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", uri, nil))
		if !strings.HasPrefix(w.Body.String(), "GET\n/a\n") {
			t.Errorf("%d %q", w.Code, w.Body)
		}
	})
}

func TestALinkThatCannotBeIsAnError(t *testing.T) {
	withKey := &profile.Profiler{Key: key}
	for _, c := range []struct {
		prof        *profile.Profiler
		method, uri string
		valid       time.Duration
		want        string
	}{
		{&profile.Profiler{}, "GET", "/", time.Hour, "Profiler.Key is nil"},
		{withKey, "GET", "/", 0, "positive"},
		{withKey, "GET", "/", -time.Second, "positive"},
		{withKey, "", "/", time.Hour, "method"},
		{withKey, "G T", "/", time.Hour, "method"},
		{withKey, "GET", "", time.Hour, "slash"},
		{withKey, "GET", "a", time.Hour, "slash"},
		{withKey, "GET", "//host/a", time.Hour, "slash"},
		{withKey, "GET", "mailto:a@b", time.Hour, "slash"},
		{withKey, "GET", "https://host", time.Hour, "slash"},
		{withKey, "GET", "/%zz", time.Hour, "slash"},
		{withKey, "GET", "/?__profile__", time.Hour, "without the parameter"},
	} {
		if l, err := c.prof.Link(c.method, c.uri, "carol", c.valid); err == nil || l != "" || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q for %v: %q, %v", c.method, c.uri, c.valid, l, err)
		}
	}
	l, err := withKey.Link("GET", "https://host/a?b=c#d", "carol", time.Hour)
	if before, after, _ := strings.Cut(l, "__profile__=link="); err != nil || before != "https://host/a?b=c&" || !strings.HasSuffix(after, "#d") {
		t.Errorf("%q, %v", l, err)
	}
}
