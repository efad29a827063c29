package spool_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/spool"
)

// numbersReader gives so many bytes, zeros but for one in 4096 that tells where it is.
type numbersReader struct{ at, size int64 }

func (r *numbersReader) Read(b []byte) (int, error) {
	if r.at == r.size {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), r.size-r.at)]
	clear(b)
	for i := -r.at & 4095; i < int64(len(b)); i += 4096 {
		b[i] = byte((r.at+i)>>12) | 1
	}
	r.at += int64(len(b))
	return len(b), nil
}

func TestABodyOfOneGiBNeedsLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes some seconds and 1.3 GB of the disk")
	}
	const size, most = 1 << 30, 64 << 20
	s := opened(t, &spool.Spool{MaxBytes: 3 << 30})
	heap := watchHeap(t)

	began := time.Now()
	e := &spool.Entry{}
	if err := s.Publish(t.Context(), e, &numbersReader{size: size}); err != nil {
		t.Fatal(err)
	}
	published := time.Since(began)
	ctx, cancel := context.WithCancel(t.Context())
	_ = s.Run(ctx, func(ctx context.Context, e *spool.Entry) error {
		defer cancel()
		want, body, buf, other := &numbersReader{size: size}, e.Body(), make([]byte, 1<<16), make([]byte, 1<<16)
		for {
			n, err := body.Read(buf)
			_, _ = io.ReadFull(want, other[:n])
			if !bytes.Equal(buf[:n], other[:n]) {
				t.Errorf("it differs before byte %d", want.at)
				return nil
			}
			if err != nil {
				if err != io.EOF || want.at != size {
					t.Errorf("after %d bytes: %v", want.at, err)
				}
				return nil
			}
		}
	})
	handled := time.Since(began)
	file := s.Stats().FileBytes
	empties(t, s)
	used := heap()
	t.Logf("published in %v, read in %v, removed in %v; the heap grew by %d MiB at most, the file to %d MiB",
		published, handled-published, time.Since(began)-handled, used>>20, file>>20)
	if used > most || file > size+size/4 {
		t.Error("that is too much")
	}
}

// watchHeap gives a function that says by how much the heap has grown at most since.
func watchHeap(t *testing.T) func() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	before := m.HeapAlloc
	var most atomic.Uint64
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for ctx.Err() == nil {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most.Store(max(most.Load(), m.HeapAlloc))
			time.Sleep(5 * time.Millisecond)
		}
	}()
	return func() uint64 {
		cancel()
		<-ended
		return most.Load() - min(most.Load(), before)
	}
}

func TestAFileCutShortWhileItIsOpenIsAnErrorAndNotTheEnd(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("files in use cannot be cut there")
	}
	s := opened(t, &spool.Spool{Path: filepath.Join(t.TempDir(), "cut.spool"), OnLost: func(spool.Lost) {}})
	for range 50 {
		publish(t, s, words(3000))
	}
	if err := os.Truncate(s.Path, 2*page); err != nil {
		t.Fatal(err)
	}
	if err := s.Publish(t.Context(), &spool.Entry{}, nil); !errors.Is(err, spool.ErrDamaged) {
		t.Errorf("Publish says %v", err)
	}
	for _, err := range s.Dead() {
		if !errors.Is(err, spool.ErrDamaged) {
			t.Errorf("Dead says %v", err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Run(ctx, func(context.Context, *spool.Entry) error { return nil }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run says %v", err)
	}
	_ = s.Close()
	if err := s.Open(); !errors.Is(err, spool.ErrNotSpool) {
		t.Errorf("it is opened again: %v", err)
	}
}
