package spool

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
)

const (
	wholeMax  = 2 * rowData // a body up to this is stored in one change
	firstRows = 2           // of a longer body's first change; each that follows has twice as many,
	mostRows  = 16          // up to this: so many rows are in memory
)

// readFirst reads a body to its end, if it is not longer than wholeMax. size is how long it says to be.
func readFirst(ctx context.Context, body io.Reader, size int64) (b []byte, whole bool, err error) {
	b = make([]byte, 0, max(min(size, wholeMax)+1, 512))
	for {
		n, end, err := fill(ctx, body, b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case err != nil:
			return nil, false, err
		case end:
			return b, len(b) <= wholeMax, nil
		case len(b) > wholeMax:
			return b, false, nil
		}
		b = slices.Grow(b, len(b))
	}
}

// readRows reads the next rows of a body into a batch that is used again. end says that there are no more.
func readRows(ctx context.Context, body io.Reader, batch *[][]byte, most int) (rows [][]byte, end bool, err error) {
	for len(*batch) < most {
		*batch = append(*batch, make([]byte, rowBytes))
	}
	for _, row := range (*batch)[:most] {
		n, end, err := fill(ctx, body, row[checksum:rowBytes])
		if err != nil {
			return nil, false, err
		}
		if n > 0 {
			rows = append(rows, row[:checksum+n])
		}
		if end {
			return rows, true, nil
		}
	}
	return rows, false, nil
}

// fill reads until b is full or the body ends. Unlike io.ReadFull it tells the end of a body from an
// error that a body gives because it has been cut short, which is io.ErrUnexpectedEOF with net/http.
func fill(ctx context.Context, body io.Reader, b []byte) (n int, end bool, err error) {
	for empty := 0; n < len(b); {
		if ctx.Err() != nil {
			return n, false, context.Cause(ctx)
		}
		m, err := body.Read(b[n:])
		if m < 0 || m > len(b)-n {
			return n, false, fmt.Errorf("spool: reading the body: its Read says that it has read %d of %d bytes", m, len(b)-n)
		}
		n += m
		switch {
		case err == io.EOF:
			return n, true, nil
		case err != nil:
			return n, false, fmt.Errorf("spool: reading the body: %w", err)
		case m > 0:
			empty = 0
		default:
			if empty++; empty == 100 {
				return n, false, fmt.Errorf("spool: reading the body: %w", io.ErrNoProgress)
			}
		}
	}
	return n, false, nil
}

// chunksOf cuts a body into the bytes of its rows.
func chunksOf(body []byte) iter.Seq[[]byte] { return slices.Chunk(body, rowData) }

// A bodyReader reads the rows of a body, one at a time, each in a transaction of its own: while one is
// open the file cannot grow.
type bodyReader struct {
	s      *Spool
	upload uint64
	size   int64
	next   uint32
	row    []byte // is used again
	left   []byte // of it
	err    error
	live   func() bool
}

func (r *bodyReader) Read(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if !r.live() {
		return 0, errLate
	}
	for len(r.left) == 0 {
		if r.err == nil && int64(r.next)*rowData >= r.size {
			r.err = io.EOF
		}
		if r.err == nil {
			if r.row, r.err = r.s.row(r.upload, r.next, r.row); r.err == nil {
				r.left = r.row[checksum:]
			}
			r.next++
		}
		if r.err != nil {
			return 0, r.err
		}
	}
	n := copy(b, r.left)
	r.left = r.left[n:]
	return n, nil
}
