package spool_test

import (
	"os"
	"testing"

	"github.com/heeler-go/heeler/internal/leak"
)

// TestMain is also the main of the processes that tests start and kill.
func TestMain(m *testing.M) {
	if part, ok := children()[os.Getenv("SPOOL_CHILD")]; ok {
		part(os.Getenv("SPOOL_PATH"))
		return
	}
	leak.Main(m)
}

func children() map[string]func(path string) {
	return map[string]func(string){"works": works, "fills": fillsTheDisk}
}
