package graph_test

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile/internal/graph"
)

// useAll has everything made that this package makes.
func useAll(t *testing.T) {
	t.Helper()
	p := shop()
	p.Mapping = []*profile.Mapping{{ID: 1, File: "/srv/../shop", BuildID: "../../../*"}}
	p.Location[0].Mapping = p.Mapping[0]
	dot, err := graph.DOT(t.Context(), p, "wall")
	if err != nil {
		t.Errorf("the graph: %v", err)
	}
	for page, want := range map[string]string{"flamegraph": "main.cart", "top": "main.cart", "peek?f=cart": "main.cart"} {
		if text := body(t, get(t, p, page)); !strings.Contains(text, want) {
			t.Errorf("%s: %s", page, text)
		}
	}
	for _, page := range []string{"download", "graph", "source?f=main", "disasm?f=main", "saveconfig?config=x", "deleteconfig?config=x", "top?f=(", "top?f=none"} {
		get(t, p, page)
	}
	if graph.Available() {
		for _, format := range []string{"svg", "pdf"} {
			if _, err := graph.Draw(t.Context(), dot, format); err != nil {
				t.Errorf("the graph as %s: %v", format, err)
			}
		}
	}
}

// Another thread may be reading the environment, in C too, so it is not touched even to please the driver.
func TestWithoutAHomeTheGraphIsThereAndThePagesSayWhatTheyNeed(t *testing.T) {
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, "") // which is put back
		os.Unsetenv(name)
	}
	if dot, err := graph.DOT(t.Context(), shop(), "wall"); err != nil || !strings.Contains(string(dot), "main.cart") {
		t.Errorf("%v, %s", err, dot)
	}
	for _, page := range []string{"flamegraph", "top", "peek", "graph", "download"} {
		response := get(t, shop(), page)
		text, _ := io.ReadAll(response.Body)
		if page == "graph" && response.StatusCode == http.StatusSeeOther {
			continue // there is no dot
		}
		if response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "HOME or XDG_CONFIG_HOME") {
			t.Errorf("%s: %d, %s", page, response.StatusCode, text)
		}
	}
}

func TestTheEnvironmentMayBeOdd(t *testing.T) {
	for name, value := range map[string]string{
		"HOME": "/nonexistent", "XDG_CONFIG_HOME": "/dev/null", "GOPATH": "\x01::/nonexistent", "GOROOT": "relative",
		"PPROF_TMPDIR": "/nonexistent/\xff", "PPROF_BINARY_PATH": "/:/etc:[", "PPROF_TOOLS": "/bin", "TMPDIR": "/nonexistent",
		"BROWSER": "false",
	} {
		t.Setenv(name, value)
	}
	before := os.Environ()
	useAll(t)
	if after := os.Environ(); !slices.Equal(before, after) {
		t.Errorf("the environment was %q, and is %q", before, after)
	}
}

// What someone has saved with go tool pprof on this machine is not for those who look at a profile.
func TestSavedOptionsAreNotShown(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("HOME", dir)
	if err := os.Mkdir(filepath.Join(dir, "pprof"), 0o700); err != nil {
		t.Fatal(err)
	}
	saved := `{"configs":[{"name":"mine","focus":"private"}]}`
	if err := os.WriteFile(filepath.Join(dir, "pprof", "settings.json"), []byte(saved), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, page := range []string{"flamegraph", "top", "peek"} {
		if text := body(t, get(t, shop(), page)); strings.Contains(text, "mine") || strings.Contains(text, "private") {
			t.Errorf("%s shows them:\n%s", page, text)
		}
	}
}

// files lists a folder and all below it.
func files(t *testing.T, dir string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		found = append(found, fmt.Sprint(path, " ", info.Mode(), info.Size()))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// In a process of its own, so that its folders and what it prints are only its own.
func TestNothingIsWrittenAndNothingPrinted(t *testing.T) {
	if os.Getenv("HEELER_GRAPH_QUIET") != "" {
		useAll(t)
		if t.Failed() {
			os.Exit(1) // with what was logged
		}
		os.Exit(0) // before the testing package prints
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	var environment []string
	for _, name := range []string{"HOME", "TMPDIR", "PPROF_TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "GOPATH"} {
		dir := filepath.Join(root, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		environment = append(environment, name+"="+dir)
	}
	work := filepath.Join(root, "work")
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	before := files(t, root)
	child := exec.Command(self, "-test.run=^TestNothingIsWrittenAndNothingPrinted$")
	child.Dir = work
	child.Env = append(append(os.Environ(), environment...), "HEELER_GRAPH_QUIET=1")
	said, err := child.CombinedOutput()
	if err != nil || len(said) > 0 {
		t.Errorf("%v; it printed: %s", err, said)
	}
	if after := files(t, root); !slices.Equal(before, after) {
		t.Errorf("there was\n%s\nand is\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
}
