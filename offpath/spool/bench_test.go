package spool_test

import (
	"strings"
	"sync"
	"testing"

	"go.etcd.io/bbolt"

	"github.com/heeler-go/heeler/offpath/spool"
)

const clients = 64

// BenchmarkPublish is 64 clients that publish bodies of 1 kB, on the disk that TMPDIR is on.
func BenchmarkPublish(b *testing.B) {
	s := opened(b, &spool.Spool{MaxBytes: -1})
	body := words(1000)
	share(b, clients, func() error {
		return s.Publish(b.Context(), &spool.Entry{Method: "POST", URI: "/in"}, strings.NewReader(body))
	})
}

// BenchmarkPublishAlone is one client, for whom nobody shares the sync.
func BenchmarkPublishAlone(b *testing.B) {
	s := opened(b, &spool.Spool{MaxBytes: -1})
	body := words(1000)
	share(b, 1, func() error {
		return s.Publish(b.Context(), &spool.Entry{Method: "POST", URI: "/in"}, strings.NewReader(body))
	})
}

// BenchmarkOneTransactionEach is the same with bbolt as it comes: a transaction for each request.
func BenchmarkOneTransactionEach(b *testing.B) {
	db, err := bbolt.Open(b.TempDir()+"/each", 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	body := []byte(words(1000))
	share(b, clients, func() error {
		return db.Update(func(tx *bbolt.Tx) error {
			bucket, err := tx.CreateBucketIfNotExists([]byte("entries"))
			if err != nil {
				return err
			}
			n, err := bucket.NextSequence()
			if err != nil {
				return err
			}
			return bucket.Put([]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, body)
		})
	})
}

// share has work done b.N times by so many goroutines.
func share(b *testing.B, n int, work func() error) {
	b.SetBytes(1000)
	b.ResetTimer()
	todo := make(chan struct{})
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			for range todo {
				if err := work(); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for range b.N {
		todo <- struct{}{}
	}
	close(todo)
	all.Wait()
}
