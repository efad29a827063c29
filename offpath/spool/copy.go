package spool

import (
	"encoding/binary"
	"fmt"
	"os"

	"go.etcd.io/bbolt"
)

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
