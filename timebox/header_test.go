package timebox_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"reflect"
	"testing"
	"time"

	"github.com/heeler-go/heeler/timebox"
)

// withEarlyHints notes the 103 responses that come before the answer.
func withEarlyHints(r *http.Request) (*http.Request, *[]http.Header) {
	hints := new([]http.Header)
	return r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			*hints = append(*hints, http.Header(header))
			return nil
		},
	})), hints
}

func TestA404AfterEarlyHintsStays404(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(new(timebox.Box), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Add("Link", "</more.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			w.Header().Del("Link")
			http.Error(w, "nothing here", http.StatusNotFound)
		})
		r, hints := withEarlyHints(s.request("GET", "/", nil))
		resp, text, err := s.do(r)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 404 || text != "nothing here\n" || resp.Header.Get("Link") != "" {
			t.Errorf("%d %v %q", resp.StatusCode, resp.Header, text)
		}
		if len(*hints) != 2 || len((*hints)[0]["Link"]) != 1 || len((*hints)[1]["Link"]) != 2 {
			t.Errorf("hints: %v", *hints)
		}
	})
}

func TestALimitAfterEarlyHintsIsA503WithoutTheirHeaders(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		inner := (&timebox.Box{Limit: later}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.Header().Set("X-Outside", "changed")
			w.WriteHeader(http.StatusEarlyHints)
			s.hang()
		}))
		s.start(nil, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Outside", "as it was")
			inner.ServeHTTP(w, r)
		})
		r, hints := withEarlyHints(s.request("GET", "/", nil))
		resp, _, err := s.do(r)
		if err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != 503 || resp.Header.Get("Link") != "" || resp.Header.Get("X-Outside") != "as it was" {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
		if len(*hints) != 1 {
			t.Errorf("hints: %v", *hints)
		}
	})
}

func TestHeadersSetOutsideCanBeSeenAppendedToAndDeleted(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		inner := new(timebox.Box).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			h := w.Header()
			if got := h.Get("X-Seen"); got != "outside" {
				t.Errorf("inside, X-Seen is %q", got)
			}
			h.Add("X-Appended", "inside")
			h.Del("X-Deleted")
			h["X-Changed"][0] = "inside"
			h["Date"] = nil // net/http is to send none
			if r.URL.Path == "/write" {
				io.WriteString(w, "written")
			}
			h.Set("X-Too-Late", "yes")
		}))
		s.start(nil, func(w http.ResponseWriter, r *http.Request) {
			for _, name := range []string{"X-Seen", "X-Appended", "X-Deleted", "X-Changed"} {
				w.Header().Set(name, "outside")
			}
			inner.ServeHTTP(w, r)
			if got := w.Header().Get("X-Changed"); got != "inside" {
				t.Errorf("outside again, X-Changed is %q", got)
			}
		})
		for _, path := range []string{"/write", "/return"} {
			resp, _ := s.mustGet(path)
			for name, want := range map[string][]string{
				"X-Seen":     {"outside"},
				"X-Appended": {"outside", "inside"},
				"X-Deleted":  nil,
				"X-Changed":  {"inside"},
				"Date":       nil,
			} {
				if got := resp.Header[name]; !reflect.DeepEqual(got, want) {
					t.Errorf("%s: %s is %q, want %q", path, name, got, want)
				}
			}
			if got := resp.Header.Get("X-Too-Late"); path == "/write" && got != "" {
				t.Error("a header set after the body has arrived")
			}
		}
	})
}

func TestTrailersArrive(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(new(timebox.Box), func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Trailer", "X-Declared, X-Unused")
			io.WriteString(w, "body")
			w.(http.Flusher).Flush()
			w.Header().Set("X-Declared", "one")
			w.Header().Set(http.TrailerPrefix+"X-Undeclared", "two")
			w.Header().Set("X-Neither", "three")
		})
		resp, text := s.mustGet("/")
		want := http.Header{"X-Declared": {"one"}, "X-Undeclared": {"two"}, "X-Unused": nil}
		if text != "body" || !reflect.DeepEqual(resp.Trailer, want) {
			t.Errorf("%q %v, want %v", text, resp.Trailer, want)
		}
	})
}

func TestTrailersWithoutDeclarationArrive(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(new(timebox.Box), func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "body")
			w.(http.Flusher).Flush()
			w.Header().Set(http.TrailerPrefix+"X-Sum", "four")
		})
		if resp, _ := s.mustGet("/"); resp.Trailer.Get("X-Sum") != "four" {
			t.Errorf("%v", resp.Trailer)
		}
	})
}

func TestAHandlerMayChangeItsHeadersWhileTheBoxAnswers(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		answered, ended := make(chan struct{}), make(chan struct{})
		s.start(&timebox.Box{Limit: soon}, func(w http.ResponseWriter, r *http.Request) {
			defer close(ended)
			for i := 0; ; i++ {
				h := w.Header()
				h.Set(fmt.Sprint("X-", i%10), "inside")
				h.Del(fmt.Sprint("X-", (i+5)%10))
				h.Set("Content-Type", "inside")
				h.Set("Connection", "keep-alive")
				select {
				case <-answered:
					return
				default:
				}
			}
		})
		resp, _ := s.mustGet("/")
		if resp.StatusCode != 503 || resp.Header.Get("X-1") != "" || resp.Header.Get("Content-Type") == "inside" {
			t.Errorf("%d %v", resp.StatusCode, resp.Header)
		}
		close(answered)
		receive(t, "the end of the handler", ended)
	})
}

// A Write that begins just at the limit may be in time or too late. Whatever
// comes, the client gets a whole 503, a whole 200, or an error.
func TestALimitDuringTheWriteIsOneThingOrTheOther(t *testing.T) {
	overEachProtocol(t, func(t *testing.T, s *server) {
		s.start(&timebox.Box{Limit: soon}, func(w http.ResponseWriter, r *http.Request) {
			at, _ := r.Context().Deadline()
			time.Sleep(time.Until(at))
			w.Header().Set("X-Inside", "yes")
			w.WriteHeader(201)
			io.WriteString(w, "the handler's")
		})
		for range 20 {
			resp, text, err := s.get("/")
			if err != nil {
				continue
			}
			inside := resp.StatusCode == 201 && text == "the handler's" && resp.Header.Get("X-Inside") == "yes"
			outside := resp.StatusCode == 503 && text != "" && resp.Header.Get("X-Inside") == ""
			if !inside && !outside {
				t.Errorf("%d %v %q", resp.StatusCode, resp.Header, text)
			}
		}
	})
}
