package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"

	"github.com/heeler-go/heeler/offpath/spool"
)

const (
	// spoolYardstick syncs once for each request, and does nothing else that costs time: what is in that
	// file can neither be found nor removed.
	spoolYardstick = "one file, appended to and synced each time"
	// spoolUngrouped is what the Spool would be without its groups.
	spoolUngrouped = "bbolt, a transaction each time"

	spoolClients = 64
	spoolBody    = 1000 // bytes
	spoolWanted  = 10   // times the yardstick's throughput
)

// A keeper is one way to have requests on the disk before they are answered.
type keeper struct {
	name string
	ours bool
	// open makes a store in a folder. It gives a function that returns when a body is on the disk, and one
	// that closes the store.
	open func(dir string) (keep func(body []byte) error, closes func() error, err error)
}

func keepers() []keeper {
	return []keeper{
		{spoolYardstick, false, openLog},
		{"a new file, synced, each time", false, openFiles},
		{spoolUngrouped, false, openBolt},
		{"heeler Spool", true, openSpool},
	}
}

func openLog(dir string) (func([]byte) error, func() error, error) {
	f, err := os.OpenFile(filepath.Join(dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, err
	}
	var mu sync.Mutex
	return func(body []byte) error {
		mu.Lock()
		defer mu.Unlock()
		if _, err := f.Write(body); err != nil {
			return err
		}
		return f.Sync()
	}, f.Close, nil
}

// openFiles syncs the files and not the folder, which would be a second time.
func openFiles(dir string) (func([]byte) error, func() error, error) {
	return func(body []byte) error {
		f, err := os.CreateTemp(dir, "entry")
		if err != nil {
			return err
		}
		_, err = f.Write(body)
		return errors.Join(err, f.Sync(), f.Close())
	}, func() error { return nil }, nil
}

func openBolt(dir string) (func([]byte) error, func() error, error) {
	db, err := bbolt.Open(filepath.Join(dir, "bolt"), 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return nil, nil, err
	}
	name := []byte("entries")
	err = db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(name)
		return err
	})
	return func(body []byte) error {
		return db.Update(func(tx *bbolt.Tx) error {
			bucket := tx.Bucket(name)
			n, err := bucket.NextSequence()
			if err != nil {
				return err
			}
			return bucket.Put(binary.BigEndian.AppendUint64(nil, n), body)
		})
	}, db.Close, err
}

func openSpool(dir string) (func([]byte) error, func() error, error) {
	s := &spool.Spool{Path: filepath.Join(dir, "spool"), MaxBytes: -1}
	return func(body []byte) error {
		e := &spool.Entry{Method: "POST", URI: "/in", Size: int64(len(body))}
		return s.Publish(context.Background(), e, bytes.NewReader(body))
	}, s.Close, s.Open()
}

// turn has all clients store one body after another in a fresh store, for at least so long.
func (k keeper) turn(least time.Duration) (s score, err error) {
	dir, err := os.MkdirTemp("", "bench-spool-*")
	if err != nil {
		return s, err
	}
	defer os.RemoveAll(dir)
	keep, closes, err := k.open(dir)
	if err != nil {
		return s, err
	}
	var (
		clients sync.WaitGroup
		took    [spoolClients][]float64 // ms
		errs    [spoolClients]error
	)
	begin := time.Now()
	for i := range spoolClients {
		clients.Go(func() {
			body := bytes.Repeat([]byte{byte(i)}, spoolBody)
			for last := begin; last.Sub(begin) < least && errs[i] == nil; {
				errs[i] = keep(body)
				now := time.Now()
				took[i] = append(took[i], now.Sub(last).Seconds()*1e3)
				last = now
			}
		})
	}
	clients.Wait()
	elapsed := time.Since(begin)
	var all []float64
	for _, one := range took {
		all = append(all, one...)
	}
	return score{figure: float64(len(all)) / elapsed.Seconds(), worst: quantile(all, 0.99)}, errors.Join(append(errs[:], closes())...)
}

// holdSpools lets all take turns in each round, as measure does, and gives the scores by name.
func holdSpools(p plan) (map[string][]score, error) {
	all, scores := keepers(), make(map[string][]score)
	for round := range p.rounds {
		for i := range all {
			k := all[(round+i)%len(all)]
			s, err := k.turn(p.flow)
			if err != nil {
				return nil, fmt.Errorf("bench: %s: %w", k.name, err)
			}
			scores[k.name] = append(scores[k.name], s)
		}
	}
	return scores, nil
}

func spoolTable(scores map[string][]score) *table {
	t := &table{head: []string{"store", "per second", "p99 ms", "of the one file", "spread", "of bbolt", "wanted"}}
	for _, k := range keepers() {
		mine := scores[k.name]
		ratios, wanted := over(mine, scores[spoolYardstick]), ""
		if k.ours {
			wanted = fmt.Sprintf("≥ %d of the one file: ", spoolWanted)
			if median(ratios) >= spoolWanted {
				wanted += "yes"
			} else {
				wanted += "no"
			}
		}
		t.add(k.name,
			number(middle(mine, func(s score) float64 { return s.figure })),
			number(middle(mine, func(s score) float64 { return s.worst })),
			fmt.Sprintf("%.2f", median(ratios)),
			fmt.Sprintf("%.2f–%.2f", quantile(ratios, 0.25), quantile(ratios, 0.75)),
			fmt.Sprintf("%.2f", median(over(mine, scores[spoolUngrouped]))),
			wanted)
	}
	return t
}

func reportSpools(w io.Writer, p plan) error {
	fmt.Fprintf(w, "\nRequests of %d bytes on the disk of %s before they are answered, %d clients at a time: medians of %d rounds.\n"+
		"Ratios are to figures of the same round.\n\n", spoolBody, os.TempDir(), spoolClients, p.rounds)
	scores, err := holdSpools(p)
	if err != nil {
		return err
	}
	spoolTable(scores).writeTo(w)
	return nil
}
