package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/internal/tempfile"
)

// A kept is the file of one entry.
type kept struct {
	name    string
	bytes   int64
	written time.Time
}

// makeRoom removes what has expired, the oldest entries until one more with so many bytes fits under id,
// and the temporary files of processes that have died. Others may do the same at the same time: what is
// gone is gone.
func (d *Dir) makeRoom(b bounds, id string, size int64, now time.Time) error {
	files, err := os.ReadDir(d.Path)
	if err != nil {
		return err
	}
	others, leftovers := sift(files, id, now)
	for _, name := range append(leftovers, b.tooMuch(others, size, now)...) {
		if err := os.Remove(filepath.Join(d.Path, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("no room can be made: %w", err)
		}
	}
	return nil
}

// sweep removes only what nobody can want any more.
func (d *Dir) sweep(age time.Duration) error {
	return d.makeRoom(bounds{bytes: math.MaxInt64, count: math.MaxInt, age: age}, "", 0, time.Now())
}

// sift finds the entries among a directory's files, but for id's, and the leftovers.
func sift(files []os.DirEntry, id string, now time.Time) (others []kept, leftovers []string) {
	for _, f := range files {
		if tempfile.IsLeftover(f, now) {
			leftovers = append(leftovers, f.Name())
			continue
		}
		if other := idOf(f.Name()); other == "" || other == id || !f.Type().IsRegular() {
			continue
		}
		if info, err := f.Info(); err == nil { // else it is gone
			others = append(others, kept{f.Name(), info.Size(), info.ModTime()})
		}
	}
	return others, leftovers
}

// idOf is the id in the name of an entry's file; "" if it is not one.
func idOf(name string) string {
	id, ok := strings.CutPrefix(name, filePrefix)
	if !ok {
		return ""
	}
	if id, ok = strings.CutSuffix(id, fileSuffix); !ok || checkID(id) != nil {
		return ""
	}
	return id
}

// tooMuch are the names of those that have expired, and of the oldest that must go before one more with
// so many bytes fits.
func (b bounds) tooMuch(all []kept, size int64, now time.Time) (out []string) {
	slices.SortFunc(all, func(x, y kept) int { // the newest first
		return cmp.Or(y.written.Compare(x.written), strings.Compare(x.name, y.name))
	})
	count := 1
	for _, k := range all {
		if b.expired(k.written, now) {
			out = append(out, k.name)
			continue
		}
		count++
		size += k.bytes
		if count > b.count || size > b.bytes {
			out = append(out, k.name)
		}
	}
	return out
}
