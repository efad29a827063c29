package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"

	"github.com/heeler-go/heeler/internal/tempfile"
)

// A store is an open file.
type store struct {
	db         *bbolt.DB
	file       *os.File // db's
	state      state
	orphans    []uint64
	lastUpload uint64
	lost       *Lost
}

// compactAbove is the length from which on Open makes a smaller file of one that is mostly empty.
const compactAbove = 64 << 20

// openStore opens the file at path, made, repaired or compacted as need be.
func openStore(path string, wait time.Duration) (*store, error) {
	end := time.Now().Add(wait)
	path, err := follow(path)
	if err != nil {
		return nil, err
	}
	for {
		st, again, err := tryStore(path)
		if err == nil && !again {
			return st, nil
		}
		if err != nil && (!errors.Is(err, ErrLocked) || time.Now().After(end)) {
			return nil, err
		}
		if err != nil {
			time.Sleep(min(50*time.Millisecond, wait))
		}
	}
}

// follow gives the file that a path leads to, which may not be there yet: a new file must not take the place
// of a symbolic link.
func follow(path string) (string, error) {
	for range 40 { // as many as Linux follows
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link; what else is wrong, whoever opens it will find
		}
		if !filepath.IsAbs(to) {
			dir, _ := filepath.Split(path)
			to = dir + to
		}
		path = to
	}
	return "", fmt.Errorf("spool: %s: more than 40 symbolic links lead on from each other", path)
}

// tryStore opens the file, if nobody else has it. again says that it has just become another one.
func tryStore(path string) (st *store, again bool, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return makeStore(path, false)
	}
	if err != nil {
		return nil, false, fmt.Errorf("spool: %w", err)
	}
	defer func() {
		if st == nil || st.file != f {
			f.Close()
		}
	}()
	if err := lock(f); err != nil {
		return nil, false, err
	}
	mine, err := f.Stat()
	if err != nil {
		return nil, false, fmt.Errorf("spool: %w", err)
	}
	if now, err := os.Stat(path); err != nil || !os.SameFile(mine, now) {
		return nil, true, nil
	}
	if !mine.Mode().IsRegular() {
		return nil, false, fmt.Errorf("%w: %s is no regular file", ErrNotSpool, path)
	}
	if mine.Size() == 0 {
		return makeStore(path, true)
	}
	st, err = readStore(path, f, mine.Size())
	return st, false, err
}

// makeStore makes a new file. It has its name only once it is whole, so that none is ever half made.
func makeStore(path string, replace bool) (st *store, again bool, err error) {
	db, f, temp, err := newFile(filepath.Dir(path), nil)
	if err != nil {
		return nil, false, err
	}
	if replace {
		err = os.Rename(temp, path)
	} else if err = os.Link(temp, path); err == nil || errors.Is(err, fs.ErrExist) {
		_ = os.Remove(temp)
	} else {
		err = os.Rename(temp, path) // a file system without links
	}
	if err == nil {
		err = tempfile.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		db.Close()
		_ = os.Remove(temp)
		if errors.Is(err, fs.ErrExist) {
			return nil, true, nil
		}
		return nil, false, fmt.Errorf("spool: %w", fullOr(err))
	}
	return &store{db: db, file: f, state: state{next: 1}}, false, nil
}

// readStore opens a file that is locked and has something in it.
func readStore(path string, f *os.File, size int64) (*store, error) {
	valid, err := metas(f)
	if err != nil {
		return nil, err
	}
	if len(valid) == 0 {
		return nil, fmt.Errorf("%w: %s has %d bytes, and none that tell what it is; move it away to begin anew",
			ErrNotSpool, path, size)
	}
	s := look(f, size, valid[0], false)
	if !consecutive(valid) {
		s.damage("one of the two meta pages, which may have been that of the last commit")
	}
	if s.hurt != nil {
		return repair(path, f, size, valid, s.hurt)
	}
	if size > compactAbove && s.live < size/4 {
		if st, err := compact(path, f, size, valid[0]); err == nil {
			return st, nil
		} // it could not be made smaller now, and is good as it is
	}
	if s.high > uint64(size)/pageBytes {
		return compact(path, f, size, valid[0]) // the end is missing, which was free
	}
	db, err := openBolt(path, f)
	if err != nil {
		return nil, err
	}
	return &store{db: db, file: f, state: s.state, orphans: s.orphans(), lastUpload: s.last}, nil
}

// consecutive says whether the meta pages are those of the last two commits.
func consecutive(valid []meta) bool {
	return len(valid) == 2 && valid[0].commit == valid[1].commit+1
}

// openBolt opens a file that has been seen to be sound.
func openBolt(path string, f *os.File) (db *bbolt.DB, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrDamaged, p)
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:        1, // the lock is ours already
		PageSize:       pageBytes,
		NoFreelistSync: true, // or each commit writes the list, which is long after a burst
		FreelistType:   bbolt.FreelistMapType,
		OpenFile:       func(string, int, os.FileMode) (*os.File, error) { return f, nil },
	})
	if err != nil {
		return nil, fmt.Errorf("spool: %w", fullOr(err))
	}
	return db, nil
}

// newFile makes a file under a temporary name, with what fill puts into it, all on the disk.
func newFile(dir string, fill func(*bbolt.DB) error) (db *bbolt.DB, f *os.File, temp string, err error) {
	tempfile.RemoveLeftovers(dir, time.Now()) // of processes that died while they made a file
	temp, err = tempfile.Write(dir, nil, false)
	if err != nil {
		return nil, nil, "", fmt.Errorf("spool: %w", fullOr(err))
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temp)
		}
	}()
	if f, err = os.OpenFile(temp, os.O_RDWR, 0); err != nil {
		return nil, nil, "", fmt.Errorf("spool: %w", err)
	}
	if err = lock(f); err != nil {
		f.Close()
		return nil, nil, "", err
	}
	if db, err = openBolt(temp, f); err != nil {
		return nil, nil, "", err
	}
	db.NoSync = true // once for all, below
	for range 2 {    // so that each of the two meta pages leads to something of ours
		if err == nil {
			err = db.Update(func(tx *bbolt.Tx) error {
				l, err := newLedger(tx)
				if err != nil {
					return err
				}
				return l.close()
			})
		}
	}
	if err == nil && fill != nil {
		err = fill(db)
	}
	if err == nil {
		err = db.Sync()
	}
	if err != nil {
		db.Close()
		return nil, nil, "", fmt.Errorf("spool: a new file: %w", fullOr(err))
	}
	db.NoSync = false
	return db, f, temp, nil
}
