package profile_test

import (
	"bytes"
	"net/http"
	"runtime"
	"testing"

	"github.com/heeler-go/heeler/profile"
)

// Of many runs the last one's answer is kept, so those of the others are not to take memory until then.
func TestOfManyRunsOneAnswerIsInMemory(t *testing.T) {
	const runs, size = 30, 4 << 20
	body := bytes.Repeat([]byte("x"), size)
	var served int
	var early, late runtime.MemStats
	s := newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served++
		switch served {
		case 3:
			runtime.GC()
			runtime.ReadMemStats(&early)
		case runs:
			runtime.GC()
			runtime.ReadMemStats(&late)
		}
		w.Write(body)
	}))
	res := s.result(s.get("alice", "/?__profile__=response,n=30"))
	if grown := int64(late.HeapAlloc) - int64(early.HeapAlloc); served != runs || grown > 8*size {
		t.Errorf("in %d runs the heap has grown by %d MiB, want less than %d", served, grown>>20, 8*size>>20)
	}
	if res.Response == nil || len(res.Response.Body) != size || res.Response.Cut {
		t.Errorf("the answer is not the last run's: %+v", res.Problems)
	}
}
