package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/examples/shop/relay"
	"github.com/heeler-go/heeler/slowlog"
)

// The tour's measures. A phase is over when its time or its requests are used up, whichever comes
// first.
const (
	tourLimit    = 2 * time.Second         // for each request to the shop
	tourMargin   = time.Second             // by which an answer at the limit may be late, on a busy machine
	tourPhase    = 4500 * time.Millisecond // of load
	tourPause    = 30 * time.Millisecond   // that a shopper takes from one page to the next
	tourRequests = 100                     // of each shopper, in each phase
	tourShoppers = 4                       // on pages with SQL, and as many on pages without
)

// tour shows what the shop is there to show: it puts load on the shop, hangs MySQL, restores it,
// and tells what the visitors and the guards saw. It fails when something that should hold does
// not.
func tour(ctx context.Context, cfg config, out io.Writer) error {
	cfg.Addr, cfg.Limit = "127.0.0.1:0", tourLimit
	return open(ctx, cfg, sinks(cfg, io.Discard), func(ctx context.Context, s *shop, url string) error {
		fmt.Fprintf(out, "A bookshop on MySQL, Redis and a web service. A request may take %v.\n", tourLimit)
		fmt.Fprintf(out, "%d shoppers use pages that need MySQL, %d others pages that do not.\n\n", tourShoppers, tourShoppers)
		seen, err := drive(ctx, s, url, out)
		if err != nil {
			return fmt.Errorf("the tour was not finished: %w", err)
		}
		seen.print(out)
		return judge(seen, out)
	})
}

// A sighting is all that the tour has seen.
type sighting struct {
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
func drive(ctx context.Context, s *shop, url string, out io.Writer) (sighting, error) {
	var seen sighting
	crowd, err := gather(ctx, url)
	if err != nil {
		return seen, err
	}
	defer crowd.leave()

	start := time.Now()
	for i, step := range []struct {
		what  string
		fault relay.Kind
	}{
		before: {"load on a healthy shop", relay.Normal},
		during: {"MySQL hangs, and load goes on", relay.Hang},
		after:  {"MySQL is restored, and load goes on", relay.Normal},
	} {
		fmt.Fprintf(out, "%6.1f s  %s\n", time.Since(start).Seconds(), step.what)
		if err := crowd.turn(ctx, "mysql", relay.Fault{Kind: step.fault}); err != nil {
			return seen, err
		}
		seen.phases[i] = crowd.load(ctx)
	}
	fmt.Fprintf(out, "%6.1f s  done\n\n", time.Since(start).Seconds())

	seen.reports = s.slow.Recent()
	seen.alerts = s.alerts.Stats()
	return seen, ctx.Err()
}
