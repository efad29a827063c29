package spool_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/heeler-go/heeler/offpath/spool"
)

func TestAFileIsOpenOnce(t *testing.T) {
	s := opened(t, &spool.Spool{})
	publish(t, s, "x")
	other := &spool.Spool{Path: s.Path}
	began := time.Now()
	if err := other.Open(); !errors.Is(err, spool.ErrLocked) || !strings.Contains(err.Error(), s.Path) {
		t.Errorf("a second one says %v", err)
	}
	if err := s.Open(); !errors.Is(err, spool.ErrLocked) {
		t.Errorf("the same again says %v", err)
	}
	other.LockWait = 100 * time.Millisecond
	if err := other.Open(); !errors.Is(err, spool.ErrLocked) || time.Since(began) < other.LockWait {
		t.Errorf("after %v it says %v", time.Since(began), err)
	}
	other.LockWait = time.Minute
	time.AfterFunc(100*time.Millisecond, func() { s.Close() })
	opened(t, other)
	if _, bodies := consume(t, other, 1); bodies[0] != "x" {
		t.Error("it has not what the first one had")
	}
}

func TestWhatIsNoSpoolIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"text": "root:x:0:0\n", "zeros": strings.Repeat("\x00", 1<<20), "long text": words(1 << 20),
		"of bbolt's": foreign(t, nil), "without a freelist": foreign(t, &bbolt.Options{NoFreelistSync: true}),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		s := &spool.Spool{Path: path}
		if err := s.Open(); !errors.Is(err, spool.ErrNotSpool) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", name, err)
		}
		if left, err := os.ReadFile(path); err != nil || string(left) != content {
			t.Errorf("%s has been changed (%v)", name, err)
		}
	}
	if err := (&spool.Spool{Path: dir}).Open(); err == nil {
		t.Error("a directory can be opened")
	}
	if err := (&spool.Spool{Path: filepath.Join(dir, "none", "x")}).Open(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without its directory: %v", err)
	}
}

// foreign is a file of bbolt's with somebody's accounts in it.
func foreign(t *testing.T, options *bbolt.Options) string {
	path := filepath.Join(t.TempDir(), "foreign")
	db, err := bbolt.Open(path, 0o600, options)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		err = errors.Join(err, db.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucketIfNotExists([]byte("accounts"))
			return err
		}))
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(file)
}

func TestAnEmptyFileBecomesASpoolAndNothingIsLeftBeside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new.spool")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	s := opened(t, &spool.Spool{Path: path})
	publish(t, s, "x")
	consume(t, s, 1)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("%v %v", files, err)
	}
}

func TestAFileThatIsMostlyEmptyIsMadeSmall(t *testing.T) {
	t.Parallel()
	s := opened(t, &spool.Spool{MaxBytes: 1 << 30})
	for range 9 {
		if err := s.Publish(t.Context(), &spool.Entry{}, &numbersReader{size: 10 << 20}); err != nil {
			t.Fatal(err)
		}
	}
	kept := publish(t, s, "kept")
	publish(t, s, words(1<<20))
	consume(t, s, 9)
	for s.Stats().Bytes > 2<<20 {
		time.Sleep(time.Millisecond)
	}
	large := s.Stats()
	if err := errors.Join(s.Close(), s.Open()); err != nil {
		t.Fatal(err)
	}
	small := s.Stats()
	if large.FileBytes < 64<<20 || small.FileBytes > 8<<20 || small.Bytes != large.Bytes || small.Waiting != 2 {
		t.Errorf("%+v has become %+v", large, small)
	}
	entries, bodies := consume(t, s, 2)
	if entries[0].ID != kept || bodies[1] != words(1<<20) {
		t.Error("it has not the same in it")
	}
}

func TestASymbolicLinkStaysOne(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("not everybody may make links there")
	}
	dir, other := t.TempDir(), t.TempDir()
	link := filepath.Join(dir, "link.spool")
	for _, to := range []string{filepath.Join(other, "new.spool"), "beside.spool", filepath.Join(other, "empty.spool")} {
		if filepath.Base(to) == "empty.spool" {
			if err := os.WriteFile(to, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(os.RemoveAll(link), os.Symlink(to, link)); err != nil {
			t.Fatal(err)
		}
		s := &spool.Spool{Path: link}
		for range 2 {
			if err := s.Open(); err != nil {
				t.Fatal(to, err)
			}
			publish(t, s, "x")
			s.Close()
		}
		if got, err := os.Readlink(link); err != nil || got != to {
			t.Errorf("the link to %s leads to %q, %v", to, got, err)
		}
		if info, err := os.Stat(link); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v, %v", to, info, err)
		}
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	if err := (&spool.Spool{Path: loop}).Open(); err == nil || !strings.Contains(err.Error(), "symbolic") {
		t.Errorf("a link to itself: %v", err)
	}
}

func TestFieldsAreChecked(t *testing.T) {
	for field, s := range map[string]*spool.Spool{
		"Path": {}, "LockWait": {Path: "x", LockWait: -1}, "Workers": {Path: "x", Workers: -1},
		"Delay": {Path: "x", Delay: -1}, "DelayMax": {Path: "x", DelayMax: -1},
	} {
		if err := s.Open(); err == nil || !strings.HasPrefix(err.Error(), "spool: "+field+" ") {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := (&spool.Spool{Path: "x", MaxBytes: -1, Attempts: -1}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestASpoolThatWasNeverOpenedSaysSo(t *testing.T) {
	var s spool.Spool
	if err := s.Publish(t.Context(), &spool.Entry{}, nil); !errors.Is(err, spool.ErrClosed) {
		t.Error(err)
	}
	if err := s.Run(t.Context(), nil); !errors.Is(err, spool.ErrClosed) {
		t.Error(err)
	}
	if s.Stats() != (spool.Stats{}) || s.Close() != nil {
		t.Error("it has done something")
	}
}
