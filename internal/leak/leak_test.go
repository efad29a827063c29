package leak_test

import (
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/leak"
)

func lingers(quit <-chan struct{}) { <-quit }

func TestAGoroutineThatIsLeftIsFound(t *testing.T) {
	const name = "leak_test.lingers"
	quit := make(chan struct{})
	go lingers(quit)
	if found := leak.Goroutines(name, 0); len(found) != 1 {
		t.Errorf("found %q", found)
	}
	close(quit)
	if found := leak.Goroutines(name, time.Minute); len(found) != 0 {
		t.Errorf("found %q after they had ended", found)
	}
}
