package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
)

// A Spool is a [Publisher] on the local disk, and the consumer of what was published.
//
// Set the fields, call [Spool.Open], and leave the fields alone from then on. A Spool must not be copied.
// All methods may be called from several goroutines.
//
// The file belongs to its owner only (mode 0600): it has what clients sent, secrets too. It does not
// shrink while it is open; the room of entries that are gone is used again. Open makes a small file of one
// that has become mostly empty. Beside the quota it takes some room for its own order: a quarter more,
// as a rule, and 2 MiB.
type Spool struct {
	// Path is the file, or a symbolic link to it. The file's directory must exist, and is where a new file
	// is written while a damaged one is repaired. It must be on a local disk, since it is mapped into memory.
	Path string
	// MaxBytes is the quota for what is stored: keys and values, of entries that wait and of dead ones, and
	// of bodies that are being published. The numbers of failed attempts, a dozen bytes for an entry, may
	// go beyond it. Zero means 1 GiB; negative means that the disk is the limit.
	MaxBytes int64
	// LockWait is how long Open waits for another process to close the file. Zero means not at all.
	LockWait time.Duration

	// Workers is how many entries are handled at once. Zero means 1: one after the other, in order.
	Workers int
	// Attempts is how often an entry is handed to a consumer that fails before it is put among the dead.
	// Zero means 20, which with the delays' zero values takes about an hour; negative means for ever.
	Attempts int
	// Delay is what follows an entry's first failed attempt, and DelayMax the longest: each is twice
	// the one before, and shortened by up to a half at random. Zeros mean 1 second and 5 minutes. They do
	// not outlive Run: the next one begins with all that waits.
	Delay, DelayMax time.Duration

	// OnDead is told of each entry that is put among the dead, after its last attempt's err; its Body cannot
	// be read any more, see [Spool.Dead]. A worker waits for it; its panics are logged. Nil means an error
	// record to [slog.Default].
	OnDead func(e *Entry, err error)
	// OnLost is told by Open that the file was damaged, and what of it could not be saved. Nil means an
	// error record to slog.Default.
	OnLost func(Lost)

	open     sync.RWMutex // held for reading while db is read, and for writing by Open and Close
	db       *bbolt.DB    // nil while closed
	file     *os.File     // db's
	line     *line
	worked   chan struct{} // closed when the committer has ended
	space    space         // the committer's
	sweeping []uint64      // the committer's: uploads that have rows to be removed
	broken   atomic.Bool
	uploads  atomic.Uint64 // the last that was begun
	running  atomic.Bool
	closing  context.Context // ended by Close
	close    context.CancelFunc

	mu    sync.Mutex
	state state
	stats Stats
	news  chan struct{} // closed at the next commit
}

const (
	defaultQuota    = 1 << 30
	defaultAttempts = 20
	defaultDelay    = time.Second
	defaultDelayMax = 5 * time.Minute
)

// Validate says what in the fields is not accepted.
func (s *Spool) Validate() error {
	switch {
	case s.Path == "":
		return errors.New(`spool: Path "": the name of a file is needed`)
	case s.LockWait < 0:
		return fmt.Errorf("spool: LockWait %v: it must not be negative", s.LockWait)
	case s.Workers < 0:
		return fmt.Errorf("spool: Workers %d: it must not be negative", s.Workers)
	case s.Delay < 0:
		return fmt.Errorf("spool: Delay %v: it must not be negative", s.Delay)
	case s.DelayMax < 0:
		return fmt.Errorf("spool: DelayMax %v: it must not be negative", s.DelayMax)
	}
	return nil
}

func (s *Spool) quota() uint64 {
	if s.MaxBytes == 0 {
		return defaultQuota
	}
	return uint64(max(s.MaxBytes, 0))
}

// Open opens the file, or makes it. It reads through all entries once, but not through long bodies.
//
// A file that a dying process left in mid-write has all that was published. One that is damaged, cut
// short or overwritten is kept aside under another name, a new one gets all entries that can still be
// read, and OnLost is told. Of a file that is nothing of ours, or has nothing that can be read, it
// says ErrNotSpool and leaves it alone. Other errors: ErrLocked when the file is in use after LockWait,
// ErrFull when there is no room for a new one, what Validate says, and the disk's own.
//
// A Spool that was closed may be opened again.
func (s *Spool) Open() error {
	if err := s.Validate(); err != nil {
		return err
	}
	lost, err := s.begin()
	if lost == nil {
		return err
	}
	if s.OnLost != nil {
		s.OnLost(*lost)
	} else {
		slog.Default().Error("spool: the file was damaged", "path", s.Path, "lost", lost.String())
	}
	return nil
}

func (s *Spool) begin() (*Lost, error) {
	s.open.Lock()
	defer s.open.Unlock()
	if s.db != nil {
		return nil, fmt.Errorf("%w: this Spool is open", ErrLocked)
	}
	st, err := openStore(s.Path, s.LockWait)
	if err != nil {
		return nil, err
	}
	s.db, s.file, s.sweeping = st.db, st.file, st.orphans
	s.uploads.Store(st.lastUpload)
	s.space = space{}
	s.space.begin(st.file)
	s.broken.Store(false)
	s.line = &line{ready: make(chan struct{}, 1)}
	s.worked = make(chan struct{})
	s.closing, s.close = context.WithCancel(context.Background())
	s.mu.Lock()
	s.state, s.news = st.state, make(chan struct{})
	s.mu.Unlock()
	if len(s.sweeping) > 0 {
		s.line.wake()
	}
	go s.work()
	return st.lost, nil
}

// Close ends Run, waits until what was published and acknowledged is on the disk, and closes the file.
// It does not wait for a consumer's handle: what is being handled will be delivered again. So end Run's
// context and wait for it to return, then call Close. Afterwards all methods say ErrClosed. Close may be
// called again, and on a Spool that was never opened.
func (s *Spool) Close() error {
	s.open.RLock()
	if s.db == nil {
		s.open.RUnlock()
		return nil
	}
	s.close()
	s.line.close()
	worked := s.worked
	s.open.RUnlock()
	<-worked

	s.open.Lock()
	defer s.open.Unlock()
	if s.db == nil || s.worked != worked {
		return nil
	}
	db := s.db
	s.db = nil
	if s.broken.Load() {
		unlock(s.file)        // the file stays mapped, which would keep the lock
		return s.file.Close() // bbolt may hold its own locks: it is left as it is
	}
	return db.Close()
}

// lineNow is the line to the committer.
func (s *Spool) lineNow() (*line, error) {
	s.open.RLock()
	defer s.open.RUnlock()
	if s.db == nil {
		return nil, ErrClosed
	}
	return s.line, nil
}
