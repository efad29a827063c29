package capture_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	stdpprof "net/http/pprof"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"runtime/trace"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile/capture"
)

// serve serves our handlers at /profile and /trace, and the originals below /original.
func serve(t *testing.T, writeTimeout time.Duration) (url string) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("/profile", capture.Profile)
	mux.HandleFunc("/trace", capture.Trace)
	mux.HandleFunc("/original/profile", stdpprof.Profile)
	mux.HandleFunc("/original/trace", stdpprof.Trace)
	s := httptest.NewUnstartedServer(mux)
	s.Config.WriteTimeout = writeTimeout
	s.Start()
	t.Cleanup(s.Close)
	return s.URL
}

type answer struct {
	status int
	header http.Header
	body   []byte
}

func fetch(t *testing.T, ctx context.Context, method, url string) (a answer, err error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	a.body, err = io.ReadAll(resp.Body)
	a.status, a.header = resp.StatusCode, resp.Header
	for _, differs := range []string{"Date", "Content-Length"} {
		a.header.Del(differs)
	}
	return a, err
}

func get(t *testing.T, url string) answer {
	t.Helper()
	a, err := fetch(t, context.Background(), http.MethodGet, url)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestTheHandlersAnswerLikeTheOriginals(t *testing.T) {
	url := serve(t, 0)
	for _, c := range []struct{ method, path string }{
		{"GET", "/profile?seconds=1"},
		{"GET", "/trace?seconds=0.1"},
		{"HEAD", "/trace?seconds=0.1"},
	} {
		t.Run(c.method+c.path, func(t *testing.T) {
			began := time.Now()
			want, err := fetch(t, context.Background(), c.method, url+"/original"+c.path)
			if err != nil {
				t.Fatal(err)
			}
			wantTook := time.Since(began)
			began = time.Now()
			got, err := fetch(t, context.Background(), c.method, url+c.path)
			if err != nil {
				t.Fatal(err)
			}
			took := time.Since(began)
			if got.status != want.status || !maps.EqualFunc(got.header, want.header, slices.Equal[[]string]) {
				t.Errorf("%d %v, the original %d %v", got.status, got.header, want.status, want.header)
			}
			if (len(got.body) == 0) != (len(want.body) == 0) {
				t.Errorf("%d bytes, the original %d", len(got.body), len(want.body))
			}
			if took < wantTook/2 || took > 2*wantTook+time.Second {
				t.Errorf("took %v, the original %v", took, wantTook)
			}
		})
	}
}

// A deadlines is a response of which the first deadline ends the request.
type deadlines struct {
	httptest.ResponseRecorder
	mu  sync.Mutex
	all []time.Duration // from now; 0 for none
	end func()
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t.IsZero() {
		d.all = append(d.all, 0)
		return nil
	}
	d.all = append(d.all, time.Until(t).Round(time.Second))
	d.end()
	return nil
}

// deadlinesOf are those that a handler sets on a server with a WriteTimeout.
func deadlinesOf(h http.HandlerFunc, target string, writeTimeout time.Duration) []time.Duration {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ctx = context.WithValue(ctx, http.ServerContextKey, &http.Server{WriteTimeout: writeTimeout})
	d := &deadlines{ResponseRecorder: *httptest.NewRecorder(), end: cancel}
	h(d, httptest.NewRequestWithContext(ctx, http.MethodGet, target, nil))
	return d.all
}

func TestTheSecondsAreReadAsTheOriginalsReadThem(t *testing.T) {
	for _, query := range []string{"", "?seconds=5", "?seconds=0", "?seconds=-1", "?seconds=x", "?seconds=", "?seconds=2.5&seconds=7"} {
		const limit = 10 * time.Second
		want, got := deadlinesOf(stdpprof.Profile, "/"+query, limit), deadlinesOf(capture.Profile, "/"+query, limit)
		if len(want) != 1 || !slices.Equal(got, want) {
			t.Errorf("profile%s: deadlines after %v, the original %v", query, got, want)
		}
		want, got = deadlinesOf(stdpprof.Trace, "/"+query, limit), deadlinesOf(capture.Trace, "/"+query, limit)
		if len(want) != 1 || len(got) != 2 || got[0] != 0 || got[1] != want[0] {
			t.Errorf("trace%s: deadlines after %v, the original %v", query, got, want)
		}
	}
}

func TestSecondsWithoutEndAreVeryLong(t *testing.T) {
	for _, seconds := range []string{"1e300", "Inf", "9223372036854775807"} {
		got := deadlinesOf(capture.Trace, "/?seconds="+seconds, time.Second)
		if len(got) != 2 || got[1] < 100*365*24*time.Hour {
			t.Errorf("%s: deadlines after %v", seconds, got)
		}
	}
	if got := deadlinesOf(capture.Trace, "/?seconds=NaN", time.Second); len(got) != 2 || got[1] != 2*time.Second {
		t.Errorf("NaN: deadlines after %v", got)
	}
}

func TestAClientThatDoesNotReadHasAMinute(t *testing.T) {
	got := deadlinesOf(capture.Trace, "/?seconds=0.01", 0)
	n := len(got)
	if n < 2 || got[0] != time.Minute || got[n-2] != time.Minute || got[n-1] != 0 {
		t.Errorf("deadlines after %v", got)
	}
}

func TestWhatAStrangerHoldsIsTheOriginalsError(t *testing.T) {
	url := serve(t, 0)
	release := hold(t)
	defer release()
	if err := pprof.StartCPUProfile(io.Discard); err != nil {
		t.Fatal(err)
	}
	defer pprof.StopCPUProfile()
	for _, path := range []string{"/profile?seconds=1", "/trace?seconds=1"} {
		want, got := get(t, url+"/original"+path), get(t, url+path)
		if got.status != 500 || got.status != want.status || string(got.body) != string(want.body) {
			t.Errorf("%s: %d %q, the original %d %q", path, got.status, got.body, want.status, want.body)
		}
		if !maps.EqualFunc(got.header, want.header, slices.Equal[[]string]) {
			t.Errorf("%s: %v, the original %v", path, got.header, want.header)
		}
	}
}

func TestTheDownloadsOpen(t *testing.T) {
	url := serve(t, 0)
	done := make(chan struct{})
	var busy sync.WaitGroup
	busy.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				spin(time.Millisecond)
			}
		}
	})
	cpu, events := get(t, url+"/profile?seconds=1"), get(t, url+"/trace?seconds=0.2")
	close(done)
	busy.Wait()
	file := filepath.Join(t.TempDir(), "cpu.pb.gz")
	if err := os.WriteFile(file, cpu.body, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "tool", "pprof", "-top", file).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "capture_test.spin") {
		t.Errorf("go tool pprof -top: %v\n%s", err, out)
	}
	if n := readAll(t, events.body); n < 10 {
		t.Errorf("%d events", n)
	}
}

func TestAClientThatLeavesEndsTheProfileAndTheTrace(t *testing.T) {
	url := serve(t, 0)
	for path, start := range map[string]func(io.Writer) error{"/profile?seconds=600": pprof.StartCPUProfile, "/trace?seconds=600": trace.Start} {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		_, err := fetch(t, ctx, http.MethodGet, url+path)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", path, err)
		}
		// The server hears of it a moment later.
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			err := start(io.Discard)
			if err == nil {
				pprof.StopCPUProfile()
				trace.Stop()
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %v", path, err)
			}
		}
		free(t)
	}
}

func TestAWriteTimeoutGivesTheSecondsThatWereAskedFor(t *testing.T) {
	url := serve(t, 400*time.Millisecond)
	if p := get(t, url+"/profile?seconds=1"); p.status != 200 {
		t.Errorf("profile: %d", p.status)
	} else if _, err := profile.ParseData(p.body); err != nil {
		t.Errorf("profile: %v", err)
	}
	readAll(t, get(t, url+"/trace?seconds=0.5").body)
}

func TestAWriteTimeoutDoesNotCountTheWait(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		s := httptest.NewUnstartedServer(http.HandlerFunc(capture.Trace))
		s.Config.WriteTimeout = 200 * time.Millisecond
		s.EnableHTTP2 = http2
		s.StartTLS()
		r := start(t, capture.Options{})
		var all sync.WaitGroup
		all.Go(func() {
			resp, err := s.Client().Get(s.URL + "/?seconds=0.1")
			if err != nil {
				t.Errorf("HTTP/2 %v: %v", http2, err)
				return
			}
			defer resp.Body.Close()
			data, err := io.ReadAll(resp.Body)
			if err != nil || resp.ProtoAtLeast(2, 0) != http2 {
				t.Errorf("%s: %v", resp.Proto, err)
			}
			readAll(t, data)
		})
		time.Sleep(300 * time.Millisecond)
		r.Stop()
		all.Wait()
		s.Close()
	}
}

func TestAClientThatLeavesWhileItWaitsLeavesTheLine(t *testing.T) {
	url := serve(t, 0)
	r := start(t, capture.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := fetch(t, ctx, http.MethodGet, url+"/trace?seconds=600"); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	r.Stop()
	free(t)
}
