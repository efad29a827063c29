package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync/atomic"

	"go.etcd.io/bbolt"

	"github.com/heeler-go/heeler/offpath"
)

var errLate = errors.New("spool: a body was read after its handle had returned")

// load reads one entry of a bucket. It is nil if it is not there.
func (s *Spool) load(bucket string, n uint64) (r *record, err error) {
	err = s.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket([]byte(bucket)).Get(number(n))
		if b == nil {
			return nil
		}
		// What a transaction reads is in the mapped file: it must not outlive the transaction.
		if r, err = decode(append([]byte(nil), b...)); err != nil {
			return err
		}
		r.Attempts, r.LastError = decodeTries(tx.Bucket([]byte(triesBucket)).Get(number(n)))
		return nil
	})
	return r, err
}

// row reads one row of a body, with its checksum, into b, or into a larger one.
func (s *Spool) row(upload uint64, index uint32, b []byte) ([]byte, error) {
	key := rowKeyOf(upload, index)
	b = b[:0]
	err := s.view(func(tx *bbolt.Tx) error {
		b = append(b, tx.Bucket([]byte(rowsBucket)).Get(key)...)
		return nil
	})
	if err == nil && (len(b) <= checksum || binary.LittleEndian.Uint32(b) != rowSum(key, b)) {
		err = fmt.Errorf("%w: the body of an entry, from byte %d on", ErrDamaged, int64(index)*rowData)
	}
	return b, err
}

// entry makes of a record what a consumer sees, for as long as live says so.
func (s *Spool) entry(r *record, live func() bool) *Entry {
	e := r.Entry
	e.Body = func() io.Reader {
		if r.upload == 0 {
			return &bodyReader{left: r.inline, live: live, err: io.EOF}
		}
		return &bodyReader{s: s, upload: r.upload, size: r.Size, live: live}
	}
	return &e
}

// call calls a function of the user's, on a goroutine of its own, so that one that panics or ends its
// goroutine ends nothing else. An error whose Error method panics, such as a nil pointer, is such a panic.
func call(f func() error) (err error) {
	done := make(chan struct{})
	go func() {
		returned := false
		defer close(done)
		defer func() {
			if p := recover(); p != nil || !returned {
				err = &offpath.PanicError{Value: p, Stack: debug.Stack()}
			}
		}()
		if err = f(); err != nil {
			_ = err.Error()
		}
		returned = true
	}()
	<-done
	return err
}

// attempt hands an entry to a consumer. It says what came of it.
func (s *Spool) attempt(ctx context.Context, n uint64, handle func(context.Context, *Entry) error) (r *record, err error) {
	r, err = s.load(waitingBucket, n)
	if err != nil || r == nil {
		return r, err
	}
	var over atomic.Bool
	defer over.Store(true)
	e := s.entry(r, func() bool { return !over.Load() })
	return r, call(func() error { return handle(ctx, e) })
}

func (s *Spool) tellDead(r *record, attempts int, failed error) {
	r.Attempts, r.LastError = attempts, cutError(failed)
	if s.OnDead == nil {
		logFailed("spool: an entry is among the dead", failed, "path", s.Path, "id", r.ID, "attempts", attempts)
		return
	}
	e := s.entry(r, func() bool { return false })
	if err := call(func() error { s.OnDead(e, failed); return nil }); err != nil {
		logFailed("spool: OnDead", err, "path", s.Path, "id", r.ID)
	}
}

// logFailed makes an error record, with the stack of a panic.
func logFailed(text string, failed error, attrs ...any) {
	attrs = append(attrs, "err", failed)
	var panicked *offpath.PanicError
	if errors.As(failed, &panicked) {
		attrs = append(attrs, "stack", string(panicked.Stack))
	}
	slog.Default().Error(text, attrs...)
}

// What is known of an entry's attempts: how many have failed, and what the last one said.
const (
	errorMax = 1000
	triesMax = binary.MaxVarintLen64 + errorMax
)

func cutError(err error) string {
	text := err.Error()
	return text[:min(len(text), errorMax)]
}

func encodeTries(attempts int, failed string) []byte {
	return append(binary.AppendUvarint(nil, uint64(attempts)), failed...)
}

func decodeTries(b []byte) (attempts int, failed string) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > 1<<31 {
		return 0, ""
	}
	return int(v), string(b[n:])
}
