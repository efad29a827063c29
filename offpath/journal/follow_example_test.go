package journal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/heeler-go/heeler/offpath/journal"
)

func ExampleFollower() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	f := &journal.Follower{
		Match:  []string{"SHOP_ALERT=1", "_SYSTEMD_UNIT=shop.service"},
		Cursor: "/var/lib/shop/alerts.cursor",
		Handle: func(ctx context.Context, r journal.Record) error {
			_, err := fmt.Println(r.Time.Format("15:04:05"), r.Unit(), r.Message())
			return err // not nil: it comes again
		},
	}
	if err := f.Run(ctx); !errors.Is(err, context.Canceled) {
		fmt.Println(err)
	}
}

func ExampleTrusted() {
	fmt.Println(journal.Trusted([]string{"SHOP_ALERT=1"})) // any process can send that
	fmt.Println(journal.Trusted([]string{"SHOP_ALERT=1", "_SYSTEMD_UNIT=shop.service"}))
	fmt.Println(journal.Trusted([]string{"SHOP_ALERT=1", "_SYSTEMD_UNIT=shop.service", "+", "SHOP_ALERT=2"}))
	// Output:
	// false
	// true
	// false
}
