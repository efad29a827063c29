package profile_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/trace"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/servers"
	"github.com/heeler-go/heeler/profile"
	"github.com/heeler-go/heeler/profile/internal/result"
)

const (
	chunk  = 1 << 20 // a size that the runtime allocates as it is
	chunks = 7
)

var kneaded [][]byte

//go:noinline
func kneads() {
	for range chunks {
		kneaded = append(kneaded, make([]byte, chunk))
	}
}

//go:noinline
func stirs() {
	for end := time.Now().Add(60 * time.Millisecond); time.Now().Before(end); {
	}
}

//go:noinline
func letsItRise() { time.Sleep(30 * time.Millisecond) }

func bakes(w http.ResponseWriter, r *http.Request) {
	kneaded = make([][]byte, 0, chunks)
	trace.Log(r.Context(), "bakery", "the dough is mixed")
	kneads()
	stirs()
	letsItRise()
}

// download saves a part of a result to a file.
func (s *site) download(page, part string) string {
	s.t.Helper()
	a := s.get("alice", page+part)
	if a.StatusCode != 200 || len(a.body) == 0 {
		s.t.Fatalf("%s: %d, %d bytes", part, a.StatusCode, len(a.body))
	}
	if how := a.Header.Get("Content-Disposition"); !strings.HasPrefix(how, "attachment; filename=") {
		s.t.Errorf("%s is sent as %q", part, how)
	}
	file := filepath.Join(s.t.TempDir(), part)
	if err := os.WriteFile(file, []byte(a.body), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return file
}

// goTool is what one of Go's tools says about a file.
func goTool(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // it may have to be built
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", append([]string{"tool"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%q: %v\n%s%s", cmd.Args, err, out, stderr.String())
	}
	return string(out)
}

// baked is the page of a request for bread.
func (s *site) baked(value string) string {
	s.t.Helper()
	page := s.follow(s.get("alice", "/bread?__profile__="+value))
	s.wait()
	return page
}

func bakery(t *testing.T) *site {
	t.Helper()
	return newSite(t, "HTTP/1", &profile.Profiler{Allow: byHeader}, http.HandlerFunc(bakes))
}

// lacks is which of the patterns a text does not match, each of a whole line.
func lacks(text string, patterns ...string) (missing []string) {
	for _, pattern := range patterns {
		if !regexp.MustCompile(`(?m)^` + pattern + `$`).MatchString(text) {
			missing = append(missing, pattern)
		}
	}
	return missing
}

func TestGoToolPprofOpensTheProfile(t *testing.T) {
	servers.Program(t, "graphviz", "dot")
	s := bakery(t)
	file := s.download(s.baked(""), "profile.pb.gz")
	top := goTool(t, "pprof", "-top", "-unit=ns", "-nodefraction=0", file)
	if m := lacks(top, `Type: wall`, `.* (100|9\d\.?\d*)% .*profile_test\.bakes`, `.*profile_test\.stirs`, `.*profile_test\.kneads`, ` *\d{8,}ns .* time\.Sleep`); m != nil {
		t.Errorf("-top has no %q:\n%s", m, top)
	}
	tree := goTool(t, "pprof", "-tree", "-unit=ns", "-sample_index=sleep", file)
	if m := lacks(tree, `Type: sleep`, ` *\d{8,}ns +100% \| +.*profile_test\.letsItRise`, ` *\d{8,}ns .*\| time\.Sleep`); m != nil || strings.Contains(tree, "stirs") {
		t.Errorf("-tree has no %q, or stirs:\n%s", m, tree)
	}
	svg := filepath.Join(t.TempDir(), "profile.svg")
	goTool(t, "pprof", "-svg", "-nodefraction=0", "-output="+svg, file)
	if drawn, err := os.ReadFile(svg); err != nil || !strings.HasPrefix(string(drawn), "<?xml") || !strings.Contains(string(drawn), "letsItRise") {
		t.Errorf("-svg: %v: %.1000s", err, drawn)
	}
}

func TestGoToolPprofShowsWhatWasAllocatedToTheByte(t *testing.T) {
	s := bakery(t)
	file := s.download(s.baked("alloc"), "profile.pb.gz")
	// The runtime may allocate a little of its own for the function, so it is those of this size that count.
	for kind, want := range map[string]string{
		"alloc_space":   fmt.Sprintf(` *%dB .*profile_test\.kneads`, chunks*chunk),
		"alloc_objects": fmt.Sprintf(` *%dB .*profile_test\.kneads`, chunks),
	} {
		if top := goTool(t, "pprof", "-top", "-unit=B", "-tagfocus=bytes=1mb", "-sample_index="+kind, file); lacks(top, "Type: "+kind, want) != nil {
			t.Errorf("%s: no %q:\n%s", kind, want, top)
		}
	}
}

func TestGraphvizDrawsTheCallGraph(t *testing.T) {
	servers.Program(t, "graphviz", "dot")
	s := bakery(t)
	page := s.baked("")
	for part, want := range map[string][2]string{ // how it begins, and what is in it
		"graph.dot": {"digraph ", "letsItRise"},
		"graph.svg": {"<?xml ", "letsItRise"},
		"graph.pdf": {"%PDF-", "%%EOF"},
	} {
		if drawn, err := os.ReadFile(s.download(page, part)); err != nil || !bytes.HasPrefix(drawn, []byte(want[0])) || !bytes.Contains(drawn, []byte(want[1])) {
			t.Errorf("%s: %v: %.500s", part, err, drawn)
		}
	}
}

// traceViewer is the address at which go tool trace shows a file, until the test ends.
func traceViewer(t *testing.T, file string) string {
	t.Helper()
	// The tool itself, rather than the go command that starts it and might leave it behind.
	cmd := exec.CommandContext(t.Context(), strings.TrimSpace(goTool(t, "-n", "trace")), "-http=127.0.0.1:0", file)
	cmd.Env = append(os.Environ(), "BROWSER=true") // it would open one
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	limit := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	t.Cleanup(func() {
		limit.Stop()
		cmd.Process.Kill()
		cmd.Wait()
	})
	var said strings.Builder
	for lines := bufio.NewScanner(io.TeeReader(stderr, &said)); lines.Scan(); {
		if _, address, ok := strings.Cut(lines.Text(), "Trace viewer is listening on "); ok {
			go io.Copy(io.Discard, stderr)
			return address
		}
	}
	t.Fatalf("go tool trace has ended: %s", said.String())
	return ""
}

func TestGoToolTraceOpensTheTrace(t *testing.T) {
	s := bakery(t)
	viewer := traceViewer(t, s.download(s.baked(""), "run.trace"))
	for page, want := range map[string]string{
		"/":            "View trace",
		"/userregions": `<pre>&#34;heeler [0-9a-f]{16}&#34;<br>`,
		"/jsontrace":   "the dough is mixed",
	} {
		resp, err := http.Get(viewer + page)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		shown, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 || !regexp.MustCompile(want).Match(shown) {
			t.Errorf("%s: %d, %v, no %q in %.1000s", page, resp.StatusCode, err, want, shown)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestAFlightRecorderGoesOnAndDoesNotDisturb(t *testing.T) {
	recorder := trace.NewFlightRecorder(trace.FlightRecorderConfig{})
	if err := recorder.Start(); err != nil {
		t.Fatal(err)
	}
	defer recorder.Stop()
	s := bakery(t)
	page := s.baked("")
	if res := s.stored(idOf(t, page)); res.State != result.Done || len(res.Problems) != 0 {
		t.Fatalf("%s %q", res.State, res.Problems)
	}
	file := filepath.Join(t.TempDir(), "recorded")
	recorded, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer recorded.Close()
	if _, err := recorder.WriteTo(recorded); err != nil || !recorder.Enabled() {
		t.Errorf("the recorder is enabled: %v, %v", recorder.Enabled(), err)
	}
	for _, file := range []string{file, s.download(page, "run.trace")} {
		if events := goTool(t, "trace", "-d=parsed", file); !strings.Contains(events, `"the dough is mixed"`) || !strings.Contains(events, `"heeler `) {
			t.Errorf("%s: %d bytes of events", file, len(events))
		}
	}
	if top := goTool(t, "pprof", "-top", "-unit=ns", "-sample_index=sleep", s.download(page, "profile.pb.gz")); lacks(top, ` *\d{8,}ns .* time\.Sleep`) != nil {
		t.Errorf("-top:\n%s", top)
	}
}
