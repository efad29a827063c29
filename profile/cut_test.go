package profile_test

import (
	"context"
	"net/http"
	"runtime/trace"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// Reading takes up to thirty times its size in memory, and others are served meanwhile.
func TestATraceIsEndedWhileItCanBeReadInSeconds(t *testing.T) {
	said := strings.Repeat("x", 1<<10)
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for i := range 64 << 10 { // 64 MiB
			if trace.Log(context.Background(), "test", said); i%256 == 0 {
				time.Sleep(2 * time.Millisecond) // to stop the tracer takes some
			}
		}
	}))
	res := s.result(s.get("alice", "/?__profile__"))
	if told := strings.Join(res.Problems, " "); res.State != result.Done || !strings.Contains(told, "too large") {
		t.Errorf("%s %q", res.State, told)
	}
	if n := len(res.Trace); n < 16<<20 || n > 48<<20 {
		t.Errorf("the trace has %d MiB", n>>20)
	}
}
