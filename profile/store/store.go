// Package store keeps the results of profiles, so many, so large and so long as it is told.
//
// Memory is for a program that runs once:
//
//	prof := &profile.Profiler{Allow: isAdmin, Store: &store.Memory{MaxBytes: 256 << 20}}
//
// Dir is for one that runs several times behind a load balancer, as the page of a result may be asked of
// another replica than the one that made it. All of them must see the same directory:
//
//	prof := &profile.Profiler{Allow: isAdmin, Store: &store.Dir{Path: "/var/lib/shop/profiles"}}
//
// Both take the oldest out when there is no room, and neither has a goroutine. An entry is as old as the
// last time that it was written: Put makes it the newest, so that a result which had to wait long for
// its turn is not the first to go once it is there.
//
// An entry's id is 1 to 100 of A-Z, a-z, 0-9, "_" and "-"; another is an error, and is never made part
// of a file's name.
package store

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// ErrTooLarge is in the error for an entry that has more bytes than the whole store may have. What was
// there, under its id and others, has stayed.
var ErrTooLarge = errors.New("store: entry too large")

const (
	defaultMaxBytes = 64 << 20
	defaultMaxCount = 100
	defaultMaxAge   = 24 * time.Hour

	maxID = 100 // characters
)

// bounds are how much and how long a store keeps, all positive.
type bounds struct {
	bytes int64
	count int
	age   time.Duration
}

// newBounds are those of a store's fields, with the defaults for zero. The error names the field.
func newBounds(store string, maxBytes int64, maxCount int, maxAge time.Duration) (bounds, error) {
	var problem error
	refuse := func(field string, value, zero any) {
		problem = fmt.Errorf("store: %s.%s is %v; it must be positive, or 0 for %v", store, field, value, zero)
	}
	switch {
	case maxBytes < 0:
		refuse("MaxBytes", maxBytes, "64 MiB")
	case maxCount < 0:
		refuse("MaxCount", maxCount, defaultMaxCount)
	case maxAge < 0:
		refuse("MaxAge", maxAge, defaultMaxAge)
	}
	return bounds{
		bytes: cmp.Or(maxBytes, defaultMaxBytes),
		count: cmp.Or(maxCount, defaultMaxCount),
		age:   cmp.Or(maxAge, defaultMaxAge),
	}, problem
}

// check says whether an entry may be kept at all.
func (b bounds) check(id string, data []byte) error {
	if err := checkID(id); err != nil {
		return err
	}
	if int64(len(data)) > b.bytes {
		return fmt.Errorf("%w: %s has %d bytes; at most %d (MaxBytes) are accepted", ErrTooLarge, id, len(data), b.bytes)
	}
	return nil
}

// expired says whether what was written then is no longer given out. A time so far in the future comes
// from a clock that was wrong.
func (b bounds) expired(written, now time.Time) bool { return now.Sub(written).Abs() >= b.age }

// checkID says whether id may be part of a file's name.
func checkID(id string) error {
	if len(id) == 0 || len(id) > maxID {
		return fmt.Errorf("store: id has %d characters; 1 to %d are accepted", len(id), maxID)
	}
	for i := range len(id) {
		c := id[i]
		if c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return fmt.Errorf("store: id is %q; only A-Z, a-z, 0-9, _ and - are accepted", id)
		}
	}
	return nil
}

func missing(id string) error { return fmt.Errorf("store: %s: %w", id, fs.ErrNotExist) }

func exists(id string) error { return fmt.Errorf("store: %s: %w", id, fs.ErrExist) }
