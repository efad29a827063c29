package spool_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/spool"
)

// Where a meta page has its numbers.
const (
	rootAt, highAt, commitAt = 16 + 16, 16 + 40, 16 + 48
)

func TestAFileWhoseMetaPagesAreNotThoseOfTheLastTwoCommitsIsDamaged(t *testing.T) {
	for _, sm := range samples(t) {
		newer, older := sm.file[:page], sm.file[page:2*page]
		get, put := binary.NativeEndian.Uint64, binary.NativeEndian.PutUint64
		if get(newer[commitAt:]) < get(older[commitAt:]) {
			newer, older = older, newer
		}
		for name, change := range map[string]func(newer, older []byte){
			"the newer leads to the older root": func(newer, older []byte) { copy(newer[rootAt:rootAt+8], older[rootAt:]) },
			"one is from long ago":              func(newer, older []byte) { put(newer[commitAt:], get(older[commitAt:])-3) },
			"one is from the future":            func(newer, _ []byte) { put(newer[commitAt:], get(newer[commitAt:])+2) },
			"one has been copied":               func(newer, older []byte) { copy(newer[16:], older[16:]) },
			"one is gone":                       func(newer, _ []byte) { clear(newer) },
			"the file should be immense":        func(newer, _ []byte) { put(newer[highAt:], 1<<50) },
			"the root is itself":                func(newer, _ []byte) { put(newer[rootAt:], 1) },
		} {
			file := bytes.Clone(sm.file)
			if &newer[0] == &sm.file[0] {
				change(file[:page], file[page:2*page])
			} else {
				change(file[page:2*page], file[:page])
			}
			seal(file)
			out := sm.open(t, fast(t), file)
			// The end of a file that should be immense was free, so that nothing is lost.
			if out.err != nil || out.lost == nil && name != "the file should be immense" {
				t.Errorf("%s, %s: %v, lost %v", sm.name, name, out.err, out.lost)
				continue
			}
			if n := sm.missing(out); n > 1 || n == 1 && (out.lost == nil || out.lost.Entries >= 0) {
				t.Errorf("%s, %s: %d entries are missing, lost %v", sm.name, name, n, out.lost)
			}
		}
	}
}

func TestWhatIsSavedKeepsItsAttemptsAndTheDeadAreDead(t *testing.T) {
	var lost *spool.Lost
	s := opened(t, &spool.Spool{
		Path: filepath.Join(t.TempDir(), "saved.spool"), Attempts: 1,
		OnDead: func(*spool.Entry, error) {}, OnLost: func(l spool.Lost) { lost = &l },
	})
	dead := publish(t, s, words(300<<10))
	die(t, s, 1)
	s.Attempts = -1
	waiting := publish(t, s, "waiting")
	fail(t, s, 3)
	damaged := publish(t, s, strings.ToUpper(words(140<<10)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	// One bit of a body and one meta page: the body is noticed because of the other.
	rot(t, file, strings.ToUpper(words(140 << 10))[70_000:71_000])
	older := 0
	if binary.NativeEndian.Uint64(file[commitAt:]) > binary.NativeEndian.Uint64(file[page+commitAt:]) {
		older = page
	}
	clear(file[older : older+page])
	if err := os.WriteFile(s.Path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	if lost == nil || lost.Saved != 2 || len(lost.IDs) != 1 || lost.IDs[0] != damaged {
		t.Fatalf("%+v", lost)
	}
	for e, err := range s.Dead() {
		if err != nil || e.ID != dead || e.Attempts != 1 || e.LastError != "no" || read(t, e.Body()) != words(300<<10) {
			t.Errorf("%+v %v", e, err)
		}
	}
	entries, err := s.Waiting()
	if err != nil || len(entries) != 1 || entries[0].ID != waiting || entries[0].Attempts < 3 || entries[0].LastError != "no" {
		t.Errorf("%+v %v", entries, err)
	}
	if st := s.Stats(); st.Waiting != 1 || st.Dead != 1 {
		t.Errorf("%+v", st)
	}
	if err := s.Discard(dead); err != nil {
		t.Error(err)
	}
	consume(t, s, 1)
	empties(t, s)
}

// rot changes one bit of a text, wherever it is in a file.
func rot(t *testing.T, file []byte, text string) {
	t.Helper()
	found := 0
	for at := bytes.Index(file, []byte(text)); at >= 0; at = bytes.Index(file, []byte(text)) {
		file[at+100] ^= 1
		found++
	}
	if found == 0 {
		t.Fatal("the text is not in the file")
	}
}

// fail runs s until so many attempts have failed.
func fail(t *testing.T, s *spool.Spool, n uint64) {
	t.Helper()
	s.Delay, s.DelayMax = time.Microsecond, time.Microsecond
	before := s.Stats().Failed
	running(t, s, errors.New("no"), func() bool { return s.Stats().Failed >= before+n })
}

func TestABodyThatHasRottenTellsTheConsumer(t *testing.T) {
	s := opened(t, &spool.Spool{})
	publish(t, s, words(140<<10))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(s.Path)
	if err != nil {
		t.Fatal(err)
	}
	rot(t, file, words(140 << 10)[70_000:71_000])
	if err := os.WriteFile(s.Path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	entries, err := s.Waiting()
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(entries[0].Body())
	if !errors.Is(err, spool.ErrDamaged) || string(b) != words(65496) {
		t.Errorf("after %d bytes: %v", len(b), err)
	}
}
