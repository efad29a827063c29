package result_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/quick"
	"time"

	"github.com/heeler-go/heeler/profile/internal/result"
)

// anything is a result with random values in all of its fields.
func anything(r *rand.Rand) *result.Result {
	res := new(result.Result)
	fields := reflect.ValueOf(res).Elem()
	for i := range fields.NumField() {
		f := fields.Field(i)
		if f.Type() == reflect.TypeFor[time.Time]() {
			f.Set(reflect.ValueOf(time.Unix(r.Int63n(1<<35), r.Int63n(1e9)).UTC()))
			continue
		}
		v, ok := quick.Value(f.Type(), r)
		if !ok {
			panic("no value for " + f.Type().String())
		}
		f.Set(v)
	}
	return res
}

// crowd has n empty values in each of its lists, which is what makes the smallest JSON.
func crowd(n int) *result.Result {
	return &result.Result{
		Runs: make([]result.Run, n), Shares: make([]result.Share, n), Pauses: make([]result.Pause, n),
		Timeline: result.Timeline{Rows: []result.Row{{Bars: make([]result.Bar, n), Calls: make([]result.CallBar, n)}}},
		Backends: []result.Backend{{Statements: make([]result.Statement, n*10)}},
	}
}

func encoded(t testing.TB, r *result.Result) []byte {
	t.Helper()
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestWhatIsEncodedIsDecoded(t *testing.T) {
	for seed := range int64(40) {
		want := anything(rand.New(rand.NewSource(seed)))
		data := encoded(t, want)
		got, err := result.Decode(data)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d:\n%+v\nbecame\n%+v", seed, want, got)
		}
		if !bytes.Equal(data, encoded(t, got)) {
			t.Fatalf("seed %d: equal results became different archives", seed)
		}
	}
}

func TestWhatIsNotThereStaysAway(t *testing.T) {
	for name, want := range map[string]*result.Result{
		"nothing":           {},
		"a pending one":     {ID: "4f1d", State: result.Waits, Turn: "GET /repo for alice"},
		"empty parts":       {Profile: []byte{}, Trace: []byte{}, Response: &result.Response{Body: []byte{}}},
		"an empty response": {Response: &result.Response{Status: 204}},
		"braces":            {Sentence: strings.Repeat(`{"{\"\{{`, 1000)},
		"many of each":      crowd(1000),
		"large parts": {
			Sentence: strings.Repeat("long ", 1e5), Profile: make([]byte, 1e6), Trace: make([]byte, 1e6),
			Response: &result.Response{Body: bytes.Repeat([]byte("<br>"), 1e6)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := result.Decode(encoded(t, want)); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("it became %.1000v, %v", got, err)
			}
		})
	}
}

func TestEncodeRefusesWhatDecodeWould(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 128 MiB")
	}
	large := make([]byte, 128<<20+1)
	for want, r := range map[string]*result.Result{
		"result: profile.pb.gz has 134217729 bytes; at most 134217728 are accepted": {Profile: large},
		"result: run.trace has 134217729 bytes; at most 134217728 are accepted":     {Trace: large},
		"result: response has 134217729 bytes; at most 134217728 are accepted":      {Response: &result.Response{Body: large}},
		"result: result.json has 83":                                {Sentence: strings.Repeat("x", 8<<20)},
		"result: result.json has 70 objects or as many elements in": {Response: &result.Response{Header: map[string][]string{"A": slices.Repeat([]string{"b"}, 200)}}},
		"result: cannot be written as JSON":                         {Asked: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		if data, err := r.Encode(); data != nil || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Encode says %v, want %s", err, want)
		}
	}
	r := &result.Result{Trace: large[1:]}
	if got, err := result.Decode(encoded(t, r)); err != nil || len(got.Trace) != 128<<20 {
		t.Errorf("the largest trace cannot be read back: %v", err)
	}
}

// traced is an execution trace of at least so many bytes, of an HTTP server with 50 clients.
func traced(t testing.TB, size int) []byte {
	t.Helper()
	var lock sync.Mutex
	hits := make(map[string]int)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		done := make(chan string)
		go func() {
			time.Sleep(100 * time.Microsecond)
			done <- r.URL.Path
		}()
		path := <-done
		lock.Lock()
		hits[path]++
		text, _ := json.Marshal(hits)
		lock.Unlock()
		_, _ = w.Write(text)
	}))
	defer server.Close()
	client := server.Client()
	client.Transport.(*http.Transport).MaxIdleConnsPerHost = 50
	var out safeBuffer
	if err := trace.Start(&out); err != nil {
		t.Skipf("the tracer is taken: %v", err)
	}
	var wg sync.WaitGroup
	for c := range 50 {
		wg.Go(func() {
			for i := 0; out.Len() < size; i++ {
				res, err := client.Get(fmt.Sprintf("%s/%d/%d", server.URL, c, i%3))
				if err != nil {
					t.Error(err)
					return
				}
				res.Body.Close()
			}
		})
	}
	wg.Wait()
	trace.Stop()
	return out.Bytes()
}

// A safeBuffer is one that may be asked for its length while it is written to.
type safeBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func (b *safeBuffer) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Len()
}

func BenchmarkEncode(b *testing.B) {
	for name, r := range map[string]*result.Result{
		"5 MB trace": {State: result.Done, Trace: traced(b, 5e6)},
		"pending":    {ID: "4f1d", State: result.Runs, URI: "/repo?page=2"},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var data []byte
			for b.Loop() {
				data = encoded(b, r)
			}
			b.ReportMetric(float64(len(data)), "bytes")
			if len(r.Trace) > 0 {
				b.ReportMetric(100*float64(len(data))/float64(len(r.Trace)), "%left")
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	data := encoded(b, &result.Result{State: result.Done, Trace: traced(b, 5e6)})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := result.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
