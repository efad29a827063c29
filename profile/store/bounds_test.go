package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/profile/store"
)

// file is where a Dir keeps an entry.
func file(d *store.Dir, id string) string { return filepath.Join(d.Path, "profile_"+id+".heeler") }

// written makes an entry of a Dir as old as age.
func written(t *testing.T, d *store.Dir, id string, age time.Duration) {
	t.Helper()
	must(t, os.Chtimes(file(d, id), time.Time{}, time.Now().Add(-age)))
}

func TestTheOldestGoWhenThereIsNoRoom(t *testing.T) {
	for name, c := range map[string]struct {
		maxBytes int64
		maxCount int
		puts     string // ids with sizes; "?" reads
		want     string // what is left
	}{
		"count":                     {0, 2, "a1 b1 c1", "b c"},
		"count, none too many":      {0, 3, "a1 b1 c1", "a b c"},
		"count of empty ones":       {1, 2, "a0 b0 c0", "b c"},
		"bytes":                     {10, 0, "a5 b5 c5", "b c"},
		"bytes, as many as needed":  {10, 0, "a2 b2 c2 d7", "c d"},
		"bytes, all":                {9, 0, "a2 b2 c2 d9", "d"},
		"what is replaced is free":  {9, 0, "a2 b2 c4 c5", "a b c"},
		"what is replaced is new":   {0, 2, "a1 b1 a1 c1", "a c"},
		"what grows costs others":   {9, 0, "a2 b2 c4 a4", "a c"},
		"what is read stays as old": {0, 2, "a1 b1 a? c1", "b c"},
	} {
		for kind, s := range of(t, c.maxBytes, c.maxCount, 0) {
			t.Run(name+"/"+kind, func(t *testing.T) {
				for i, put := range strings.Fields(c.puts) {
					id, size := put[:1], int(put[1]-'0')
					if put[1] == '?' {
						wantGet(t, s, id, "x")
						continue
					}
					must(t, s.Put(id, []byte(strings.Repeat("x", size))))
					if d, ok := s.(*store.Dir); ok { // as its clock may be too coarse to tell them apart
						written(t, d, id, time.Hour-time.Duration(i)*time.Second)
					}
				}
				var left []string
				for _, id := range []string{"a", "b", "c", "d"} {
					if _, err := s.Get(id); err == nil {
						left = append(left, id)
					}
				}
				if got := strings.Join(left, " "); got != c.want {
					t.Errorf("left are %q, want %q", got, c.want)
				}
			})
		}
	}
}

func TestAHundredAreKeptUnlessToldOtherwise(t *testing.T) {
	each(t, 0, 0, func(t *testing.T, s keeper) {
		for i := range 130 {
			must(t, s.Create(fmt.Sprint("id", i), []byte("x")))
		}
		kept := 0
		for i := range 130 {
			if _, err := s.Get(fmt.Sprint("id", i)); err == nil {
				kept++
			}
		}
		if kept != 100 {
			t.Errorf("%d are kept, want 100", kept)
		}
		wantGet(t, s, "id129", "x")
	})
}

func TestMemoryForgetsWhatIsOld(t *testing.T) {
	for age, s := range map[time.Duration]*store.Memory{time.Minute: {MaxAge: time.Minute}, 24 * time.Hour: {}} {
		synctest.Test(t, func(t *testing.T) {
			must(t, s.Create("a", []byte("one")))
			must(t, s.Create("b", []byte("two")))
			time.Sleep(age - time.Nanosecond)
			wantGet(t, s, "a", "one")
			must(t, s.Put("b", []byte("three")))
			time.Sleep(time.Nanosecond)
			wantGone(t, s, "a")
			must(t, s.Create("a", []byte("new")))
			time.Sleep(age - 2*time.Nanosecond)
			wantGet(t, s, "b", "three")
			time.Sleep(time.Nanosecond)
			wantGone(t, s, "b")
			wantGet(t, s, "a", "new")
		})
	}
}

func TestDirGivesNothingOutThatIsOld(t *testing.T) {
	for age, d := range map[time.Duration]*store.Dir{time.Hour: {MaxAge: time.Hour}, 24 * time.Hour: {}} {
		d.Path = t.TempDir()
		ages := map[string]time.Duration{
			"old": age, "young": age - time.Minute, "ahead": -age + time.Minute, "from-a-wrong-clock": -age - time.Minute,
		}
		for id := range ages {
			must(t, d.Create(id, []byte("x")))
		}
		for id, age := range ages {
			written(t, d, id, age)
		}
		wantGone(t, d, "old", "from-a-wrong-clock")
		wantGet(t, d, "young", "x")
		wantGet(t, d, "ahead", "x")
		if got := names(t, d.Path); len(got) != 4 {
			t.Errorf("the directory holds %q; reading removes nothing", got)
		}
		must(t, d.Put("old", []byte("new")))
		wantGet(t, d, "old", "new")
		if got := names(t, d.Path); len(got) != 3 {
			t.Errorf("the directory holds %q; want no file from a wrong clock", got)
		}
	}
}
