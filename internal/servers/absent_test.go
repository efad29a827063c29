package servers_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/internal/servers"
)

// recorder is a test that only notes how it ended.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Skipf(format string, args ...any) {
	r.skipped = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.failed = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// outcome runs a test of its own and gives the message with which it was skipped or failed.
func outcome(t *testing.T, test func(testing.TB)) (skipped, failed string) {
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		test(r)
	}()
	<-done
	return r.skipped, r.failed
}

func TestAMissingServerSkipsTheTestButFailsItInCI(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere no server is looked for")
	}
	missing := func(t testing.TB) { servers.Program(t, "some-package", "no-such-server") }
	for _, story := range []struct{ ci, skipped, failed string }{
		{ci: "", skipped: "install Debian's package some-package"},
		{ci: "true", failed: "install Debian's package some-package (with CI=true that is a failure)"},
	} {
		t.Setenv("CI", story.ci)
		skipped, failed := outcome(t, missing)
		if !strings.HasSuffix(skipped, story.skipped) || !strings.HasSuffix(failed, story.failed) ||
			(skipped == "") != (story.skipped == "") || (failed == "") != (story.failed == "") {
			t.Errorf("with CI=%q skipped: %q, failed: %q", story.ci, skipped, failed)
		}
	}
}
