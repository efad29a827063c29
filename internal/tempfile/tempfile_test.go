package tempfile_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/tempfile"
)

func TestAFileIsWrittenWholeForItsOwner(t *testing.T) {
	for _, sync := range []bool{true, false} {
		dir := t.TempDir()
		name, err := tempfile.Write(dir, []byte("all of it"), sync)
		if err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(name)
		if err != nil || string(data) != "all of it" || filepath.Dir(name) != dir {
			t.Errorf("%s has %q, %v", name, data, err)
		}
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info.Mode(), err)
		}
	}
	if _, err := tempfile.Write(filepath.Join(t.TempDir(), "missing"), nil, false); err == nil {
		t.Error("there is no error for a directory that is not there")
	}
}

func TestAFileIsReplacedWholeOrNotAtAll(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for _, text := range []string{"first", "second"} {
		if err := tempfile.Replace(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != text {
			t.Errorf("%q, %v", data, err)
		}
	}
	if err := tempfile.SyncDir(dir); err != nil {
		t.Error(err)
	}
	if err := tempfile.SyncDir(filepath.Join(dir, "missing")); err == nil {
		t.Error("there is no error for a directory that is not there")
	}

	if err := os.Mkdir(filepath.Join(dir, "taken"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := tempfile.Replace(filepath.Join(dir, "taken"), nil); err == nil {
		t.Error("a directory was replaced by a file")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
		t.Errorf("left in the directory are %v, %v", entries, err)
	}
}

func TestOnlyOldTemporaryFilesAreLeftovers(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	for name, age := range map[string]time.Duration{".heeler-old.tmp": 2 * time.Hour, ".heeler-new.tmp": time.Minute, "other.tmp": 2 * time.Hour} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, ".heeler-folder.tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(filepath.Join(dir, ".heeler-folder.tmp"), now, now.Add(-2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 4 {
		t.Fatal(entries, err)
	}
	for _, e := range entries {
		if got, want := tempfile.IsLeftover(e, now), e.Name() == ".heeler-old.tmp"; got != want {
			t.Errorf("%s: %v, want %v", e.Name(), got, want)
		}
	}

	tempfile.RemoveLeftovers(dir, now)
	if entries, err = os.ReadDir(dir); err != nil || len(entries) != 3 || entries[0].Name() != ".heeler-folder.tmp" || entries[1].Name() != ".heeler-new.tmp" {
		t.Errorf("left are %v, %v", entries, err)
	}
}
