package spool

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// A body is a request's, as a Publisher reads it. It remembers how it ended, so
// that nobody can take a part of it for the whole.
type body struct {
	from     io.Reader     // what comes from the client, bounded
	patience *time.Timer   // runs while the Publisher has something to do
	timeout  time.Duration // of patience
	copy     *replay       // nil unless the request is to be passed on
	end      error         // nil: it may go on; io.EOF: it has come whole
	copyErr  error         // the copy has failed
}

// Read reads from the client.
func (b *body) Read(p []byte) (n int, err error) {
	if b.copyErr != nil {
		return 0, b.copyErr
	}
	if b.end != nil {
		return 0, b.end
	}
	b.patience.Stop()
	defer b.patience.Reset(b.timeout)
	n, b.end = b.from.Read(p)
	if b.copy != nil && n > 0 {
		if b.copyErr = b.copy.write(p[:n]); b.copyErr != nil {
			return 0, b.copyErr
		}
	}
	return n, b.end
}

// whole reports whether all of it was read.
func (b *body) whole() bool { return b.end == io.EOF }

// discard reads what is left.
func (b *body) discard() {
	if b.end == nil {
		if _, b.end = io.Copy(io.Discard, b.from); b.end == nil {
			b.end = io.EOF
		}
	}
}

// again is the body from its beginning: what was read of it and then what is
// left.
func (b *body) again() io.ReadCloser {
	parts := b.copy.parts()
	if !b.whole() {
		parts = append(parts, b.from)
	}
	return io.NopCloser(io.MultiReader(parts...))
}

// copied is how much of a body that is passed on is kept in memory, in bytes.
const copied = 64 << 10

// A replay is what was read of a body, so that it can be read again: the head in
// memory, more in a file, and in the tail the last piece if the file did not
// take it.
type replay struct {
	dir  string
	head []byte
	file *os.File
	size int64 // of the file
	tail []byte
}

// write keeps p. It keeps it, too, when it fails; then there must be no more.
func (r *replay) write(p []byte) error {
	if r.file == nil {
		if len(r.head)+len(p) <= copied {
			r.head = append(r.head, p...)
			return nil
		}
		if err := r.open(); err != nil {
			r.tail = slices.Clone(p)
			return copyError(err)
		}
	}
	n, err := r.file.Write(p)
	r.size += int64(n)
	if err != nil {
		r.tail = slices.Clone(p[n:])
		return copyError(err)
	}
	return nil
}

// open makes the file. Where the system lets it, it has no name from the
// beginning, so that it is gone with the process, however that ends.
func (r *replay) open() (err error) {
	if r.file, err = os.CreateTemp(r.dir, "heeler-body-*"); err == nil {
		_ = os.Remove(r.file.Name())
	}
	return err
}

func copyError(err error) error {
	return fmt.Errorf("spool: the copy to be passed on: %w", fullOr(err))
}

func (r *replay) parts() []io.Reader {
	parts := []io.Reader{bytes.NewReader(r.head)}
	if r.file != nil {
		parts = append(parts, io.NewSectionReader(r.file, 0, r.size))
	}
	return append(parts, bytes.NewReader(r.tail))
}

func (r *replay) close() {
	if r.file != nil {
		_ = r.file.Close()
		_ = os.Remove(r.file.Name())
	}
}
