//go:build linux

package journal_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/offpath/journal"
)

// disk notes what is saved, and when.
type disk struct {
	begun time.Time
	saved []string
	at    []time.Duration
	fails int // so many saves fail
}

func (d *disk) save(cursor string) error {
	if d.fails > 0 {
		d.fails--
		return errors.New("disk full")
	}
	d.saved = append(d.saved, cursor)
	d.at = append(d.at, time.Since(d.begun))
	return nil
}

func TestTenThousandRecordsAreAFewSavesAndTheLastIsAmongThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{begun: time.Now()}
		note, end := journal.KeepCursors(d.save, func(err error) { t.Error(err) })
		note("first")
		synctest.Wait()
		if !slices.Equal(d.saved, []string{"first"}) {
			t.Fatalf("at once: %q", d.saved)
		}
		for range 10_000 {
			note("one of many")
			time.Sleep(250 * time.Microsecond)
		}
		note("last")
		time.Sleep(time.Second)
		synctest.Wait()
		if len(d.saved) != 4 || d.saved[3] != "last" {
			t.Errorf("in 3.5 s: %q at %v", d.saved, d.at)
		}
		time.Sleep(time.Hour)
		note("after an hour")
		synctest.Wait()
		if d.saved[len(d.saved)-1] != "after an hour" || len(d.saved) != 5 {
			t.Errorf("after a pause it waits: %q", d.saved)
		}
		note("at the end")
		if err := end(); err != nil || d.saved[len(d.saved)-1] != "at the end" {
			t.Errorf("%v; saved %q", err, d.saved)
		}
	})
}

func TestACursorThatCannotBeSavedIsSavedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &disk{begun: time.Now(), fails: 2}
		told := 0
		note, end := journal.KeepCursors(d.save, func(error) { told++ })
		note("a")
		time.Sleep(2500 * time.Millisecond)
		synctest.Wait()
		if !slices.Equal(d.saved, []string{"a"}) || told != 1 {
			t.Errorf("saved %q, told %d times", d.saved, told)
		}
		d.fails = 150
		note("b")
		time.Sleep(2 * time.Minute) // a full disk is no reason to fill the log as well
		synctest.Wait()
		if told != 3 {
			t.Errorf("told %d times", told)
		}
		if err := end(); err == nil || told != 3 {
			t.Errorf("the end says %v, and told %d times", err, told)
		}
	})
}

// following starts f and returns what ends it and gives Run's error.
func following(t *testing.T, f *journal.Follower) (end func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 1)
	go func() { result <- f.Run(ctx) }()
	var err error
	ended := false
	end = func() error {
		if !ended {
			cancel()
			select {
			case err = <-result:
			case <-time.After(30 * time.Second):
				t.Fatal("Run does not end")
			}
			ended = true
		}
		return err
	}
	t.Cleanup(func() { end() })
	return end
}

func TestACursorFileWithoutACursorIsAnErrorAndStays(t *testing.T) {
	for _, content := range []string{"", "\n", "garbage\n", "s=1;i=xyz\n", "s=1;i=2\ns=1;i=3\n", "s=1;;i=2", "s=", "=1", "ss=1", "\x00\x00\x00\x00", "--rotate", strings.Repeat("s=1;", 1000) + "s=1"} {
		path := filepath.Join(t.TempDir(), "cursor")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		f := &journal.Follower{Cursor: path, Handle: acknowledge, Journalctl: []string{"false"}}
		err := f.Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("%.40q: %v", content, err)
		}
		if data, _ := os.ReadFile(path); string(data) != content {
			t.Errorf("%.40q was changed to %q", content, data)
		}
	}
}

func TestACursorFileThatCannotBeUsedIsAnErrorThatNamesIt(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{dir, filepath.Join(dir, "missing", "cursor")} {
		err := (&journal.Follower{Cursor: path, Handle: acknowledge, Journalctl: []string{"true"}}).Run(t.Context())
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
}
