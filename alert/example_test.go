package alert_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/heeler-go/heeler/alert"
)

func Example() {
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime}))
	dir, _ := os.MkdirTemp("", "slow")
	defer os.RemoveAll(dir)

	alerts := &alert.Queue{Sinks: []alert.Sink{
		alert.Log{Logger: logger},
		alert.Dir{Path: dir, Prefix: "slow"},
	}}
	alerts.Offer(alert.Alert{Title: "GET /repo is slow", Text: "23 s into GET /repo"})

	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := alerts.Close(ctx); err != nil {
		fmt.Println(err)
	}
	fmt.Println(alerts.Stats().Delivered, "delivered")
	// Output:
	// level=WARN msg="GET /repo is slow"
	// 2 delivered
}

// A pager is a sink of one's own.
type pager struct{}

func (pager) Send(ctx context.Context, a alert.Alert) error {
	fmt.Println("beep:", a.Headline())
	return nil
}

func ExampleSink() {
	alerts := &alert.Queue{Sinks: []alert.Sink{pager{}}}
	alerts.Offer(alert.Alert{Title: "mysql hangs"})
	alerts.Close(context.Background())
	// Output: beep: mysql hangs
}

// A sink says that a failure will pass, and the queue tries again.
func ExampleLaterError() {
	busy := errors.New("the server is busy")
	err := error(&alert.LaterError{Err: busy, After: 30 * time.Second})
	fmt.Println(err, errors.Is(err, busy))
	// Output: the server is busy true
}
