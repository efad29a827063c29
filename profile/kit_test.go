package profile_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	pprof "github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// byHeader lets in who says a name.
func byHeader(r *http.Request) (string, bool) {
	user := r.Header.Get("X-User")
	return user, user != ""
}

var key = []byte(strings.Repeat("k", 32))

// protocols are those that each point of the middleware is tried over.
var protocols = []string{"HTTP/1", "HTTP/2"}

// A site is a server with a profiler around a handler, and a client of it.
type site struct {
	t     *testing.T
	prof  *profile.Profiler
	store *spyStore
	url   string
	log   *lockedLog
	*http.Client
}

// newSite serves next inside of prof, whose Store is in memory unless it is set.
func newSite(t *testing.T, protocol string, prof *profile.Profiler, next http.Handler) *site {
	t.Helper()
	return newSiteOf(t, protocol, prof, func() http.Handler { return prof.Wrap(next) }, nil)
}

func newSiteOf(t *testing.T, protocol string, prof *profile.Profiler, build func() http.Handler, configure func(*http.Server)) *site {
	t.Helper()
	s := &site{t: t, prof: prof, log: new(lockedLog)}
	if prof.Store == nil {
		s.store = newSpyStore()
		prof.Store = s.store
	}
	server := httptest.NewUnstartedServer(build())
	server.Config.ErrorLog = log.New(s.log, "", 0)
	if configure != nil {
		configure(server.Config)
	}
	if protocol == "HTTP/2" {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	s.url, s.Client = server.URL, server.Client()
	s.Client.Transport.(*http.Transport).ExpectContinueTimeout = time.Second
	s.Client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	t.Cleanup(func() {
		s.wait()
		server.Close()
	})
	return s
}

// wait waits until all profiles have been made.
func (s *site) wait() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.prof.Wait(ctx); err != nil {
		s.t.Fatalf("profiles still being made: %v", err)
	}
}

// An answer is a response that has been read.
type answer struct {
	*http.Response
	body string
}

// do sends a request as a user; "" is somebody unknown. Further pairs are header fields.
func (s *site) do(user, method, uri, body string, header ...string) answer {
	s.t.Helper()
	a, err := s.try(context.Background(), user, method, uri, body, header...)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

func (s *site) try(ctx context.Context, user, method, uri, body string, header ...string) (answer, error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	if strings.HasPrefix(uri, "/") {
		uri = s.url + uri
	}
	r, err := http.NewRequestWithContext(ctx, method, uri, reader)
	if err != nil {
		return answer{}, err
	}
	if user != "" {
		r.Header.Set("X-User", user)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := s.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return answer{resp, string(b)}, err
}

func (s *site) get(user, uri string) answer {
	s.t.Helper()
	return s.do(user, "GET", uri, "")
}

// follow is the address that a 303 leads to.
func (s *site) follow(a answer) string {
	s.t.Helper()
	if a.StatusCode != http.StatusSeeOther {
		s.t.Fatalf("%d, want 303; body %q", a.StatusCode, a.body)
	}
	if strings.HasPrefix(a.Header.Get("Location"), "/") {
		s.t.Errorf("the location %q is not relative", a.Header.Get("Location"))
	}
	to, err := a.Location()
	if err != nil {
		s.t.Fatal(err)
	}
	return to.String()
}

// result is what came of a detached run, read from the store when it is there.
func (s *site) result(a answer) *result.Result {
	s.t.Helper()
	return s.stored(idOf(s.t, s.follow(a)))
}

func (s *site) stored(id string) *result.Result {
	s.t.Helper()
	s.wait()
	data, err := s.prof.Store.Get(id)
	if err != nil {
		s.t.Fatal(err)
	}
	res, err := result.Decode(data)
	if err != nil {
		s.t.Fatal(err)
	}
	return res
}

var ids = regexp.MustCompile(`/([0-9a-f]{32})[./]`)

func idOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	m := ids.FindStringSubmatch(u.Path)
	if m == nil {
		t.Fatalf("no ID in %q", address)
	}
	return m[1]
}

// A lockedLog collects what a server logs.
type lockedLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// says is a handler that answers with text.
func says(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, text) })
}

// over runs a test once for each protocol.
func over(t *testing.T, test func(t *testing.T, protocol string)) {
	for _, protocol := range protocols {
		t.Run(protocol, func(t *testing.T) { test(t, protocol) })
	}
}

func hasSampleType(t *testing.T, data []byte, name string) bool {
	t.Helper()
	p, err := pprof.ParseData(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range p.SampleType {
		if kind.Type == name {
			return true
		}
	}
	return false
}

// logged is what the server has logged, once that has the text, or some time has passed: net/http logs a
// panic after the client may have seen the end of it.
func (s *site) logged(text string) string {
	for range 1000 {
		if said := s.log.String(); strings.Contains(said, text) {
			return said
		}
		time.Sleep(time.Millisecond)
	}
	return s.log.String()
}
