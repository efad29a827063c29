package outage_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/internal/servers"
)

// An outage is a way for a server to be gone, and to come back.
type outage struct {
	name        string
	begin, over func(*servers.Server)
}

var outages = []outage{
	{"stopped", (*servers.Server).Stop, (*servers.Server).Start},
	{"killed", (*servers.Server).Kill, (*servers.Server).Start},
	{"hung", (*servers.Server).Hang, (*servers.Server).Resume},
	{"hung and restarted", (*servers.Server).Hang, func(s *servers.Server) { s.Kill(); s.Start() }},
}

func TestOneBackendIsGoneAndNothingElse(t *testing.T) {
	backends := []backend{mariaDB(t), postgreSQL(t), redisServer(t), openLDAP(t), memcached(t)}
	site := open(t, app(backends))
	for i, b := range backends {
		others := []string{"about"}
		for _, other := range slices.Delete(slices.Clone(backends), i, i+1) {
			others = append(others, other.name)
		}
		for _, o := range outages {
			t.Run(b.name+" "+o.name, func(t *testing.T) {
				defer site.visit(t, others)()
				site.lives(t, b, o)
			})
		}
	}
}

// A site is the app behind a real listener, with a look at how long its handlers take.
type site struct {
	*httptest.Server
	took sync.Map // by the latest request to each page, a time.Duration
}

func open(t *testing.T, app http.Handler) *site {
	s := new(site)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		app.ServeHTTP(w, r)
		s.took.Store(r.URL.Path[1:], time.Since(start))
	}))
	s.Client().Transport.(*http.Transport).MaxIdleConnsPerHost = 50
	t.Cleanup(s.Close)
	return s
}

func (s *site) latest(page string) time.Duration {
	took, _ := s.took.Load(page)
	return took.(time.Duration)
}

// get returns the status, the Retry-After, and the body.
func (s *site) get(t *testing.T, page string) (status, after int, body string) {
	t.Helper()
	resp, err := s.Client().Get(s.URL + "/" + page)
	if err != nil {
		t.Error(err)
		return 0, 0, ""
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Error(err)
	}
	after, _ = strconv.Atoi(resp.Header.Get("Retry-After"))
	return resp.StatusCode, after, string(text)
}

// lives goes through an outage.
func (s *site) lives(t *testing.T, b backend, o outage) {
	s.crowd(t, b.name) // connections for a pool to keep
	o.begin(b.server)

	first := true
	for b.guard.State() != breaker.Open {
		status, after, body := s.get(t, b.name)
		if status == http.StatusServiceUnavailable && after < 1 || status != http.StatusServiceUnavailable {
			t.Fatalf("status %d, Retry-After %d: %s", status, after, body)
		}
		if took := s.latest(b.name); took > patience+grace {
			t.Errorf("%v until a refusal, want at most the timeout of %v", took, patience)
		} else if first {
			t.Logf("the first refusal took %v", took.Round(100*time.Microsecond))
		}
		first = false
	}
	s.refusesQuickly(t, b)

	o.over(b.server)
	back := time.Now()
	limit := b.guard.RetryAfter() + patience // the open time that is left, and one probe
	for {
		status, after, body := s.get(t, b.name)
		if status == http.StatusOK {
			break
		}
		if status != http.StatusServiceUnavailable || after < 1 {
			t.Fatalf("status %d, Retry-After %d: %s", status, after, body)
		}
		if time.Since(back) > 10*time.Second {
			t.Fatalf("still refused; %+v", b.guard.Stats())
		}
		time.Sleep(2 * time.Millisecond)
	}
	if took := time.Since(back); took > limit+grace {
		t.Errorf("the first good answer came after %v, want at most %v", took, limit)
	} else {
		t.Logf("the first good answer came after %v, of at most %v", took.Round(time.Millisecond), limit.Round(time.Millisecond))
	}
	s.crowd(t, b.name)
}

// grace is what a busy machine may add.
const grace = time.Second

// refusesQuickly checks the pages that are refused by an open breaker.
func (s *site) refusesQuickly(t *testing.T, b backend) {
	var took []time.Duration
	for b.guard.State() == breaker.Open && len(took) < 200 {
		status, after, body := s.get(t, b.name)
		if b.guard.State() != breaker.Open {
			break // it may have been the probe
		}
		if status != http.StatusServiceUnavailable || after < 1 {
			t.Fatalf("status %d, Retry-After %d: %s", status, after, body)
		}
		took = append(took, s.latest(b.name))
	}
	if len(took) == 0 {
		t.Fatal("the breaker was not seen open")
	}
	slices.Sort(took)
	median := took[len(took)/2]
	t.Logf("open, a refusal took %v, of %d the median", median, len(took))
	if median > time.Millisecond {
		t.Errorf("open, a refusal took %v, want less than 1ms", median)
	}
}

// crowd visits a page twenty times at once: all must be served.
func (s *site) crowd(t *testing.T, page string) {
	t.Helper()
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			if status, _, body := s.get(t, page); status != http.StatusOK {
				t.Errorf("%s: status %d: %s", page, status, body)
			}
		})
	}
	all.Wait()
}

// visit visits pages that nothing keeps from working, one after another, until it is told to stop. Each
// visit must be served.
func (s *site) visit(t *testing.T, pages []string) (stop func()) {
	quit, done := make(chan struct{}), make(chan string)
	go func() {
		served, longest := 0, time.Duration(0)
		defer func() {
			done <- fmt.Sprintf("%d visits to other pages were served, the longest took %v", served, longest)
		}()
		for ; ; served++ {
			select {
			case <-quit:
				return
			case <-time.After(time.Millisecond):
			}
			start, page := time.Now(), pages[served%len(pages)]
			if status, _, body := s.get(t, page); status != http.StatusOK {
				t.Errorf("%s: status %d: %s", page, status, body)
			}
			longest = max(longest, time.Since(start))
		}
	}()
	return func() {
		close(quit)
		t.Log(<-done)
	}
}
