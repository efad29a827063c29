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
		"within 1s of the limit: /search took 3.50 s": func(s *sighting) {
			late := refused("/search")
			late.took = 3500 * time.Millisecond
			s.phases[during].withSQL = heap(late)
		},
		"pages without SQL are unharmed: 1 of 2 were answered 200": func(s *sighting) {
			s.phases[during].withoutSQL = heap(ok("/"), refused("/"))
		},
		"pages without SQL are unharmed: 1 of 1 were answered 200, p99 was 1.50 s": func(s *sighting) {
			slow := ok("/")
			slow.took = 1500 * time.Millisecond
			s.phases[during].withoutSQL = heap(slow)
		},
		"where the search hangs, from before its deadline: there is no report": func(s *sighting) { s.reports = nil },
		"where the search hangs, from before its deadline: none of 1 reports does": func(s *sighting) {
			s.reports[0].Elapsed = s.reports[0].Deadline
		},
		"somebody was alerted: no alert was delivered": func(s *sighting) { s.alerts.Delivered = 0 },
		"after, every page is answered 200 again, with no restart: /search was answered 503": func(s *sighting) {
			s.phases[after].withSQL = heap(refused("/search"))
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

func ok(path string) answer { return answer{path: path, status: 200, took: time.Millisecond} }

func refused(path string) answer {
	return answer{path: path, status: 503, retryAfter: "2", took: tourLimit}
}

func heap(answers ...answer) tally {
	var t tally
	t.add(answers)
	return t
}

func goodTour() sighting {
	well := phase{withSQL: heap(ok("/search")), withoutSQL: heap(ok("/"), ok("/cart"))}
	return sighting{
		phases: [3]phase{
			before: well,
			during: {withSQL: heap(refused("/search")), withoutSQL: heap(ok("/"))},
			after:  well,
		},
		reports: []slowlog.Report{{
			Request:  alert.Request{Method: "GET", URI: "/search"},
			Elapsed:  800 * time.Millisecond,
			Deadline: time.Second,
			Stacks:   []alert.Stack{{Count: 1, Frames: []alert.Frame{{Func: "main.(*shop).search"}}}},
		}},
		alerts: alert.Stats{Tally: alert.Tally{Delivered: 1}},
	}
}
