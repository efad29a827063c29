package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/breaker"
)

func TestAChangeOfABreakerIsALine(t *testing.T) {
	at := time.Date(2026, 11, 20, 17, 4, 5, 0, time.Local)
	for want, c := range map[string]breaker.Change{
		"17:04:05  the breaker of mysql is open for 1.1 s: failures\n": {Name: "mysql", To: breaker.Open, At: at, For: 1100 * time.Millisecond, Reason: "failures"},
		"17:04:05  the breaker of mysql is half-open\n":                {Name: "mysql", To: breaker.HalfOpen, At: at},
		"17:04:05  the breaker of mysql is closed: probe succeeded\n":  {Name: "mysql", To: breaker.Closed, At: at, Reason: "probe succeeded"},
	} {
		var out strings.Builder
		changes(&out)(c)
		if out.String() != want {
			t.Errorf("the line is %swant %s", &out, want)
		}
	}
}

func TestAnAlertIsALineAndWhereAskedForAFile(t *testing.T) {
	var out strings.Builder
	dir := t.TempDir()
	queue := alert.Queue{Sinks: sinks(config{Reports: dir}, &out)}
	at := time.Date(2026, 11, 20, 17, 4, 5, 0, time.Local)
	queue.Offer(alert.Alert{Time: at, Title: "slow: GET /search", Text: "the whole report"})
	queue.Offer(alert.Alert{Time: at, Title: "slow: GET /cart", Text: "the whole report", Count: 7})
	if err := queue.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := "17:04:05  slow: GET /search\n17:04:05  slow: GET /cart (7 alike)\n"; out.String() != want {
		t.Errorf("the lines are\n%swant\n%s", out.String(), want)
	}
	if files, err := os.ReadDir(dir); len(files) != 2 || err != nil {
		t.Errorf("%d files, %v; want one for each alert", len(files), err)
	}
}
