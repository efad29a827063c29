package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
)

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
