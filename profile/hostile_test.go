package profile_test

import (
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

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

func TestNoTwoUsersAreOne(t *testing.T) {
	users := []string{"", "a", "A", "a ", "a\x00", "\xff", "\xfe", "\ufffd", `"\xff"`, `"\ufffd"`, `"\"\\xff\""`, strings.Repeat("u", 10_000), strings.Repeat("u", 10_001)}
	var user string
	prof := &profile.Profiler{Key: key, Allow: func(r *http.Request) (string, bool) { return user, true }}
	s := newSite(t, "HTTP/1", prof, says("hello"))
	look := func(address, whose string) {
		t.Helper()
		for _, user = range users {
			if a := s.get("", address); (a.StatusCode == http.StatusOK) != (user == whose) {
				t.Errorf("%.20q sees what is %.20q's: %d", user, whose, a.StatusCode)
			}
		}
	}
	for _, whose := range users {
		user = whose
		address := s.follow(s.get("", "/?__profile__"))
		s.wait()
		look(address, whose)
		if len(whose) > 512 { // more than a link names
			continue
		}
		uri, err := prof.Link("GET", "/", whose, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		id := idOf(t, s.follow(s.get("", uri)))
		s.wait()
		look("/__profile__/"+id+"/", whose)
	}
}

func TestALinkThatCannotBeNotedLeavesNoPage(t *testing.T) {
	s := newSite(t, "HTTP/1", &profile.Profiler{Key: key, Allow: byHeader}, says("hello"))
	uri, err := s.prof.Link("GET", "/", "alice", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var id string
	s.store.failWith(func(op, what string, data []byte) error {
		id = what
		return errReadOnly
	})
	if a := s.get("", uri); a.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("%d %q", a.StatusCode, a.body)
	}
	s.store.failWith(nil)
	if a := s.get("alice", "/__profile__/"+id+"/"); a.StatusCode != http.StatusNotFound {
		t.Errorf("of a request that was not run: %d, and it is waited for", a.StatusCode)
	}
}

func TestAStoreThatPanicsAtOnceTakesNoPlace(t *testing.T) {
	s := newSite(t, "HTTP/1", &profile.Profiler{Key: key, Allow: byHeader, MaxWaiting: 1}, says("hello"))
	uri, err := s.prof.Link("GET", "/", "alice", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s.store.failWith(func(op, id string, data []byte) error { panic("the store burns") })
	for range 3 {
		for _, uri := range []string{"/?__profile__", uri} {
			if a, err := s.try(t.Context(), "alice", "GET", uri, ""); err == nil {
				t.Errorf("%d %q", a.StatusCode, a.body)
			}
		}
	}
	s.store.failWith(nil)
	s.result(s.get("alice", "/?__profile__"))
	s.result(s.get("", uri))
}

func TestFilesOfAFormThatWasParsedFurtherOutAreThereForTheRunAndThenGone(t *testing.T) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	file, _ := form.CreateFormFile("file", "a.bin")
	file.Write(make([]byte, 1<<20))
	form.Close()
	over(t, func(t *testing.T, protocol string) {
		prof := &profile.Profiler{Allow: byHeader}
		served := make(chan struct{})
		names := make(chan string, 1)
		s := newSiteOf(t, protocol, prof, func() http.Handler {
			inner := prof.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Wait") != "" {
					<-served
				}
				f, _, err := r.FormFile("file")
				if err != nil {
					t.Error(err)
					names <- ""
					return
				}
				defer f.Close()
				if n, err := io.Copy(io.Discard, f); n != 1<<20 || err != nil {
					t.Errorf("%d bytes, %v", n, err)
				}
				names <- f.(*os.File).Name()
			}))
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == "GET" {
					return
				}
				if err := r.ParseMultipartForm(1); err != nil {
					t.Error(err)
				}
				inner.ServeHTTP(w, r)
			})
		}, nil)
		for _, value := range []string{"", "inline"} {
			header := []string{"Content-Type", form.FormDataContentType()}
			if value == "" {
				header = append(header, "X-Wait", "1")
			}
			s.do("alice", "POST", "/?__profile__="+value, body.String(), header...)
			if value == "" {
				s.get("", "/") // when the connection has this, it is done with the first
				close(served)
			}
			name := <-names
			s.wait()
			for range 1000 { // net/http removes it when the answer has been sent
				if _, err := os.Stat(name); err != nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if _, err := os.Stat(name); err == nil {
				t.Errorf("%q: the file stays behind", value)
			}
		}
	})
}

func TestWhoIsFurtherOutMayGoOnWithTheHeader(t *testing.T) {
	prof := &profile.Profiler{Allow: byHeader}
	seen := make(chan string, 10)
	h := prof.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen <- r.Header.Get("X-User") }))
	for range 10 {
		r := httptest.NewRequest("GET", "/?__profile__", nil)
		r.Header.Set("X-User", "alice")
		h.ServeHTTP(httptest.NewRecorder(), r)
		r.Header.Set("X-User", "mallory")
		if user := <-seen; user != "alice" {
			t.Errorf("it ran for %q", user)
		}
	}
	prof.Wait(t.Context())
}

func TestTextSaysWhereTheResultIsWhateverThePath(t *testing.T) {
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, says("hello"))
	for _, path := range []string{"/", "/a/b", "//evil/x", "//evil", "///", "/a//b"} {
		a := s.get("alice", s.url+path+"?__profile__")
		if to := s.follow(a); a.body != "The profile is at "+strings.TrimPrefix(to, s.url)+"\n" {
			t.Errorf("%s: %q, and it is at %s", path, a.body, to)
		}
		s.wait()
	}
}

func TestAPageOfAnotherSiteCannotAskForWhoLooksAtIt(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader, Key: key}, says("hello"))
		for _, c := range []struct {
			about, method, site, mode, dest string
			asks                            bool
		}{
			{"an image", "GET", "cross-site", "no-cors", "image", false},
			{"a frame", "GET", "cross-site", "navigate", "iframe", false},
			{"a script's request", "GET", "cross-site", "cors", "empty", false},
			{"a form", "POST", "cross-site", "navigate", "document", false},
			{"a link", "GET", "cross-site", "navigate", "document", true},
			{"the address bar", "GET", "none", "navigate", "document", true},
			{"our own page's script", "POST", "same-origin", "cors", "empty", true},
			{"a page of the same site", "POST", "same-site", "cors", "empty", true},
			{"curl", "POST", "", "", "", true},
		} {
			header := []string{"Sec-Fetch-Site", c.site, "Sec-Fetch-Mode", c.mode, "Sec-Fetch-Dest", c.dest}
			if c.site == "" {
				header = nil
			}
			for _, value := range []string{"", "alloc", "nonsense"} {
				want := 200
				if c.asks {
					want = 303
				}
				if c.asks && value == "nonsense" {
					want = 400
				}
				a := s.do("alice", c.method, "/?__profile__="+value, "", header...)
				if a.StatusCode != want || want == 200 && a.body != "hello" {
					t.Errorf("%s, %q: %d %q", c.about, value, a.StatusCode, a.body)
				}
				s.wait()
			}
			uri, err := s.prof.Link(c.method, "/", "carol", time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			s.result(s.do("", c.method, uri, "", header...))
		}
	})
}

func TestNoCacheKeepsThatAPageIsNotForSomebody(t *testing.T) {
	w := httptest.NewRecorder()
	(&profile.Profiler{Allow: byHeader}).Handler().ServeHTTP(w, httptest.NewRequest("GET", "/__profile__/0123456789abcdef0123456789abcdef/", nil))
	if w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}
