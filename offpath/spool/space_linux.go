package spool

import (
	"errors"
	"math"
	"os"
	"syscall"

	"go.etcd.io/bbolt"
)

// space has blocks of the disk given to the file before they are written, so that a full disk is met before
// a commit and not within, and a reserve is left for what a commit needs that gives room back: bbolt
// writes new pages to remove an entry, too. The committer alone uses it.
type space struct {
	file  *os.File
	given int64 // the file has blocks up to here
}

const reserve = 1 << 20

// begin sees to the holes that the file may have. Without room for them the first commit meets that.
func (p *space) begin(f *os.File) {
	p.file = f
	if info, err := f.Stat(); err == nil && info.Size() > 0 && p.give(0, info.Size()) == nil {
		p.given = max(p.given, info.Size())
	}
}

// ensure makes room for a commit that adds so many bytes.
func (p *space) ensure(db *bbolt.DB, adds int64) error {
	if p.given == math.MaxInt64 {
		return nil
	}
	var used int64
	if err := db.View(func(tx *bbolt.Tx) error { used = tx.Size(); return nil }); err != nil {
		return err
	}
	// What is added, leaves and branches that are written anew, and the same for what comes beside it.
	need := 2*adds + reserve
	free := int64(db.Stats().FreePageN) * pageBytes
	if p.given-used+free >= need {
		return nil
	}
	from := max(p.given, 0)
	some := min(max(used/4, reserve), 64<<20) // so that this is not done for each commit
	err := p.give(from, used+need+some-from)
	if err != nil {
		err = p.give(from, max(used+need-free-from, pageBytes))
	}
	return fullOr(err)
}

func (p *space) give(from, n int64) error {
	err := syscall.Fallocate(int(p.file.Fd()), 0, from, n)
	for err == syscall.EINTR {
		err = syscall.Fallocate(int(p.file.Fd()), 0, from, n)
	}
	switch {
	case err == nil:
		p.given = from + n
	case errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.ENOSYS):
		p.given = math.MaxInt64 // this file system cannot: a commit tells that the disk is full
		return nil
	}
	return err
}
