package heeler_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/heeler-go/heeler"

// layers is the house from the ground up. A room is a top-level folder; it imports itself and the
// rooms of the layers below its own, never one beside it. So guards do not import each other, and
// chaos, which stands beside them, imports none of them.
var layers = [][]string{
	{"internal"},
	{"offpath"},
	{"alert"},
	{"slowlog", "timebox", "profile", "breaker", "backoff", "drain", "chaos"},
	{"console", "metrics"},
	{"cmd", "examples", "contrib", "bench"},
}

// layerOf gives a room's layer, or -1 for a room that has no place yet.
func layerOf(room string) int {
	return slices.IndexFunc(layers, func(rooms []string) bool { return slices.Contains(rooms, room) })
}

// mayImport says whether a package in one room may import a package in another. The module's root,
// the room "", only documents: it imports nothing and nothing imports it.
func mayImport(from, to string) bool {
	if from == "" || to == "" {
		return false
	}
	return from == to || layerOf(to) < layerOf(from)
}

// source is one Go file that goes into a build, with the room that it stands in.
type source struct {
	path, room string
	imports    []string
}

// sources reads the imports of every file that is not a test, in all modules of the repository and
// for every system, which is more than go list shows in one run. Tests may import across the house.
func sources(t *testing.T) []source {
	t.Helper()
	var found []source
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := entry.Name()
		if entry.IsDir() {
			if name != "." && (strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || base == "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(base, ".go") || strings.HasSuffix(base, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		s := source{path: filepath.ToSlash(name)}
		s.room = roomOf(path.Join(module, path.Dir(s.path)))
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			s.imports = append(s.imports, imported)
		}
		found = append(found, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// roomOf gives the top-level folder of one of our packages: "alert" for …/heeler/alert/email.
func roomOf(importPath string) string {
	rest := strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
	room, _, _ := strings.Cut(rest, "/")
	return room
}

// ours says whether a package belongs to this repository.
func ours(importPath string) bool {
	return importPath == module || strings.HasPrefix(importPath, module+"/")
}

func TestEveryRoomHasItsPlace(t *testing.T) {
	for _, s := range sources(t) {
		if s.room != "" && layerOf(s.room) < 0 {
			t.Errorf("%s: the room %q has no layer; put it into the table in arch_test.go", s.path, s.room)
		}
	}
}

func TestImportsPointDownwardsOnly(t *testing.T) {
	arrows := 0
	for _, s := range sources(t) {
		for _, imported := range s.imports {
			if !ours(imported) {
				continue
			}
			arrows++
			if to := roomOf(imported); !mayImport(s.room, to) {
				t.Errorf("%s: %q may not import %q (%s); see the layers in arch_test.go", s.path, s.room, to, imported)
			}
		}
	}
	if arrows == 0 {
		t.Error("found no import of ours at all: the test looks in the wrong place")
	}
}

func TestTheArrowsOfTheDesign(t *testing.T) {
	for _, arrow := range []struct {
		from, to string
		allowed  bool
	}{
		{"slowlog", "internal", true},
		{"slowlog", "alert", true},
		{"alert", "alert", true},
		{"console", "slowlog", true},
		{"cmd", "chaos", true},
		{"bench", "timebox", true},
		{"slowlog", "timebox", false},
		{"breaker", "backoff", false},
		{"chaos", "breaker", false},
		{"breaker", "chaos", false},
		{"alert", "slowlog", false},
		{"alert", "chaos", false},
		{"offpath", "drain", false},
		{"alert", "offpath", true},
		{"offpath", "alert", false},
		{"internal", "alert", false},
		{"timebox", "console", false},
		{"metrics", "cmd", false},
		{"examples", "", false},
		{"", "slowlog", false},
	} {
		if got := mayImport(arrow.from, arrow.to); got != arrow.allowed {
			t.Errorf("%q imports %q: allowed is %v, want %v", arrow.from, arrow.to, got, arrow.allowed)
		}
	}
}

// light are the rooms that a program pays nothing more for than the standard library, what is ours, and
// the modules named here: no Sentry, no mail, no Prometheus, no pprof driver but in profile, and no driver
// of a database, also where a room guards databases.
var light = map[string][]string{
	"slowlog":         nil,
	"timebox":         nil,
	"alert":           nil,
	"backoff":         nil,
	"breaker":         {"github.com/sony/gobreaker/v2"},
	"drain":           nil,
	"offpath":         nil,
	"offpath/journal": {"golang.org/x/sys"},
	"offpath/spool":   {"go.etcd.io/bbolt", "golang.org/x/sys"},
	"profile":         {"github.com/google/pprof", "github.com/ianlancetaylor/demangle", "golang.org/x/exp"},
}

// heavy are packages of the standard library and of ours that those programs do not compile either:
// they open doors (net/http/pprof registers itself on the default mux) or belong to a sink.
var heavy = []string{"net/smtp", "net/http/pprof", module + "/alert/email", module + "/alert/sentry",
	module + "/alert/slack", module + "/alert/journal"}

func TestALightImportStaysLight(t *testing.T) {
	const line = "{{.ImportPath}} {{if .Standard}}std{{else}}{{.Module.Path}}{{end}}"
	for room, modules := range light {
		out, err := exec.Command("go", "list", "-deps", "-f", line, "./"+room).CombinedOutput()
		if err != nil {
			t.Fatalf("go list -deps ./%s: %v\n%s", room, err, out)
		}
		deps := strings.Split(strings.TrimSpace(string(out)), "\n")
		if !slices.Contains(deps, "net/http std") && !slices.Contains(deps, "context std") {
			t.Errorf("go list -deps ./%s names neither net/http nor context: is the list whole?\n%s", room, out)
		}
		var foreign []string
		for _, dep := range deps {
			importPath, from, _ := strings.Cut(dep, " ")
			if from != "std" && from != module {
				foreign = append(foreign, from)
			}
			if slices.Contains(heavy, importPath) {
				t.Errorf("a program that imports only %s compiles %s", room, importPath)
			}
		}
		slices.Sort(foreign)
		if foreign = slices.Compact(foreign); !slices.Equal(foreign, modules) {
			t.Errorf("a program that imports only %s compiles the modules %q, want %q", room, foreign, modules)
		}
	}
}
