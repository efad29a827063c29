package journal_test

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/heeler-go/heeler/offpath/journal"
)

// A program logs to the journal and says at its end how many entries the journal did not take.
func ExampleHandler() {
	sender := &journal.Sender{Identifier: "shop"}
	logger := slog.New(&journal.Handler{Sender: sender, Prefix: "SHOP_"})

	logger.Info("order placed", "order", 17) // found with: journalctl -t shop SHOP_ORDER=17

	if dropped := sender.Stats().Dropped; dropped > 0 {
		fmt.Println("entries dropped:", dropped)
	}
}

// An entry with a field of its own is found by that field, whatever others write into their messages.
func ExampleSender_Send() {
	var sender journal.Sender
	err := sender.Send(journal.Entry{
		Message:  "payment refused\nby the bank",
		Priority: journal.Warning,
		Fields:   []journal.Field{{Name: "SHOP_ALERT", Value: "1"}},
	})
	if errors.Is(err, journal.ErrFull) || errors.Is(err, journal.ErrAbsent) {
		fmt.Println("dropped:", err)
	}
}

func ExampleEntry_Validate() {
	forged := journal.Entry{Fields: []journal.Field{{Name: "K=1\nMESSAGE", Value: "all is well"}}}
	fmt.Println(forged.Validate())
	// Output:
	// journal: field "K=1\nMESSAGE": a name has 1 to 64 of A to Z, 0 to 9 and _, and begins with a letter
}

func ExampleFieldName() {
	fmt.Println(journal.FieldName("LOG_", "http.user-id"))
	// Output:
	// LOG_HTTP_USER_ID
}
