package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"go.etcd.io/bbolt"
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
		return nil, fmt.Errorf("%w: %s: %w", ErrNotSpool, path, reason)
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
			err = syncDir(path)
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
		err = syncDir(path)
	}
	if err != nil {
		db.Close()
		_ = os.Remove(temp)
		return nil, fmt.Errorf("spool: %w", err)
	}
	return &store{db: db, file: file, state: c.state, lastUpload: c.upload}, nil
}

// A copier puts entries of an image into a new file, in the order of their numbers, which they keep.
type copier struct {
	db     *bbolt.DB
	f      *os.File
	seen   map[string]bool // IDs
	state  state
	upload uint64 // the last that was given
	saved  int
	torn   []string // IDs of entries whose body is damaged
	l      *ledger
	bytes  int
}

// copyAll copies what is not yet in the new file.
func (c *copier) copyAll(s *survey) error {
	for _, e := range s.entries {
		b := make([]byte, e.length)
		if _, err := c.f.ReadAt(b, e.offset); err != nil {
			return err
		}
		r, err := decode(b)
		if err != nil || c.seen[r.ID] {
			continue // it was sound a moment ago
		}
		if err := c.copyEntry(s, e, r); err != nil {
			return err
		}
	}
	c.state.next = max(c.state.next, s.state.next, s.counted.next)
	c.state.removed = max(c.state.removed, s.state.removed)
	return nil
}

func (c *copier) copyEntry(s *survey, e found, r *record) error {
	if r.upload != 0 {
		u := s.uploads[r.upload]
		old := r.upload
		c.upload++
		r.upload = c.upload
		whole, err := c.copyRows(u, old, r)
		if err != nil {
			return err
		}
		if !whole {
			c.torn = append(c.torn, r.ID)
			return nil
		}
	}
	c.seen[r.ID] = true
	c.saved++
	encoded := r.encode()
	var tries []byte
	if p, ok := s.tries[e.number]; ok {
		tries = make([]byte, p.length)
		if _, err := c.f.ReadAt(tries, p.offset); err != nil {
			tries = nil
		}
	}
	return c.write(len(encoded), func(l *ledger) {
		b := l.waiting
		if e.dead {
			b = l.dead
		}
		l.put(b, number(e.number), encoded)
		l.put(l.ids, []byte(r.ID), number(e.number))
		l.count(b, 1)
		if tries != nil {
			l.put(l.tries, number(e.number), tries)
		}
	})
}

// copyRows copies a body, if it is whole and sound: it is read once before.
func (c *copier) copyRows(u *upload, old uint64, r *record) (whole bool, err error) {
	if u == nil || u.bad || u.bytes != r.Size {
		return false, nil
	}
	row := make([]byte, rowBytes)
	each := func(do func(i uint32, row []byte) error) error {
		for i, p := range u.at {
			b := row[:p.length]
			if _, err := c.f.ReadAt(b, p.offset); err != nil {
				return errTorn
			}
			if binary.LittleEndian.Uint32(b) != rowSum(rowKeyOf(old, uint32(i)), b) {
				return errTorn
			}
			if err := do(uint32(i), b); err != nil {
				return err
			}
		}
		return nil
	}
	if each(func(uint32, []byte) error { return nil }) != nil {
		return false, nil
	}
	err = each(func(i uint32, b []byte) error {
		b = append([]byte(nil), b...)
		return c.write(len(b), func(l *ledger) { l.putRows(r.upload, i, [][]byte{b}) })
	})
	return err == nil, err
}

var errTorn = fmt.Errorf("%w: the body of an entry", ErrDamaged)

// write does something in the transaction of the moment, which is committed when it has become large.
func (c *copier) write(n int, do func(*ledger)) error {
	if c.l == nil {
		tx, err := c.db.Begin(true)
		if err != nil {
			return err
		}
		if c.l, err = newLedger(tx); err != nil {
			_ = tx.Rollback()
			c.l = nil
			return err
		}
	}
	do(c.l)
	if c.bytes += n; c.bytes < groupBytes/2 {
		return nil
	}
	return c.commit()
}

func (c *copier) commit() error {
	l := c.l
	if c.l, c.bytes = nil, 0; l == nil {
		return nil
	}
	l.state.next, l.state.removed = max(l.state.next, c.state.next), max(l.state.removed, c.state.removed)
	if err := l.close(); err != nil {
		_ = l.tx.Rollback()
		return err
	}
	c.state = l.state
	return l.tx.Commit()
}

// rollback lets go of a transaction that something has gone wrong in.
func (c *copier) rollback() {
	if c.l != nil {
		_ = c.l.tx.Rollback()
		c.l = nil
	}
}

// finish commits what is left, and the numbers that are to go on.
func (c *copier) finish() error {
	if err := c.write(0, func(*ledger) {}); err != nil {
		return err
	}
	return c.commit()
}
