package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

// seen is what the guards have to tell, as the page shows it.
type seen struct {
	InFlight []inFlight
	Reports  []report      // the newest first
	Breakers []breakerSeen // in the order of the switches
	Slow     slowlog.Stats
	Shed     backoff.Stats
	Box      timebox.Stats
}

// A breakerSeen is a backend's breaker.
type breakerSeen struct {
	ID string // the backend's
	breaker.Stats
}

// Says tells what its state means to who calls.
func (b breakerSeen) Says() string {
	switch {
	case b.State == breaker.Closed:
		return "calls go through"
	case b.State == breaker.HalfOpen:
		return "the next call tries it"
	}
	return "calls are refused, for " + seconds(b.RetryAfter)
}

// An inFlight is a request that runs now.
type inFlight struct{ Request, Elapsed string }

// A report is what slowlog wrote on a request that was slow.
type report struct {
	ID, Request, Outcome string
	Where                string   // what it was doing
	Asked                []string // what it had asked of each backend, or was just asking
	Lines                []line
}

// A line is one of a report's text. Own ones are the shop's code.
type line struct {
	Text string
	Own  bool
}

// seen asks the guards. It leaves out the requests for the page that shows it.
func (s *shop) seen() seen {
	const shown = 12
	now := seen{Slow: s.slow.Stats(), Shed: s.shed.Stats(), Box: s.box.Stats()}
	for _, b := range s.switches {
		now.Breakers = append(now.Breakers, breakerSeen{b.ID, b.Breaker.Stats()})
	}
	for _, r := range s.slow.InFlight() {
		if !strings.HasPrefix(r.URI, "/break") {
			now.InFlight = append(now.InFlight, inFlight{r.Method + " " + r.URI, seconds(r.Elapsed)})
		}
	}
	reports := s.slow.Recent()
	for _, r := range reports[:min(len(reports), shown)] {
		outcome := "is still running"
		if r.End != nil {
			outcome = fmt.Sprintf("%s, %d after %s", r.End.Outcome, r.End.Status, seconds(r.End.Duration))
		}
		var asked []string
		for _, b := range r.Backends {
			asked = append(asked, b.Sentences()[0])
		}
		now.Reports = append(now.Reports, report{
			ID:      fmt.Sprintf("%s-%d", r.ID, r.Capture),
			Request: r.Method + " " + r.URI,
			Outcome: outcome,
			Where:   r.Where(),
			Asked:   asked,
			Lines:   linesOf(r.Text()),
		})
	}
	return now
}

func linesOf(text string) []line {
	var all []line
	for l := range strings.Lines(text) {
		all = append(all, line{strings.TrimSuffix(l, "\n"), strings.HasPrefix(l, "\t> ")})
	}
	return all
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }
