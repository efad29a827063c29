package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/heeler-go/heeler/internal/tempfile"
)

// repair makes a new file of what can be read in a damaged one, which it keeps under another name.
//
// bbolt never writes over what the last commit needs, and over what the one before needs only once the
// last is on the disk. So what is missing in the last tree may still be in the other.
func repair(path string, f *os.File, size int64, valid []meta, reason error) (*store, error) {
	lost := &Lost{Reason: reason}
	trees := make([]*survey, len(valid))
	for i, m := range valid {
		trees[i] = look(f, size, m, true)
	}
	if !trees[0].ours && !trees[len(trees)-1].ours {
		return nil, fmt.Errorf("%w: %s has other things in it: %w", ErrNotSpool, path, reason)
	}
	var c copier
	db, file, temp, err := newFile(filepath.Dir(path), func(db *bbolt.DB) error {
		c = copier{db: db, f: f, seen: make(map[string]bool)}
		defer c.rollback()
		if err := c.copyAll(trees[0]); err != nil {
			return err
		}
		lost.Saved = c.saved
		if len(trees) == 1 {
			return c.finish()
		}
		if err := c.copyAll(trees[1]); err != nil {
			return err
		}
		lost.Again = c.saved - lost.Saved
		lost.Saved = c.saved
		return c.finish()
	})
	if err != nil {
		return nil, err
	}
	lost.count(trees, c)
	if !consecutive(valid) {
		lost.Entries, lost.Bytes = -1, -1
	}
	if lost.Kept, err = keep(path, time.Now()); err == nil {
		if err = os.Rename(temp, path); err == nil {
			err = tempfile.SyncDir(filepath.Dir(path))
		}
	}
	if err != nil {
		db.Close()
		_ = os.Remove(temp)
		return nil, fmt.Errorf("spool: putting the repaired file in place: %w", fullOr(err))
	}
	return &store{db: db, file: file, state: c.state, lastUpload: c.upload, lost: lost}, nil
}

// count says how much is missing, if the last commit tells how much there was.
func (l *Lost) count(trees []*survey, c copier) {
	for _, id := range c.torn {
		if !c.seen[id] && !slices.Contains(l.IDs, id) {
			l.IDs = append(l.IDs, id)
		}
	}
	last := trees[0]
	if len(trees) == 1 || !last.known {
		l.Entries, l.Bytes = -1, -1
		return
	}
	// Of those that only the tree before had, as many were removed in the last commit as it says.
	removed := 0
	if before := trees[1]; before.known && last.state.removed > before.state.removed {
		removed = int(min(last.state.removed-before.state.removed, uint64(l.Again)))
	}
	l.Entries = max(int(last.state.waiting+last.state.dead)-(l.Saved-removed), 0)
	orphans := uint64(0)
	for _, u := range last.uploads {
		if !u.wanted {
			orphans += uint64(u.bytes + u.rows*(checksum+rowKey))
		}
	}
	l.Bytes = max(int64(last.state.bytes)-int64(orphans)-int64(c.state.bytes), 0)
}

// keep gives the file a second name.
func keep(path string, now time.Time) (string, error) {
	name := path + ".damaged-" + now.UTC().Format("20060102T150405Z")
	for i := 1; ; i++ {
		kept := name
		if i > 1 {
			kept = fmt.Sprintf("%s-%d", name, i)
		}
		switch err := os.Link(path, kept); {
		case err == nil:
			return kept, nil
		case !errors.Is(err, fs.ErrExist):
			return kept, os.Rename(path, kept) // a file system without links
		}
	}
}

// compact makes a smaller file of a sound one, and puts it in its place.
func compact(path string, f *os.File, size int64, m meta) (*store, error) {
	var c copier
	db, file, temp, err := newFile(filepath.Dir(path), func(db *bbolt.DB) error {
		c = copier{db: db, f: f, seen: make(map[string]bool)}
		defer c.rollback()
		s := look(f, size, m, true)
		if err := c.copyAll(s); err != nil {
			return err
		}
		if err := errors.Join(s.hurt, c.finish()); err != nil {
			return err
		}
		if len(c.torn) > 0 || c.saved != int(s.state.waiting+s.state.dead) {
			return ErrDamaged // whoever reads that body will be told
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err = os.Rename(temp, path); err == nil {
		err = tempfile.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		db.Close()
		_ = os.Remove(temp)
		return nil, fmt.Errorf("spool: %w", err)
	}
	return &store{db: db, file: file, state: c.state, lastUpload: c.upload}, nil
}
