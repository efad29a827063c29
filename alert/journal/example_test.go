package journal_test

import (
	"context"

	"github.com/heeler-go/heeler/alert"
	alertjournal "github.com/heeler-go/heeler/alert/journal"
	"github.com/heeler-go/heeler/offpath/journal"
	"github.com/heeler-go/heeler/slowlog"
)

// Reports of slow requests go to the journal, from where heeler follow takes them further.
func Example() {
	alerts := &alert.Queue{Sinks: []alert.Sink{
		&alertjournal.Sink{Sender: &journal.Sender{Identifier: "shop"}},
	}}
	defer alerts.Close(context.Background())
	slow := &slowlog.Watch{Alert: alerts}
	_ = slow.Wrap // around the program's handler
}
