package main

import (
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/slowlog"
)

func TestAGoodTourPasses(t *testing.T) {
	if err := judge(goodTour(), io.Discard); err != nil {
		t.Error(err)
	}
}

func TestATourFailsByTheNameOfWhatDoesNotHold(t *testing.T) {
	for want, spoil := range map[string]func(*sighting){
		"before, every page is answered 200: /search was answered 500": func(s *sighting) {
			s.phases[before].withSQL = heap(ok("/search"), answer{path: "/search", status: 500})
		},
		"before, every page is answered 200: /cart: cut off": func(s *sighting) {
			s.phases[before].withoutSQL = heap(answer{path: "/cart", err: errors.New("cut off")})
		},
		"before, every page is answered 200: there was no request": func(s *sighting) {
			s.phases[before].withSQL = heap()
		},
		"is answered 503 with Retry-After: /search was answered 200": func(s *sighting) {
			s.phases[during].withSQL = heap(refused("/search"), ok("/search"))
		},
		"is answered 503 with Retry-After: /search was answered 503 without Retry-After": func(s *sighting) {
			s.phases[during].withSQL = heap(answer{path: "/search", status: 503})
		},
		"within 1.5s, a call's 500ms and a margin: /search took 1.60 s": func(s *sighting) {
			s.phases[during].withSQL = heap(refusedAfter(1600 * time.Millisecond))
		},
		"the first that comes at once does so within 2s of the hang: there was none": func(s *sighting) {
			s.phases[during].withSQL = heap(refusedAfter(600 * time.Millisecond))
		},
		"the first that comes at once does so within 2s of the hang: it came after 2.10 s": func(s *sighting) {
			late := refused("/search")
			late.at = hung.Add(2100 * time.Millisecond)
			s.phases[during].withSQL = heap(late)
		},
		"most of them come at once: their median was 600.0 ms": func(s *sighting) {
			s.phases[during].withSQL = heap(refused("/search"), refusedAfter(600*time.Millisecond), refusedAfter(600*time.Millisecond))
		},
		"all pages without SQL are served, unharmed: 1 of 2 were answered 200": func(s *sighting) {
			s.phases[during].withoutSQL = heap(ok("/"), refused("/"))
		},
		"all pages without SQL are served, unharmed: 1 of 1 were answered 200, p99 was 1.50 s": func(s *sighting) {
			slow := ok("/")
			slow.took = 1500 * time.Millisecond
			s.phases[during].withoutSQL = heap(slow)
		},
		"and where, from before its deadline: there is no report": func(s *sighting) { s.reports = nil },
		"and where, from before its deadline: none of 2 reports does": func(s *sighting) {
			s.reports[0].Elapsed = s.reports[0].Deadline
		},
		"in which call to MySQL the search hangs, and where, from before its deadline: none of 2 reports does": func(s *sighting) {
			s.reports[0].Backends[0].Running = nil
		},
		"asks MySQL the same over and over: none of 2 reports does": func(s *sighting) {
			s.reports[1].Backends[0].Statements[0].Calls = 1
		},
		"asks MySQL the same over and over: /authors was answered 503": func(s *sighting) {
			s.authors = heap(refused("/authors"))
		},
		`and for what over and over: it does not say "% waiting for mysql"`: func(s *sighting) { s.profile = "18 ms: 98 % CPU" },
		`it does not say "the same statement 30 times"`:                     func(s *sighting) { s.profile = "18 ms: 98 % waiting for mysql" },
		"somebody was alerted: no alert was delivered":                      func(s *sighting) { s.alerts.Delivered = 0 },
		"the first good page with SQL comes within 2.9s: there was none": func(s *sighting) {
			s.phases[after].withSQL = heap(refused("/search"))
		},
		"the first good page with SQL comes within 2.9s: it came after 3.00 s": func(s *sighting) {
			late := ok("/search")
			late.at = hung.Add(3 * time.Second)
			s.phases[after].withSQL = heap(late, late)
		},
		"from then on every page is answered 200 again, with no restart: /search was answered 503": func(s *sighting) {
			again := refused("/search")
			again.at = hung.Add(time.Second)
			s.phases[after].withSQL = heap(ok("/search"), again)
		},
		"from then on every page is answered 200 again, with no restart: /cart was answered 503": func(s *sighting) {
			s.phases[after].withoutSQL = heap(refused("/cart"))
		},
	} {
		seen := goodTour()
		spoil(&seen)
		var out strings.Builder
		err := judge(seen, &out)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(out.String(), "FAILED") {
			t.Errorf("judged %v\nwant %s", err, want)
		}
	}
}

func TestQuantilesOfATally(t *testing.T) {
	var answers []answer
	for i := 100; i > 0; i-- {
		answers = append(answers, answer{took: time.Duration(i) * time.Millisecond})
	}
	all := heap(answers...)
	for part, want := range map[float64]time.Duration{0: 1, 0.5: 51, 0.99: 99, 1: 100} {
		if got := all.quantile(part); got != want*time.Millisecond {
			t.Errorf("the %v quantile is %v, want %v ms", part, got, int(want))
		}
	}
	if none := heap(); none.quantile(0.99) != 0 {
		t.Error("the quantile of nothing is not 0")
	}
}

func TestAPageIsSoughtFromTheFirstGoodOneOn(t *testing.T) {
	early, good, later := refused("/search"), ok("/search"), ok("/search")
	good.at = hung.Add(time.Second)
	later.at, later.took = hung.Add(1100*time.Millisecond), 200*time.Millisecond // asked for before the good one came
	p := phase{start: hung, withSQL: heap(later, good, early)}
	if after, found := p.firstPage(); after != time.Second || !found {
		t.Errorf("the first page came after %v, %v", after, found)
	}
	if after, found := p.firstRefusal(); after != time.Millisecond || !found {
		t.Errorf("the first refusal came after %v, %v", after, found)
	}
	if well := p.recovered(); len(well.withSQL.answers) != 0 {
		t.Errorf("%d pages were asked for since", len(well.withSQL.answers))
	}
}

func TestASharesPercentAreNotRoundedUp(t *testing.T) {
	for share, want := range map[float64]string{1: "100.0 %", 0.9999: "99.9 %", 0: "0.0 %"} {
		if got := percent(share); got != want {
			t.Errorf("percent(%v) is %s, want %s", share, got, want)
		}
	}
}

// hung is when every phase of these tests begins; what follows comes a millisecond later.
var hung = time.Date(2026, 11, 20, 17, 4, 5, 0, time.UTC)

func ok(path string) answer {
	return answer{path: path, status: 200, at: hung.Add(time.Millisecond), took: time.Millisecond}
}

func refused(path string) answer {
	return answer{path: path, status: 503, retryAfter: "2", at: hung.Add(time.Millisecond), took: time.Millisecond}
}

// refusedAfter is the answer of a backend's breaker that waited.
func refusedAfter(took time.Duration) answer {
	return answer{path: "/search", status: 503, retryAfter: "2", at: hung.Add(took), took: took}
}

func heap(answers ...answer) tally {
	var t tally
	t.add(answers)
	return t
}

func goodTour() sighting {
	later := ok("/search")
	later.at = hung.Add(time.Second)
	well := phase{start: hung, withSQL: heap(ok("/search"), later), withoutSQL: heap(ok("/"), ok("/cart"))}
	return sighting{
		authors: heap(ok("/authors")),
		phases: [3]phase{
			before: well,
			during: {start: hung, withSQL: heap(refused("/search")), withoutSQL: heap(ok("/"))},
			after:  well,
		},
		reports: []slowlog.Report{{
			Request:  alert.Request{Method: "GET", URI: "/search"},
			Elapsed:  800 * time.Millisecond,
			Deadline: time.Second,
			Stacks:   []alert.Stack{{Count: 1, Frames: []alert.Frame{{Func: "main.(*shop).search"}}}},
			Backends: []alert.Backend{{Name: "mysql", Calls: 1, Running: []alert.Call{{Elapsed: 800 * time.Millisecond}}}},
		}, {
			Request:  alert.Request{Method: "GET", URI: "/authors"},
			Backends: []alert.Backend{{Name: "mysql", Calls: 20, Statements: []alert.Statement{{Text: "SELECT ?", Calls: 19}}}},
		}},
		profile: "18 ms: 92 % waiting for mysql. mysql: 31 calls, the same statement 30 times.",
		alerts:  alert.Stats{Tally: alert.Tally{Delivered: 1}},
	}
}
