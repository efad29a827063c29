package spool

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"
)

// Publish stores an entry: see [Publisher]. Nil means that it is on the disk, synced. Many who publish at
// a time share one sync.
//
// A body of up to 128 KiB is kept in memory until it is stored together with its entry. A longer one is
// written as it comes, at most 1 MiB of it being in memory; the entry is seen once all of it is there.
//
// Beside those of Publisher its errors are ErrExists for an ID that is in the store, ErrClosed, the cause of
// ctx, and what the disk says. ctx is looked at between two reads of body and while the entry waits for
// its commit. Other errors than the disk's mean that the entry is not stored.
func (s *Spool) Publish(ctx context.Context, e *Entry, body io.Reader) error {
	err := s.publish(ctx, e, body)
	s.counted(err)
	return err
}

func (s *Spool) publish(ctx context.Context, e *Entry, body io.Reader) error {
	to, err := s.lineNow() // for all of it: after Close and Open the numbers of bodies are others
	if err != nil {
		return err
	}
	if err := e.check(); err != nil {
		return err
	}
	r := record{Entry: *e}
	if r.Received.IsZero() {
		r.Received = time.Now()
	}
	if r.ID == "" {
		r.ID = newID(r.Received)
	}
	if err := s.fits(e.Size); err != nil {
		return err
	}
	if body == nil {
		body = bytes.NewReader(nil)
	}
	first, whole, err := readFirst(ctx, body, e.Size)
	if err != nil {
		return err
	}
	if whole {
		err = s.publishWhole(ctx, to, &r, first)
	} else {
		err = s.publishLong(ctx, to, &r, io.MultiReader(bytes.NewReader(first), body))
	}
	if err != nil {
		return err
	}
	e.ID, e.Received, e.Size = r.ID, r.Received, r.Size
	return nil
}

// fits says whether a body that says to be so long has room.
func (s *Spool) fits(size int64) error {
	quota := s.quota()
	if quota == 0 || size <= 0 {
		return nil
	}
	if uint64(size) > quota {
		return fmt.Errorf("%w: a body of %d bytes, the quota is %d", ErrTooLarge, size, quota)
	}
	if used := s.kept().bytes; used+uint64(size) > quota {
		return fmt.Errorf("%w: %d of %d bytes are used, a body has %d", ErrFull, used, quota, size)
	}
	return nil
}

// publishWhole stores an entry and its body in one change.
func (s *Spool) publishWhole(ctx context.Context, to *line, r *record, body []byte) error {
	r.Size = int64(len(body))
	var rows [][]byte
	if len(body) <= inlineMax {
		r.inline = body
	} else {
		r.upload = s.uploads.Add(1)
		for b := range chunksOf(body) {
			row := make([]byte, checksum+len(b))
			copy(row[checksum:], b)
			rows = append(rows, row)
		}
	}
	return s.store(ctx, to, r, 0, rows)
}

// publishLong stores a body piece by piece, and its entry with the last.
func (s *Spool) publishLong(ctx context.Context, to *line, r *record, body io.Reader) error {
	r.upload = s.uploads.Add(1)
	stored := uint32(0)
	defer func() {
		if stored > 0 { // and the entry is not: also when body panics
			abandon(to, r.upload)
		}
	}()
	r.Size = 0
	var batch [][]byte
	for most := firstRows; ; most = min(2*most, mostRows) {
		rows, end, err := readRows(ctx, body, &batch, most)
		if err != nil {
			return err
		}
		for _, row := range rows {
			r.Size += int64(len(row) - checksum)
		}
		if quota := s.quota(); quota > 0 && uint64(r.Size) > quota {
			return fmt.Errorf("%w: a body of more than %d bytes, which is the quota", ErrTooLarge, quota)
		}
		if end {
			err := s.store(ctx, to, r, stored, rows)
			if err == nil {
				stored = 0
			}
			return err
		}
		if err := storeRows(ctx, to, r.upload, stored, rows); err != nil {
			return err
		}
		stored += uint32(len(rows))
	}
}

// store makes an entry, with the last rows of its body, one change.
func (s *Spool) store(ctx context.Context, to *line, r *record, from uint32, rows [][]byte) error {
	encoded := r.encode()
	cost := addCost(r.ID, encoded, rows)
	if quota := s.quota(); quota > 0 && cost > quota {
		return fmt.Errorf("%w: an entry of %d bytes, the quota is %d", ErrTooLarge, cost, quota)
	}
	return to.commit(ctx, int64(cost), func(l *ledger) error {
		if l.ids.Get([]byte(r.ID)) != nil {
			return fmt.Errorf("%w: %q", ErrExists, r.ID)
		}
		if err := l.room(cost); err != nil {
			return err
		}
		l.putRows(r.upload, from, rows)
		l.add(r.ID, encoded)
		return nil
	})
}

func storeRows(ctx context.Context, to *line, upload uint64, from uint32, rows [][]byte) error {
	cost := addCost("", nil, rows)
	return to.commit(ctx, int64(cost), func(l *ledger) error {
		if err := l.room(cost); err != nil {
			return err
		}
		l.putRows(upload, from, rows)
		return nil
	})
}

// abandon has the rows of an upload removed that has come to nothing. If the process ends before, the
// next Open removes them.
func abandon(to *line, upload uint64) {
	_ = to.add(&change{
		apply: func(l *ledger) error { l.removed = append(l.removed, upload); return nil },
		done:  func(error) {},
	})
}
