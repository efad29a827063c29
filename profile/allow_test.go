package profile_test

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/profile"
)

// tells answers with all that a handler can see of the query, and of where it is.
func tells(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	fmt.Fprintf(w, "%s\n%s\n%s\n%q\n%v\n%q\n%v\n", r.Method, r.RequestURI, r.URL, r.URL.RawQuery, r.URL.ForceQuery, r.URL.Path, r.Form)
	_, deadline := r.Context().Deadline()
	fmt.Fprintln(w, r.Header.Values("Cookie"), deadline)
}

// spellings are queries with the parameter and the same without it.
var spellings = [][2]string{
	{"?__profile__", ""},
	{"?__profile__=", ""},
	{"?__profile__=inline", ""},
	{"?__profile__=n=20", ""},
	{"?__profile__=nonsense", ""},
	{"?__profile__=link=forged", ""},
	{"?a=1&__profile__&b=%20+2", "?a=1&b=%20+2"},
	{"?%5f_profile__&a=1", "?a=1"},
	{"?a=1&__profile__=inline&__profile__=alloc", "?a=1"},
}

func TestWhoMayNotAskGetsTheUsualAnswer(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		for about, prof := range map[string]*profile.Profiler{
			"nobody may": {},
			"some may":   {Allow: byHeader},
			"with a key": {Allow: byHeader, Key: key},
		} {
			s := newSite(t, protocol, prof, http.HandlerFunc(tells))
			for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
				for _, pair := range spellings {
					usual, got := s.do("", method, "/a%2Fb"+pair[1], "body"), s.do("", method, "/a%2Fb"+pair[0], "body")
					usual.Header.Del("Date")
					got.Header.Del("Date")
					if got.body != usual.body || got.StatusCode != usual.StatusCode || fmt.Sprint(got.Header) != fmt.Sprint(usual.Header) {
						t.Errorf("%s: %s %s: %d %v %q\nwant %d %v %q", about, method, pair[0], got.StatusCode, got.Header, got.body, usual.StatusCode, usual.Header, usual.body)
					}
				}
			}
			for _, path := range []string{"/__profile__/", "/__profile__/-/page.js", "/__profile__/0123456789abcdef0123456789abcdef/", "/__profile__/x.y/"} {
				if got := s.get("", path+"?__profile__"); !strings.HasPrefix(got.body, "GET\n"+path+"\n") {
					t.Errorf("%s: %s: %d %q", about, path, got.StatusCode, got.body)
				}
			}
			if n := s.store.created(); n != 0 {
				t.Errorf("%s: %d results", about, n)
			}
		}
	})
}

func TestTheApplicationNeverSeesTheParameter(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		seen := make(chan string, 1)
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.ParseForm()
			seen <- fmt.Sprint(r.RequestURI, " ", r.URL, " ", r.Form)
		}))
		for _, pair := range spellings {
			if strings.Contains(pair[0], "n=20") {
				continue
			}
			a := s.get("alice", "/a"+pair[0])
			if a.StatusCode == http.StatusBadRequest {
				continue
			}
			q, _ := url.ParseQuery(strings.TrimPrefix(pair[1], "?"))
			if got, want := <-seen, fmt.Sprint("/a", pair[1], " /a", pair[1], " ", q); got != want {
				t.Errorf("%s: %s, want %s", pair[0], got, want)
			}
		}
	})
}

func TestWhatWasParsedFurtherOutLosesTheParameter(t *testing.T) {
	prof := &profile.Profiler{Allow: byHeader}
	forms := make(chan string, 3)
	s := newSiteOf(t, "HTTP/1", prof, func() http.Handler {
		inner := prof.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { forms <- r.Form.Encode() + " " + r.PostForm.Encode() }))
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.ParseForm()
			before, uri := r.Form.Encode(), r.URL.String()
			inner.ServeHTTP(w, r)
			if r.Form.Encode() != before || r.URL.String() != uri {
				t.Errorf("the request further out was changed: %v %v", r.Form, r.URL)
			}
		})
	}, nil)
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	s.do("", "POST", "/?__profile__&a=1", "b=2", form...)
	s.do("alice", "POST", "/?__profile__=inline&a=1", "b=2", form...)
	s.do("", "POST", "/?__profile__&a=1", "__profile__=body", form...)
	for _, want := range []string{"a=1&b=2 b=2", "a=1&b=2 b=2", "__profile__=body&a=1 __profile__=body"} {
		if got := <-forms; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAllowIsAskedOnlyAboutWhatConcernsIt(t *testing.T) {
	var asked []string
	prof := &profile.Profiler{Allow: func(r *http.Request) (string, bool) {
		asked = append(asked, r.URL.String())
		return "", false
	}}
	s := newSite(t, "HTTP/1", prof, says("hello"))
	for _, uri := range []string{"/", "/a?b=__profile__", "/__profile__", "/a/__profile__/", "/a?__profile__x"} {
		s.get("", uri)
	}
	if len(asked) != 0 {
		t.Errorf("asked about %q", asked)
	}
	s.get("", "/?__profile__")
	s.get("", "/__profile__/x?__profile__")
	if want := []string{"/?__profile__", "/__profile__/x?__profile__"}; !slices.Equal(asked, want) {
		t.Errorf("asked about %q, want %q", asked, want)
	}
}

func TestAnAllowThatPanicsProfilesNothingAndHarmsNothing(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		prof := &profile.Profiler{MaxWaiting: 1, Allow: func(r *http.Request) (string, bool) {
			if r.Header.Get("X-User") == "mallory" {
				panic("who is this?")
			}
			return byHeader(r)
		}}
		served := make(chan string, 10)
		s := newSite(t, protocol, prof, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { served <- r.Header.Get("X-User") }))
		for range 5 {
			for _, uri := range []string{"/?__profile__", "/?__profile__=inline", "/__profile__/"} {
				if a, err := s.try(t.Context(), "mallory", "GET", uri, ""); err == nil {
					t.Errorf("%s: %d %q", uri, a.StatusCode, a.body)
				}
			}
		}
		if said := s.logged("who is this?"); !strings.Contains(said, "panic serving") {
			t.Errorf("the server's log: %q", said)
		}
		if n := len(served); n != 0 || prof.Stats() != (profile.Stats{}) {
			t.Errorf("%d requests served, %+v", n, prof.Stats())
		}
		s.result(s.get("alice", "/?__profile__"))
	})
}

func TestBadOptionsAreToldToThoseOnlyWhoMayAsk(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, says("hello"))
		for _, c := range []struct{ method, value, want string }{
			{"GET", "verbose", "inline, alloc, response, n=1 to n=1000"},
			{"GET", "n=0", "1 to 1000"},
			{"GET", "n=1001", "1 to 1000"},
			{"POST", "n=2", "GET and HEAD"},
			{"PUT", "inline,n=2", "GET and HEAD"},
		} {
			a := s.do("alice", c.method, "/?__profile__="+c.value, "body")
			if a.StatusCode != http.StatusBadRequest || !strings.Contains(a.body, c.want) {
				t.Errorf("%s %s: %d %q", c.method, c.value, a.StatusCode, a.body)
			}
			if protocol == "HTTP/1" && !a.Close {
				t.Errorf("%s %s: the connection is kept with a body that nobody has read", c.method, c.value)
			}
			if a := s.do("", c.method, "/?__profile__="+c.value, "body"); a.body != "hello" {
				t.Errorf("%s %s, of somebody: %d %q", c.method, c.value, a.StatusCode, a.body)
			}
		}
		if n := s.store.created(); n != 0 {
			t.Errorf("%d results", n)
		}
	})
}

func TestARequestIsRepeatedWhenItIsAskedFor(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		var n int
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			n++
			b, err := io.ReadAll(r.Body)
			if r.Header.Get("X-Mark") != "" || w.Header().Get("X-Mark") != "" || string(b) != "body" || err != nil {
				t.Errorf("run %d: header %v, body %q, %v", n, r.Header, b, err)
			}
			r.Header.Set("X-Mark", "1")
			w.Header().Set("X-Mark", "1")
		}))
		if res := s.result(s.do("alice", "GET", "/?__profile__=n=20", "body")); n != 20 || len(res.Runs) != 20 {
			t.Errorf("%d runs, %d in the result", n, len(res.Runs))
		}
		n = 0
		a := s.do("alice", "GET", "/?__profile__=n=3,inline", "body")
		if res := s.stored(idOf(t, a.Header.Get("Content-Location"))); n != 3 || len(res.Runs) != 3 {
			t.Errorf("inline: %d runs, %d in the result", n, len(res.Runs))
		}
		n = 0
		if s.result(s.do("alice", "GET", "/?__profile__", "body")); n != 1 {
			t.Errorf("unasked: %d runs", n)
		}
	})
}
