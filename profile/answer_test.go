package profile_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile"
)

// replies are handlers, and what they learn of their ResponseWriter is to be the same as in net/http.
var replies = map[string]func(w http.ResponseWriter, r *http.Request) []any{
	"nothing": func(w http.ResponseWriter, r *http.Request) []any { return nil },
	"a body":  func(w http.ResponseWriter, r *http.Request) []any { return wrote(io.WriteString(w, "<p>hello")) },
	"early hints, then not found": func(w http.ResponseWriter, r *http.Request) []any {
		w.Header().Set("Link", "</a.css>")
		w.WriteHeader(http.StatusEarlyHints)
		http.NotFound(w, r)
		return nil
	},
	"two statuses": func(w http.ResponseWriter, r *http.Request) []any {
		w.WriteHeader(201)
		w.WriteHeader(500)
		return nil
	},
	"a body after no content": func(w http.ResponseWriter, r *http.Request) []any {
		w.WriteHeader(http.StatusNoContent)
		return wrote(w.Write([]byte("x")))
	},
	"a body after not modified": func(w http.ResponseWriter, r *http.Request) []any {
		w.WriteHeader(http.StatusNotModified)
		return wrote(w.Write([]byte("x")))
	},
	"more than was declared": func(w http.ResponseWriter, r *http.Request) []any {
		w.Header().Set("Content-Length", "3")
		first := wrote(w.Write([]byte("abc")))
		return append(first, wrote(w.Write([]byte("d")))...)
	},
	"flush, deadlines, duplex": func(w http.ResponseWriter, r *http.Request) []any {
		rc := http.NewResponseController(w)
		later := time.Now().Add(time.Minute)
		_, flusher := w.(http.Flusher)
		return []any{rc.SetReadDeadline(later), rc.SetWriteDeadline(later), rc.EnableFullDuplex(), rc.Flush(), flusher}
	},
	"a header set too late": func(w http.ResponseWriter, r *http.Request) []any {
		w.WriteHeader(200)
		w.Header().Set("X-Late", "1")
		return nil
	},
	"a status that is none": func(w http.ResponseWriter, r *http.Request) (seen []any) {
		defer func() { seen = []any{recover()} }()
		w.WriteHeader(42)
		return nil
	},
	"the header from outside": func(w http.ResponseWriter, r *http.Request) []any {
		seen := w.Header().Get("X-Outside")
		w.Header().Del("X-Outside")
		return []any{seen}
	},
}

func wrote(n int, err error) []any { return []any{n, err} }

func TestAHandlerLearnsTheSameAsFromNetHTTP(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		for about, reply := range replies {
			if about == "more than was declared" && protocol == "HTTP/2" {
				continue // where it depends on what was sent already
			}
			saw := make(chan string, 1)
			prof := &profile.Profiler{Allow: byHeader}
			s := newSiteOf(t, protocol, prof, func() http.Handler {
				inner := prof.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { saw <- fmt.Sprint(reply(w, r)...) }))
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("X-Outside", "yes")
					inner.ServeHTTP(w, r)
				})
			}, nil)
			for _, method := range []string{"GET", "HEAD"} {
				if method == "HEAD" && protocol == "HTTP/2" && strings.HasPrefix(about, "flush") {
					continue // which closes the stream, and fails
				}
				usual := s.do("", method, "/", "")
				want := <-saw
				for _, value := range []string{"response", "inline,response"} {
					s.do("alice", method, "/?__profile__="+value, "")
					kept := s.only()
					if seen := <-saw; seen != want {
						t.Errorf("%s: %s %s: the handler saw %s, want %s", about, method, value, seen, want)
					}
					if kept.Response.Status != usual.StatusCode || string(kept.Response.Body) != usual.body {
						t.Errorf("%s: %s %s: kept %d %q, want %d %q", about, method, value, kept.Response.Status, kept.Response.Body, usual.StatusCode, usual.body)
					}
					for name := range usual.Header {
						if name != "Date" && name != "Content-Length" && fmt.Sprint(kept.Response.Header[name]) != fmt.Sprint(usual.Header[name]) {
							t.Errorf("%s: %s %s: kept %s: %q, want %q", about, method, value, name, kept.Response.Header[name], usual.Header[name])
						}
					}
				}
			}
		}
	})
}

func TestWhatIsWrittenAfterTheHandlerGoesNowhere(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		ended, late := make(chan struct{}), make(chan error, 1)
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "in time")
			go func() {
				<-ended
				_, err := io.WriteString(w, "late")
				late <- err
			}()
		}))
		a := s.get("alice", "/?__profile__=response")
		s.wait()
		close(ended)
		if err := <-late; err == nil {
			t.Error("no error")
		}
		if res := s.result(a); string(res.Response.Body) != "in time" {
			t.Errorf("kept %q", res.Response.Body)
		}
	})
}

func TestABodyIsReadOnceAndWhenItIsClosedNoMore(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		var err error
		var trailer string
		s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.ReadAll(r.Body)
			trailer = r.Trailer.Get("X-Sum")
			r.Body.Close()
			_, err = r.Body.Read(make([]byte, 1))
		}))
		for _, value := range []string{"", "inline"} {
			r, _ := http.NewRequest("POST", s.url+"/?__profile__="+value, io.MultiReader(strings.NewReader("the body")))
			r.Header.Set("X-User", "alice")
			r.Trailer = http.Header{"X-Sum": {"8"}}
			resp, e := s.Do(r)
			if e != nil {
				t.Fatal(e)
			}
			resp.Body.Close()
			s.wait()
			if trailer != "8" || value == "" && !errors.Is(err, http.ErrBodyReadAfterClose) {
				t.Errorf("%q: trailer %q, %v", value, trailer, err)
			}
		}
	})
}

func TestTheFilesOfAFormAreRemovedAfterTheRun(t *testing.T) {
	over(t, func(t *testing.T, protocol string) {
		for _, value := range []string{"", "inline"} {
			var name string
			s := newSite(t, protocol, &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if err := r.ParseMultipartForm(1); err != nil {
					t.Error(err)
					return
				}
				f, _, err := r.FormFile("file")
				if err != nil {
					t.Error(err)
					return
				}
				name = f.(*os.File).Name()
				f.Close()
			}))
			content := strings.Repeat("x", 11<<20) // more than is kept in memory
			body := "--b\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\n" + content + "\r\n--b--\r\n"
			s.do("alice", "POST", "/?__profile__="+value, body, "Content-Type", "multipart/form-data; boundary=b")
			s.wait()
			for range 1000 { // net/http removes its own after the answer
				if _, err := os.Stat(name); err != nil {
					break
				}
				time.Sleep(time.Millisecond)
			}
			if _, err := os.Stat(name); err == nil || name == "" {
				t.Errorf("%q: the file %q has stayed", value, name)
			}
		}
	})
}
