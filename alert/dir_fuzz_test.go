package alert_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/heeler-go/heeler/alert"
)

// An entry is a regular file of some name.
type entry struct{ name string }

func (e entry) Name() string               { return e.name }
func (e entry) IsDir() bool                { return false }
func (e entry) Type() fs.FileMode          { return 0 }
func (e entry) Info() (fs.FileInfo, error) { return nil, fs.ErrNotExist }

// Whatever a client makes of titles and file names: it stays in the directory,
// is written under a name of its own, and is removed when its time has come.
func FuzzDirNames(f *testing.F) {
	f.Add("GET /../../etc", "../../x.trace", "a.txt")
	f.Add("\x00ÄÖ", "/", "..")
	f.Fuzz(func(t *testing.T, title, first, second string) {
		a := alert.Alert{Title: title, Files: []alert.File{{Name: first}, {Name: second}, {Name: first}}}
		got := alert.DirNames(alert.Dir{}, a)
		var entries []os.DirEntry
		for _, n := range got {
			if filepath.Base(n) != n || len(n) > 120 {
				t.Errorf("%q is not a plain name", n)
			}
			entries = append(entries, entry{n})
		}
		slices.Sort(got)
		if len(slices.Compact(got)) != 4 {
			t.Errorf("two files have one name: %q", got)
		}
		if n := alert.DirKnows(alert.Dir{}, entries); n != 4 {
			t.Errorf("of %q, %d would be removed in time", got, n)
		}
	})
}
