package store_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/store"
)

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	must(t, err)
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestDirIsForItsOwnerOnly(t *testing.T) {
	d := &store.Dir{Path: filepath.Join(t.TempDir(), "not", "there")}
	must(t, d.Create("a", nil))
	must(t, d.Put("b", nil))
	for path, want := range map[string]fs.FileMode{
		filepath.Dir(d.Path): 0o700, d.Path: 0o700, file(d, "a"): 0o600, file(d, "b"): 0o600,
	} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v; want mode %v", path, info.Mode(), err, want)
		}
	}
	if got, want := names(t, d.Path), []string{"profile_a.heeler", "profile_b.heeler"}; !slices.Equal(got, want) {
		t.Errorf("the directory holds %q, want %q", got, want)
	}
}

func TestDirIsSharedByThoseThatHaveItsPath(t *testing.T) {
	one := &store.Dir{Path: t.TempDir(), MaxCount: 2}
	other := &store.Dir{Path: one.Path, MaxCount: 2}
	must(t, one.Create("a", []byte("one")))
	wantGet(t, other, "a", "one")
	if err := other.Create("a", nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create says %v", err)
	}
	must(t, other.Put("a", []byte("another")))
	wantGet(t, one, "a", "another")
	written(t, one, "a", time.Minute)
	must(t, one.Create("b", nil))
	must(t, other.Create("c", nil))
	wantGone(t, one, "a")
}

// Each Dir stands for a process of its own: they share nothing but the path. All of them find the same
// files to remove.
func TestDirsMakeRoomAtTheSameTime(t *testing.T) {
	path := t.TempDir()
	var wg sync.WaitGroup
	for w := range 6 {
		d := &store.Dir{Path: path, MaxCount: 5}
		wg.Go(func() {
			for i := range 60 {
				if err := d.Create(fmt.Sprint("id-", w, "-", i), make([]byte, 1000)); err != nil {
					t.Error(err)
				}
				if got := names(t, path); len(got) > 5+6+6 { // and one more for each of the others, and what they write
					t.Errorf("the directory holds %q", got)
				}
			}
		})
	}
	wg.Wait()
	must(t, (&store.Dir{Path: path, MaxCount: 5}).Put("last", nil))
	if got := names(t, path); len(got) != 5 {
		t.Errorf("the directory holds %q; want 5 entries and nothing else", got)
	}
}

// If Create took an expired one's place, two that find it at the same time could both succeed.
func TestDirDoesNotCreateWhereAnExpiredEntryStillIs(t *testing.T) {
	d := &store.Dir{Path: t.TempDir()}
	must(t, d.Create("a", nil))
	written(t, d, "a", 25*time.Hour)
	wantGone(t, d, "a")
	if err := d.Create("a", nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create says %v", err)
	}
	must(t, d.Create("b", nil))
	must(t, d.Create("a", nil))
}

func TestDirLeavesWhatIsNotItsOwn(t *testing.T) {
	d := &store.Dir{Path: t.TempDir(), MaxCount: 1, MaxBytes: 1}
	foreign := []string{
		"profile_.heeler", "profile_a.heeler.gz", "profile_a.b.heeler", "profile_ä.heeler", "a.heeler", "profile_a", "notes.txt",
		"profile_" + strings.Repeat("x", 101) + ".heeler", "PROFILE_a.heeler", ".heeler.tmp", "heeler-1.tmp", ".heeler-1.tmp.bak",
	}
	for _, name := range foreign {
		path := filepath.Join(d.Path, name)
		must(t, os.WriteFile(path, []byte("xx"), 0o600))
		must(t, os.Chtimes(path, time.Time{}, time.Now().Add(-30*24*time.Hour)))
	}
	for _, name := range []string{"profile_folder.heeler", ".heeler-2.tmp"} {
		foreign = append(foreign, name)
		must(t, os.Mkdir(filepath.Join(d.Path, name), 0o700))
	}
	must(t, d.Create("first", nil))
	must(t, d.Create("second", nil))
	slices.Sort(foreign)
	want := slices.Sorted(slices.Values(append(slices.Clone(foreign), "profile_second.heeler")))
	if got := names(t, d.Path); !slices.Equal(got, want) {
		t.Errorf("the directory holds\n%q, want\n%q", got, want)
	}
}

func TestDirCleansUpAfterAProcessThatDied(t *testing.T) {
	d := &store.Dir{Path: t.TempDir()}
	for name, age := range map[string]time.Duration{".heeler-1.tmp": 2 * time.Hour, ".heeler-2.tmp": time.Minute} {
		path := filepath.Join(d.Path, name)
		must(t, os.WriteFile(path, nil, 0o600))
		must(t, os.Chtimes(path, time.Time{}, time.Now().Add(-age)))
	}
	must(t, d.Put("a", nil))
	if got, want := names(t, d.Path), []string{".heeler-2.tmp", "profile_a.heeler"}; !slices.Equal(got, want) {
		t.Errorf("the directory holds %q, want %q", got, want)
	}
}

// What is not a regular file is none of an entry's: a pipe would be waited for, a link leads elsewhere.
func TestDirReadsOnlyWhatItCanHaveWritten(t *testing.T) {
	d := &store.Dir{Path: t.TempDir(), MaxBytes: 10}
	secret := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(secret, []byte("secret"), 0o600))
	must(t, os.Symlink(secret, file(d, "link")))
	must(t, os.Mkdir(file(d, "folder"), 0o700))
	must(t, syscall.Mkfifo(file(d, "pipe"), 0o600))
	must(t, os.WriteFile(file(d, "large"), make([]byte, 11), 0o600))
	for id, want := range map[string]string{
		"link":   "it is not a regular file but L---------",
		"folder": "it is not a regular file but d---------",
		"pipe":   "it is not a regular file but p---------",
		"large":  "store: entry too large: it has 11 bytes; at most 10 (MaxBytes) are accepted",
	} {
		want = "store: cannot read " + id + " from Dir.Path, " + d.Path + ": " + want
		if got, err := d.Get(id); got != nil || err == nil || err.Error() != want {
			t.Errorf("Get gives %q and says\n  %v, want\n  %s", got, err, want)
		}
	}
	must(t, d.Put("link", []byte("mine")))
	wantGet(t, d, "link", "mine")
	if got, err := os.ReadFile(secret); string(got) != "secret" {
		t.Errorf("behind the link is %q, %v", got, err)
	}
}

func TestDirSaysWhatIsWrongWithItsPath(t *testing.T) {
	path := t.TempDir()
	must(t, os.WriteFile(filepath.Join(path, "file"), nil, 0o600))
	must(t, os.Symlink("nowhere", filepath.Join(path, "dangling")))
	for name, want := range map[string]string{"file": "not a directory", "file/below": "not a directory", "dangling": "file exists"} {
		d := &store.Dir{Path: filepath.Join(path, name)}
		for _, err := range []error{d.Create("a", nil), d.Put("a", nil)} {
			if err == nil || !strings.HasPrefix(err.Error(), "store: cannot keep a in Dir.Path, "+d.Path+": ") ||
				!strings.Contains(err.Error(), want) || errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: the error is %v; want one with %q that is none of an entry's", name, err, want)
			}
		}
	}
	d := &store.Dir{Path: filepath.Join(path, "file")}
	if _, err := d.Get("a"); err == nil || !strings.Contains(err.Error(), "Dir.Path, "+d.Path+": ") || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Get says %v", err)
	}
	// A folder in the way of an entry is no entry that exists.
	d = &store.Dir{Path: path}
	must(t, os.Mkdir(file(d, "a"), 0o700))
	if err := d.Put("a", nil); err == nil || errors.Is(err, fs.ErrExist) {
		t.Errorf("Put says %v", err)
	}
	if got := names(t, path); slices.ContainsFunc(got, func(n string) bool { return strings.HasSuffix(n, ".tmp") }) {
		t.Errorf("left behind: %q", got)
	}
}
