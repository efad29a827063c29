package backoff_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/heeler-go/heeler/backoff"
)

// fixed is a base that costs nothing.
type fixed struct{ resp *http.Response }

func (f fixed) RoundTrip(*http.Request) (*http.Response, error) { return f.resp, nil }

// fine are transports that nobody has asked for anything, or other hosts only.
func fine(tb testing.TB) map[string]*backoff.Transport {
	tb.Helper()
	busy := &backoff.Transport{Base: scripted(says(503, "Retry-After", "3600"))}
	for _, host := range []string{"a", "b", "c"} {
		req, _ := http.NewRequest("GET", "http://"+host+".example.com/", nil)
		busy.RoundTrip(req)
	}
	all := map[string]*backoff.Transport{
		"zero":                  {},
		"waiting, retrying":     {Wait: time.Minute, Retries: 3},
		"others are left alone": busy,
	}
	for _, transport := range all {
		transport.Base = fixed{&http.Response{StatusCode: 200, Header: http.Header{
			"Content-Type": {"text/plain"}, "Content-Length": {"5"}, "Date": {"Sat, 01 Jan 2000 00:00:00 GMT"}}}}
	}
	return all
}

func TestARequestThatNothingHoldsUpCostsNoAllocation(t *testing.T) {
	req, _ := http.NewRequest("GET", site, nil)
	for name, transport := range fine(t) {
		if n := testing.AllocsPerRun(100, func() { transport.RoundTrip(req) }); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkTransport(b *testing.B) {
	req, _ := http.NewRequest("GET", site, nil)
	for name, transport := range fine(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				transport.RoundTrip(req)
			}
		})
	}
	b.Run("refused", func(b *testing.B) {
		transport := &backoff.Transport{Base: scripted(says(503, "Retry-After", "3600"))}
		transport.RoundTrip(req)
		b.ReportAllocs()
		for b.Loop() {
			transport.RoundTrip(req)
		}
	})
}

// BenchmarkRoundTrip compares a real round trip with and without. The ratio is what counts.
func BenchmarkRoundTrip(b *testing.B) {
	url, _, transport := served(b, false, func(http.ResponseWriter, *http.Request) {})
	req, _ := http.NewRequest("GET", url, nil)
	for _, c := range []struct {
		name string
		rt   http.RoundTripper
	}{{"base", transport.Base}, {"backoff", transport}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				resp, err := c.rt.RoundTrip(req)
				if err != nil {
					b.Fatal(err)
				}
				resp.Body.Close()
			}
		})
	}
}
