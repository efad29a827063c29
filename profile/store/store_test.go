package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/store"
)

// A keeper is what both stores are.
type keeper interface {
	Create(id string, data []byte) error
	Put(id string, data []byte) error
	Get(id string) ([]byte, error)
	Validate() error
}

// of gives one store of each kind, with the same bounds.
func of(t *testing.T, maxBytes int64, maxCount int, maxAge time.Duration) map[string]keeper {
	return map[string]keeper{
		"Memory": &store.Memory{MaxBytes: maxBytes, MaxCount: maxCount, MaxAge: maxAge},
		"Dir":    &store.Dir{Path: filepath.Join(t.TempDir(), "not", "there"), MaxBytes: maxBytes, MaxCount: maxCount, MaxAge: maxAge},
	}
}

func each(t *testing.T, maxBytes int64, maxCount int, test func(t *testing.T, s keeper)) {
	for name, s := range of(t, maxBytes, maxCount, 0) {
		t.Run(name, func(t *testing.T) { test(t, s) })
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantGet(t *testing.T, s keeper, id, want string) {
	t.Helper()
	if got, err := s.Get(id); err != nil || string(got) != want {
		t.Errorf("%s holds %.20q, %v; want %.20q", id, got, err, want)
	}
}

func wantGone(t *testing.T, s keeper, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if got, err := s.Get(id); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s holds %.20q, %v; want nothing", id, got, err)
		}
	}
}

func TestWhatIsPutIsThereForWhoeverKnowsTheID(t *testing.T) {
	each(t, 0, 0, func(t *testing.T, s keeper) {
		wantGone(t, s, "a")
		must(t, s.Create("a", []byte("one")))
		wantGet(t, s, "a", "one")
		must(t, s.Put("a", []byte("another")))
		wantGet(t, s, "a", "another")
		must(t, s.Put("b", nil))
		wantGet(t, s, "b", "")
		wantGone(t, s, "c")
	})
}

func TestCreateLeavesWhatIsThere(t *testing.T) {
	each(t, 10, 1, func(t *testing.T, s keeper) {
		must(t, s.Create("a", []byte("one")))
		if err := s.Create("a", []byte("another")); !errors.Is(err, fs.ErrExist) || err.Error() != "store: a: file already exists" {
			t.Errorf("Create says %v", err)
		}
		wantGet(t, s, "a", "one")
	})
}

func TestNoRoomIsMadeForWhatIsThereAlready(t *testing.T) {
	each(t, 10, 2, func(t *testing.T, s keeper) {
		must(t, s.Create("a", []byte("123")))
		must(t, s.Create("b", []byte("1234567")))
		if err := s.Create("b", []byte("1234567890")); !errors.Is(err, fs.ErrExist) {
			t.Errorf("Create says %v", err)
		}
		wantGet(t, s, "a", "123")
		wantGet(t, s, "b", "1234567")
	})
}

func TestTheStoreDoesNotShareWhatItIsGiven(t *testing.T) {
	each(t, 0, 0, func(t *testing.T, s keeper) {
		data := []byte("one")
		must(t, s.Create("a", data))
		copy(data, "two")
		wantGet(t, s, "a", "one")
	})
}

func TestAnEntryLargerThanTheStoreCostsNothing(t *testing.T) {
	each(t, 10, 0, func(t *testing.T, s keeper) {
		must(t, s.Put("a", []byte("12345")))
		must(t, s.Put("b", []byte("12345")))
		for _, write := range []func(string, []byte) error{s.Create, s.Put} {
			err := write("b", []byte("12345678901"))
			if !errors.Is(err, store.ErrTooLarge) || err.Error() != "store: entry too large: b has 11 bytes; at most 10 (MaxBytes) are accepted" {
				t.Errorf("the error is %v", err)
			}
		}
		wantGet(t, s, "a", "12345")
		wantGet(t, s, "b", "12345")
		must(t, s.Put("b", []byte("1234567890")))
		wantGone(t, s, "a")
	})
}

func TestOnlyAnIDIsAccepted(t *testing.T) {
	accepted := `a Z 0 _ - abcXYZ019_- .. ` + strings.Repeat("x", 100)
	each(t, 0, 0, func(t *testing.T, s keeper) {
		for id := range strings.FieldsSeq(strings.Replace(accepted, " .. ", " ", 1)) {
			must(t, s.Create(id, []byte(id)))
			wantGet(t, s, id, id)
		}
		for _, id := range []string{
			"", strings.Repeat("x", 101), ".", "..", "../a", "/etc/passwd", "a/b", `a\b`, "a.b", "a b", "a\x00", "a\n", "ä", "a:b", "*", "\xff",
		} {
			_, err := s.Get(id)
			for _, err := range []error{err, s.Create(id, nil), s.Put(id, nil)} {
				if err == nil || !strings.Contains(err.Error(), "accepted") || strings.Contains(err.Error(), "\n") || errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%q: the error is %v", id, err)
				}
			}
		}
	})
}

func TestValidateNamesTheFieldAndSoDoEveryCall(t *testing.T) {
	for want, s := range map[string]keeper{
		"store: Memory.MaxBytes is -1; it must be positive, or 0 for 64 MiB":   &store.Memory{MaxBytes: -1},
		"store: Memory.MaxCount is -1; it must be positive, or 0 for 100":      &store.Memory{MaxCount: -1},
		"store: Memory.MaxAge is -1s; it must be positive, or 0 for 24h0m0s":   &store.Memory{MaxAge: -time.Second},
		"store: Dir.Path is empty; a directory is needed":                      &store.Dir{},
		"store: Dir.MaxBytes is -1; it must be positive, or 0 for 64 MiB":      &store.Dir{Path: "x", MaxBytes: -1},
		"store: Dir.MaxCount is -100; it must be positive, or 0 for 100":       &store.Dir{Path: "x", MaxCount: -100},
		"store: Dir.MaxAge is -24h0m0s; it must be positive, or 0 for 24h0m0s": &store.Dir{Path: "x", MaxAge: -24 * time.Hour},
	} {
		_, got := s.Get("a")
		for _, err := range []error{s.Validate(), s.Create("a", nil), s.Put("a", nil), got} {
			if err == nil || err.Error() != want {
				t.Errorf("the error is\n  %v, want\n  %s", err, want)
			}
		}
	}
	for name, s := range of(t, 0, 0, 0) {
		if err := s.Validate(); err != nil {
			t.Errorf("the zero %s: %v", name, err)
		}
	}
}

// The sizes are such that any two of the largest fit beside each other, and no three.
func TestManyWritersAndReadersSeeWholeEntries(t *testing.T) {
	each(t, 20_000, 10, func(t *testing.T, s keeper) {
		var wg sync.WaitGroup
		for w := range 6 {
			wg.Go(func() {
				for i := range 100 {
					id := fmt.Sprint("id-", (w*7+i)%15)
					data := bytes.Repeat([]byte{byte('a' + w)}, 10+(i*977)%8000)
					if err := s.Put(id, data); err != nil {
						t.Error(err)
					}
					got, err := s.Get(id)
					if err == nil && (len(got) == 0 || bytes.Count(got, got[:1]) != len(got)) {
						t.Errorf("%s is no writer's: %.20q…", id, got)
					} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		sum, count := 0, 0
		for i := range 15 {
			if got, err := s.Get(fmt.Sprint("id-", i)); err == nil {
				count++
				sum += len(got)
			}
		}
		if count > 10 || sum > 20_000 || sum < 8_000 {
			t.Errorf("%d entries with %d bytes are left; at most 10 with 20,000 may be, and not nearly none", count, sum)
		}
	})
}

// Each Dir stands for a process of its own: they share nothing but the path.
func TestOfManyThatCreateTheSameOneSucceeds(t *testing.T) {
	path := t.TempDir()
	memory := &store.Memory{}
	for name, replica := range map[string]func() keeper{
		"Memory": func() keeper { return memory },
		"Dir":    func() keeper { return &store.Dir{Path: path} },
	} {
		t.Run(name, func(t *testing.T) {
			for round := range 150 {
				id := fmt.Sprint("round-", round)
				var won atomic.Value
				var wins atomic.Int32
				var wg sync.WaitGroup
				for w := range 8 {
					s, me := replica(), fmt.Sprint("writer ", w)
					wg.Go(func() {
						switch err := s.Create(id, []byte(me)); {
						case err == nil:
							wins.Add(1)
							won.Store(me)
						case !errors.Is(err, fs.ErrExist):
							t.Error(err)
						}
					})
				}
				wg.Wait()
				if wins.Load() != 1 {
					t.Fatalf("%d have created %s", wins.Load(), id)
				}
				wantGet(t, replica(), id, won.Load().(string))
			}
		})
	}
}
