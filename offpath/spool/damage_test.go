package spool_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/offpath/spool"
)

// A sample is a spool's file, and what was in it.
type sample struct {
	name   string
	file   []byte
	bodies map[string]string // by ID
}

const page = 4096

// samples makes files whose last pages have different things.
func samples(t testing.TB) (all []sample) {
	for _, of := range []struct {
		name   string
		bodies []int // their lengths; a negative one is an entry that is acknowledged at that moment
	}{
		{"empty", nil},
		{"one", []int{10}},
		{"small", repeat(40, 300)},
		{"long last", append(repeat(3, 300), 132<<10)},
		{"rows last", append(repeat(5, 300), 20_000, 6000)},
		{"mixed", append(append(repeat(9, 2000), 10_000, -1, 10, 5000, -1, -1), repeat(4, 5000)...)},
		{"short again", append(append(repeat(30, 3000), repeat(29, -1)...), 77)},
	} {
		path := filepath.Join(t.TempDir(), "sample.spool")
		s := opened(t, &spool.Spool{Path: path})
		bodies := map[string]string{}
		for i, n := range of.bodies {
			if n < 0 {
				entries, _ := consume(t, s, 1)
				delete(bodies, entries[0].ID)
				continue
			}
			body := fmt.Sprint(i, words(n))
			bodies[publish(t, s, body)] = body
		}
		used := s.Used()
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, sample{of.name, file[:used], bodies})
	}
	return all
}

func repeat(n, length int) (lengths []int) {
	for range n {
		lengths = append(lengths, length)
	}
	return lengths
}

// fast gives a directory in memory, where there is one: these tests open thousands of files.
func fast(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "spool")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// An outcome is what came of opening a damaged file.
type outcome struct {
	err  error
	lost *spool.Lost
	here map[string]bool // IDs with a sound body
	torn int             // entries with a body that tells that it is damaged
}

// open opens bytes as a file, and looks at what is in it. Whatever the bytes are, all that it delivers
// must be what was published.
func (sm sample) open(t testing.TB, dir string, file []byte) (out outcome) {
	t.Helper()
	path := filepath.Join(dir, "damaged.spool")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s := &spool.Spool{Path: path, OnLost: func(l spool.Lost) { out.lost = &l }}
	if out.err = s.Open(); out.err != nil {
		left, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(left, file) {
			t.Errorf("Open says %v and has changed the file (%v)", out.err, err)
		}
		return out
	}
	defer s.Close()
	if out.lost != nil {
		kept, err := os.ReadFile(out.lost.Kept)
		if err != nil || !bytes.Equal(kept, file) {
			t.Errorf("the damaged file is not kept: %v", err)
		}
		if err := os.Remove(out.lost.Kept); err != nil {
			t.Error(err)
		}
	}
	entries, err := s.Waiting()
	if err != nil {
		t.Error("looking through what is left:", err)
	}
	out.here = map[string]bool{}
	for _, e := range entries {
		b, err := io.ReadAll(e.Body())
		switch want, ok := sm.bodies[e.ID]; {
		case err != nil && !errors.Is(err, spool.ErrDamaged):
			t.Error("reading a body:", err)
		case err != nil:
			out.torn++
		case ok && string(b) != want:
			t.Errorf("a body of %d bytes came back with %d others", len(want), len(b))
		default:
			out.here[e.ID] = true
		}
	}
	if st := s.Stats(); st.Waiting != len(entries) {
		t.Errorf("%d wait by the count, there are %d", st.Waiting, len(entries))
	}
	return out
}

// missing is how many of a sample's entries are not here.
func (sm sample) missing(out outcome) (n int) {
	for id := range sm.bodies {
		if !out.here[id] {
			n++
		}
	}
	return n
}

func TestAFileCutAtEachByteOfItsLastPageTellsWhatIsLost(t *testing.T) {
	t.Parallel()
	for _, sm := range samples(t) {
		t.Run(sm.name, func(t *testing.T) {
			t.Parallel()
			dir, step := fast(t), 17
			switch sm.name {
			case "one": // whose last page is a commit's root
				step = 1
			case "long last": // a leaf
				step = 7
			}
			if testing.Short() {
				step = 61
			}
			lost := map[int]int{}
			for cut := len(sm.file) - page; cut <= len(sm.file); cut += step {
				out := sm.open(t, dir, sm.file[:cut])
				switch {
				case out.err != nil:
					t.Fatalf("cut at %d of %d: %v", cut, len(sm.file), out.err)
				case out.torn > 0:
					t.Fatalf("cut at %d: a torn body was not noticed", cut)
				case out.lost == nil && sm.missing(out) > 0:
					t.Fatalf("cut at %d: %d entries are lost without a word", cut, sm.missing(out))
				case out.lost != nil && out.lost.Entries < 0 && sm.missing(out) <= 1: // each commit has added one
				case out.lost != nil && (out.lost.Entries != sm.missing(out) || out.lost.Saved != len(out.here)):
					t.Fatalf("cut at %d: %d are missing, %d here, it says: %v", cut, sm.missing(out), len(out.here), out.lost)
				case out.lost != nil && !strings.Contains(out.lost.String(), fmt.Sprintf("%d entries (", out.lost.Entries)):
					t.Fatalf("it says %v", out.lost)
				}
				lost[sm.missing(out)]++
			}
			t.Logf("entries lost: at so many cuts: %v", lost)
		})
	}
}

func TestAFileThatIsDamagedAnywhereIsSavedAsFarAsItGoes(t *testing.T) {
	t.Parallel()
	rounds := 150
	if testing.Short() {
		rounds = 15
	}
	for _, sm := range samples(t) {
		t.Run(sm.name, func(t *testing.T) {
			t.Parallel()
			dir := fast(t)
			refused, repaired, unnoticed := 0, 0, 0
			for range rounds {
				seed := rand.Uint64()
				file := damaged(sm.file, rand.New(rand.NewPCG(seed, 0)))
				out := sm.open(t, dir, file)
				switch {
				case out.err != nil:
					if refused++; !errors.Is(out.err, spool.ErrNotSpool) {
						t.Errorf("seed %d: %v", seed, out.err)
					}
				case out.lost == nil:
					if unnoticed++; sm.missing(out) != out.torn {
						t.Errorf("seed %d: %d entries are missing without a word", seed, sm.missing(out))
					}
				default:
					repaired++
					if !errors.Is(out.lost.Reason, spool.ErrDamaged) {
						t.Errorf("seed %d: %v", seed, out.lost)
					}
					// What is repaired has no torn body, and one entry too many missing at most where the last
					// commit took some away that are back now.
					n := sm.missing(out)
					if l := out.lost; out.torn > 0 || l.Entries >= 0 && (l.Entries < n || l.Entries > n+l.Again) {
						t.Errorf("seed %d: %d are missing, %d torn, it says: %v", seed, n, out.torn, l)
					}
				}
			}
			t.Logf("not ours any more %d, repaired %d, no harm or only bodies that tell %d", refused, repaired, unnoticed)
		})
	}
}

// damaged is a file after some accident.
func damaged(file []byte, rnd *rand.Rand) []byte {
	file = bytes.Clone(file)
	at := rnd.IntN(len(file))
	if rnd.IntN(3) == 0 {
		at = rnd.IntN(page * 2)
	}
	start := at / page * page
	switch rnd.IntN(8) {
	case 0:
		return file[:at]
	case 1: // a page of zeros
		clear(file[start : start+page])
	case 2: // a page of noise
		for i := range page {
			file[start+i] = byte(rnd.Uint32())
		}
	case 3: // another page
		other := rnd.IntN(len(file)/page) * page
		copy(file[start:], file[other:other+page])
	case 4: // one bit
		file[at] ^= 1 << rnd.IntN(8)
	case 5: // zeros from there to the end, as after a crash of the machine
		clear(file[at:])
	default: // a number in the heads, where it does the most harm; metas with a good checksum
		field := start + rnd.IntN(20)*4
		binary.NativeEndian.PutUint32(file[min(field, len(file)-4):], pick(rnd))
		seal(file)
	}
	return file
}

func pick(rnd *rand.Rand) uint32 {
	some := []uint32{0, 1, 2, 3, 4, 5, 16, 4096, 1 << 16, 1 << 31, 1<<32 - 1, rnd.Uint32(), uint32(rnd.IntN(200))}
	return some[rnd.IntN(len(some))]
}

// seal makes the checksums of the meta pages those of what is in them.
func seal(file []byte) {
	for i := range 2 {
		if m := i*page + 16; len(file) >= m+64 {
			sum := fnv.New64a()
			sum.Write(file[m : m+56])
			binary.NativeEndian.PutUint64(file[m+56:], sum.Sum64())
		}
	}
}

// FuzzOpen opens files with anything in them. It must not end the process, nor fail in another way than it
// says.
func FuzzOpen(f *testing.F) {
	all := samples(f)
	for i := range all {
		f.Add(uint8(i), uint32(0), []byte{}, false, uint32(1<<31))
		f.Add(uint8(i), uint32(16+16), []byte{0xff, 0xff}, true, uint32(1<<31))
		f.Add(uint8(i), uint32(3*page+10), []byte{0xff, 0xff}, false, uint32(7*page))
	}
	dir := fast(f)
	f.Fuzz(func(t *testing.T, which uint8, at uint32, patch []byte, sealed bool, length uint32) {
		sm := all[int(which)%len(all)]
		file := bytes.Clone(sm.file)
		copy(file[int(at)%len(file):], patch)
		if sealed {
			seal(file)
		}
		file = file[:min(len(file), int(length))]
		out := sm.open(t, dir, file)
		if out.err != nil && !errors.Is(out.err, spool.ErrNotSpool) {
			t.Error(out.err)
		}
	})
}
