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
}
