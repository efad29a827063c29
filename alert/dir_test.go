package alert_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
)

func names(t *testing.T, dir string) (out []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func send(t *testing.T, s alert.Sink, a alert.Alert) {
	t.Helper()
	if err := s.Send(t.Context(), a); err != nil {
		t.Fatal(err)
	}
}

func TestDirWritesOneFilePerAlertAndItsFilesBesideIt(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "not", "there")
	a := example
	a.Time = time.Now()
	a.Count = 17
	a.Files = []alert.File{
		{Name: "request.trace", Data: []byte("trace")},
		{Name: "../../escape.json", Data: []byte("{}")},
		{Name: "second.JSON", Data: []byte("[]")},
		{Name: "/etc/passwd", Data: []byte("x")},
		{Name: "a.txt", Data: []byte("not the report")},
		{Name: "evil.sh\x00\n/../..", Data: []byte("x")},
	}
	send(t, &alert.Dir{Path: dir, Prefix: "slow"}, a)

	got := names(t, dir)
	stem := strings.TrimSuffix(got[0][:strings.LastIndexByte(got[0], '_')+9], ".")
	if !regexp.MustCompile(`^slow_\d{8}T\d{6}\.\d{3}Z_get-repo-heeler-has-taken-23-s_[0-9a-f]{8}$`).MatchString(stem) {
		t.Errorf("the name is %q", got[0])
	}
	var want []string
	for ending, data := range map[string]string{
		".trace": "trace", ".json": "{}", ".2.json": "[]", ".bin": "x", ".2.txt": "not the report", ".2.bin": "x", ".txt": a.Report(),
	} {
		want = append(want, stem+ending)
		if b, _ := os.ReadFile(filepath.Join(dir, stem+ending)); string(b) != data {
			t.Errorf("%s holds %q, want %q", ending, b, data)
		}
		if info, err := os.Stat(filepath.Join(dir, stem+ending)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, error %v", ending, info, err)
		}
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the directory holds\n%q, want\n%q", got, want)
	}
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %v", info.Mode())
	}
}

func TestDirKeepsTheNewestAndWhatIsNotItsOwn(t *testing.T) {
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		dir  alert.Dir
		ages []time.Duration // in the order of writing
		want string          // the titles that are left, the oldest first
	}{
		"number":                {alert.Dir{MaxFiles: 2}, []time.Duration{3 * day, 2 * day, day}, "1 2"},
		"number, out of order":  {alert.Dir{MaxFiles: 2}, []time.Duration{day, 2 * day, 3 * day}, "2 0"},
		"age":                   {alert.Dir{MaxAge: 36 * time.Hour}, []time.Duration{3 * day, 2 * day, day}, "2"},
		"bytes":                 {alert.Dir{MaxBytes: 2500}, []time.Duration{3 * day, 2 * day, day}, "1 2"},
		"bytes, one is too big": {alert.Dir{MaxBytes: 1}, []time.Duration{3 * day, 2 * day, day}, "2"},
		"none":                  {alert.Dir{MaxFiles: -1, MaxAge: -1, MaxBytes: -1}, []time.Duration{400 * day, 2 * day}, "0 1"},
		"defaults":              {alert.Dir{}, []time.Duration{31 * day, 29 * day, 0}, "1 2"},
	} {
		t.Run(name, func(t *testing.T) {
			c.dir.Path = t.TempDir()
			foreign := []string{
				"alert_20200101T000000.000Z_note.txt", "notes.txt", "slow_20200101T000000.000Z_x_00000000.txt",
				"alert_20209901T000000.000Z_x_00000000.txt", "alert_20200101T000000.000Z_x_00000000", ".heeler-new.tmp",
			}
			for _, f := range foreign {
				if err := os.WriteFile(filepath.Join(c.dir.Path, f), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			folder := "alert_20200101T000000.000Z_folder_00000000.txt"
			if err := os.Mkdir(filepath.Join(c.dir.Path, folder), 0o700); err != nil {
				t.Fatal(err)
			}
			for i, age := range c.ages {
				send(t, c.dir, alert.Alert{
					Time: time.Now().Add(-age), Title: fmt.Sprint(i),
					Text:  strings.Repeat("x", 500),
					Files: []alert.File{{Name: "a.trace", Data: make([]byte, 600)}},
				})
			}
			var left []string
			all := names(t, c.dir.Path)
			for _, n := range all {
				if strings.HasSuffix(n, ".txt") && !slices.Contains(foreign, n) && n != folder {
					left = append(left, strings.Split(n, "_")[2])
					if !slices.Contains(all, strings.TrimSuffix(n, "txt")+"trace") {
						t.Errorf("%s has lost its trace", n)
					}
				}
			}
			if got := strings.Join(left, " "); got != c.want {
				t.Errorf("left are %q, want %q", got, c.want)
			}
			if n := len(all) - 2*len(left); n != len(foreign)+1 {
				t.Errorf("of %d foreign files %d are left, or traces without a report: %q", len(foreign)+1, n, all)
			}
		})
	}
}

func TestDirCleansUpAfterAProcessThatDied(t *testing.T) {
	dir := t.TempDir()
	for name, age := range map[string]time.Duration{".heeler-1.tmp": 2 * time.Hour, ".heeler-2.tmp": time.Minute} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, time.Time{}, time.Now().Add(-age))); err != nil {
			t.Fatal(err)
		}
	}
	send(t, alert.Dir{Path: dir}, example)
	if got := names(t, dir); slices.Contains(got, ".heeler-1.tmp") || !slices.Contains(got, ".heeler-2.tmp") {
		t.Errorf("left are %q", got)
	}
}

func TestDirSaysWhichPathCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := alert.Dir{Path: file}.Send(t.Context(), example)
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "not a directory") {
		t.Errorf("Send says %v", err)
	}
	dir := t.TempDir() // where a temporary file can be made, but not the report
	if err := (alert.Dir{Path: dir, Prefix: strings.Repeat("x", 250)}).Send(t.Context(), example); err == nil || !strings.Contains(err.Error(), "file name too long") {
		t.Errorf("Send says %v", err)
	}
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("left are %q", left)
	}
	if err := (alert.Dir{}).Send(t.Context(), example); err == nil || err.Error() != "alert: Dir.Path is empty; a directory is needed" {
		t.Errorf("Send says %v", err)
	}
}

func TestDirMindsItsContextAndLeavesNoHalfFile(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (alert.Dir{Path: dir}).Send(ctx, example); !errors.Is(err, context.Canceled) {
		t.Errorf("Send says %v", err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("left are %q", got)
	}
}

// Each Dir stands for a process of its own: they share nothing but the path.
func TestSeveralWritersShareADirectory(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 40 {
				a := alert.Alert{Time: time.Now(), Title: fmt.Sprint(w, i), Text: strings.Repeat("y", 10_000)}
				if err := (alert.Dir{Path: dir, MaxFiles: 5}).Send(context.Background(), a); err != nil {
					t.Error(err)
				}
			}
		})
	}
	stop := make(chan struct{})
	reader := make(chan struct{})
	go func() { // a reader never sees half a report
		defer close(reader)
		for {
			select {
			case <-stop:
				return
			default:
			}
			paths, _ := filepath.Glob(filepath.Join(dir, "alert_*.txt"))
			for _, p := range paths {
				if b, err := os.ReadFile(p); err == nil && !strings.HasSuffix(string(b), "yyy\n") {
					t.Errorf("half a report: %d bytes", len(b))
				} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
					t.Error(err)
				}
			}
		}
	}()
	wg.Wait()
	close(stop)
	<-reader
	send(t, alert.Dir{Path: dir, MaxFiles: 5}, example)
	if got := names(t, dir); len(got) != 5 {
		t.Errorf("left are %q, want 5", got)
	}
}
