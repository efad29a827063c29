//go:build !linux

package journal_test

import (
	"errors"
	"testing"

	"github.com/heeler-go/heeler/offpath/journal"
)

func TestElsewhereThanOnLinuxThereIsNoJournal(t *testing.T) {
	var s journal.Sender
	if err := s.Send(journal.Entry{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("the error is %v", err)
	}
	if stats := s.Stats(); stats != (journal.Stats{Dropped: 1}) {
		t.Errorf("counted %+v", stats)
	}
}
