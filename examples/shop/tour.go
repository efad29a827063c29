package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/slowlog"
)

// The tour's measures.
const (
	tourLimit    = 2 * time.Second              // for each request to the shop
	tourPatience = tourLimit / 4                // the Timeout that newBreaker gives
	tourRecovery = tourLimit*6/5 + tourPatience // the longest that a backend goes unnoticed that is back: OpenMax, what is added at random, and a probe
	tourMargin   = time.Second                  // by which an answer may be late, on a busy machine
	tourDelay    = 15 * time.Millisecond        // that makes MySQL slow
	tourPause    = 30 * time.Millisecond        // that a shopper takes from one page to the next
	tourShoppers = 4                            // on pages with SQL, and as many on pages without
)

// tour shows what the shop is there to show: it puts load on the shop, hangs MySQL, restores it,
// and tells what the visitors and the guards saw. It fails when something that should hold does
// not.
func tour(ctx context.Context, cfg config, out io.Writer) error {
	cfg.Addr, cfg.Limit = "127.0.0.1:0", tourLimit
	story := &story{out: out}
	told := audience{sinks(cfg, io.Discard), func(c breaker.Change) { story.tell(changeText(c)) }}
	return open(ctx, cfg, told, func(ctx context.Context, s *shop, url string) error {
		fmt.Fprintf(out, "A bookshop on MySQL, Redis and a web service. A request may take %v, a call to one of them %v.\n", tourLimit, tourPatience)
		fmt.Fprintf(out, "%d shoppers use pages that need MySQL, %d others pages that do not.\n\n", tourShoppers, tourShoppers)
		seen, err := drive(ctx, s, url, story)
		if err != nil {
			return fmt.Errorf("the tour was not finished: %w", err)
		}
		fmt.Fprintln(out)
		seen.print(out)
		return judge(seen, out)
	})
}

// A story is what happens in the course of the tour, line by line.
type story struct {
	out io.Writer

	mu    sync.Mutex
	start time.Time // zero before it has begun and when it is over
}

func (s *story) begin() { s.set(time.Now()) }
func (s *story) end()   { s.set(time.Time{}) }

func (s *story) set(start time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.start = start
}

func (s *story) tell(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.start.IsZero() {
		fmt.Fprintf(s.out, "%6.1f s  %s\n", time.Since(s.start).Seconds(), what)
	}
}

// A sighting is all that the tour has seen.
type sighting struct {
	authors tally            // the page that asks MySQL for one thing after the other
	profile string           // the same page, profiled
	phases  [3]phase         // before, during, after
	reports []slowlog.Report // the newest first
	alerts  alert.Stats
}

const (
	before = iota
	during
	after
)

// drive goes through the phases.
func drive(ctx context.Context, s *shop, url string, story *story) (sighting, error) {
	var seen sighting
	crowd, err := gather(ctx, url)
	if err != nil {
		return seen, err
	}
	defer crowd.leave()

	story.begin()
	defer story.end()

	story.tell(fmt.Sprintf("MySQL is slow by %v, and somebody asks for all authors", tourDelay))
	if err := crowd.turn(ctx, "mysql", slowBy(tourDelay)); err != nil {
		return seen, err
	}
	seen.authors.add([]answer{crowd.withSQL[0].get(ctx, authors)})

	story.tell("the admin has that page profiled")
	if seen.profile, err = profiled(ctx, s, url); err != nil {
		return seen, err
	}

	for i, step := range []struct {
		what   string
		fault  trouble
		length time.Duration
	}{
		before: {"load on a healthy shop", normal, 3 * time.Second},
		during: {"MySQL hangs, and load goes on", hang, 6 * time.Second},
		after:  {"MySQL is restored, and load goes on", normal, 5 * time.Second},
	} {
		story.tell(step.what)
		start := time.Now()
		if err := crowd.turn(ctx, "mysql", step.fault); err != nil {
			return seen, err
		}
		seen.phases[i] = crowd.load(ctx, start, step.length)
	}
	story.tell("done")

	seen.reports = s.slow.Recent()
	seen.alerts = s.alerts.Stats()
	return seen, ctx.Err()
}

// profiled is what the shop's admin is told who has the page of all authors profiled.
func profiled(ctx context.Context, s *shop, url string) (string, error) {
	admin := newShopper(url, nil)
	defer admin.client.CloseIdleConnections()
	if _, _, err := admin.do(ctx, http.MethodGet, "/admin/"+s.adminKey, nil); err != nil {
		return "", err
	}
	text, resp, err := admin.do(ctx, http.MethodGet, authors.path+"?"+profile.DefaultParam+"=inline", nil)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("profiling %s: %s: %s", authors.path, resp.Status, text)
	}
	return text, err
}
