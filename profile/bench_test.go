package profile_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/slowlog"
	"github.com/heeler-go/heeler/timebox"
)

type nothing struct{}

func (nothing) ServeHTTP(http.ResponseWriter, *http.Request) {}

func TestARequestThatIsNotProfiledCostsNoAllocation(t *testing.T) {
	h := (&profile.Profiler{Allow: byHeader}).Wrap(nothing{})
	w := httptest.NewRecorder()
	for _, uri := range []string{"/", "/repo/a/b?page=2&sort=name", "/repo?q=50%25+off%20%5f"} {
		r := httptest.NewRequest("GET", uri, nil)
		if n := testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }); n != 0 {
			t.Errorf("%s: %v allocations", uri, n)
		}
	}
}

// Between slowlog and timebox the request is copied once, as if the profiler were not there.
func TestAmongGuardsARequestThatIsNotProfiledCostsNoAllocation(t *testing.T) {
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/repo?page=2", nil)
	count := func(h http.Handler) float64 { return testing.AllocsPerRun(100, func() { h.ServeHTTP(w, r) }) }
	box := timebox.Wrap(nothing{})
	without := count(slowlog.Wrap(box))
	if with := count(slowlog.Wrap(new(profile.Profiler).Wrap(box))); with > without {
		t.Errorf("%v allocations with the profiler, %v without", with, without)
	}
}

func BenchmarkUnprofiled(b *testing.B) {
	w := httptest.NewRecorder()
	wrapped := (&profile.Profiler{Allow: byHeader}).Wrap(nothing{})
	for _, uri := range []string{"/", "/repo/a/b?page=2&sort=name", "/repo?q=50%25+off"} {
		r := httptest.NewRequest("GET", uri, nil)
		for name, h := range map[string]http.Handler{"bare": nothing{}, "wrapped": wrapped} {
			b.Run(name+" "+uri, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					h.ServeHTTP(w, r)
				}
			})
		}
	}
}

// BenchmarkProfiled is the whole of it: recording, reading, summing up and keeping.
func BenchmarkProfiled(b *testing.B) {
	h := (&profile.Profiler{Allow: byHeader}).Wrap(nothing{})
	for b.Loop() {
		r := httptest.NewRequest("GET", "/repo?__profile__=inline", nil)
		r.Header.Set("X-User", "alice")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
}
