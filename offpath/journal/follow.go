package journal

import (
	"context"
	"fmt"
	"time"
)

// A Follower reads records from the journal as they are written, through the command journalctl, and
// hands them to Handle one after the other. No record is lost: not while the Follower's process is
// down, when journalctl ends, or when journald starts again.
//
//	f := &journal.Follower{
//		Match:  []string{"SHOP_ALERT=1", "_SYSTEMD_UNIT=shop.service"},
//		Cursor: "/var/lib/shop/alerts.cursor",
//		Handle: func(ctx context.Context, r journal.Record) error { return post(ctx, r.Message()) },
//	}
//	err := f.Run(ctx)
//
// It is at least once: a record comes again when Handle has returned an error, and when the process has ended
// before the cursor was written. So Handle should not mind to see one twice.
//
// The process needs the right to read the journal: root, or a member of the group systemd-journal or
// adm. The fields are not to be changed once Run was called. Several Followers may run at a time, each
// with a cursor file of its own.
type Follower struct {
	// Match is which records are wanted, as journalctl(1) has it: "FIELD=value" each. Those of different fields
	// must all be true, of those of one field one must; "+" stands between alternatives. Empty means all
	// records.
	//
	// Any process may send any field but those that begin with an underscore. So match on one of these as well,
	// such as "_SYSTEMD_UNIT=shop.service" or "_UID=1000"; [Trusted] says whether it does.
	Match []string

	// Cursor is the path of the file that keeps the place of the last record for which Handle has
	// returned nil, so that the next Run goes on behind it. Where there is no such file the first Run
	// makes it, and begins with the records that are written from then on. It holds one line, as
	// journalctl's --cursor-file does. It is replaced whole and synced, at most about once a second and
	// when Run ends: a process that is killed handles up to about a second's records again. A file
	// beside it, with ".lock" behind the name, is locked while Run runs and stays.
	//
	// A file without a cursor in it is an error of Run, which changes nothing: remove the file to begin
	// with the records of now. Where the record at the cursor is no longer in the journal, since it was
	// rotated away, Run tells OnError with a [*GapError] and goes on with the next that is there; where
	// none is behind, as after the clock was set back, it begins with the oldest, since a record twice
	// is better than one not at all.
	//
	// Empty means that no place is kept: each Run begins with the records that are written from then on.
	Cursor string

	// Handle does what is to be done about a record. Nil acknowledges it. After an error, a panic or
	// [runtime.Goexit] it is called with the same record again, after a pause that grows; those behind
	// it wait. Calls never overlap. ctx ends when Run's does, and Run waits for Handle to return. It
	// must not be nil.
	Handle func(ctx context.Context, r Record) error

	// Retry is the longest pause before Handle is called with a record again, and before journalctl is started
	// again. The first is about 0.1 s and each is twice as long as the one before, less up to half of it at
	// random. Zero means one minute.
	Retry time.Duration

	// MaxBytes bounds the values of one record in memory: what its sender wrote, and, apart from it,
	// what journald did. A record with more is cut and says that it is [Record.Truncated]. Zero means 1
	// MiB; it may be 4 KiB to 256 MiB.
	MaxBytes int

	// OnError is told of what went wrong and is being tried again: a [*HandleError] each time that
	// Handle fails, a [*GapError], and others when journalctl ends, prints what cannot be read, or the
	// cursor cannot be written. Calls never overlap, and the Follower waits for them. Nil means a record
	// at level warn to [log/slog.Default].
	OnError func(err error)

	// Journalctl is the command and its first arguments, such as "journalctl", "--namespace=shop". It
	// is ended with SIGKILL, by the system if our process is killed, and may allocate 768 MiB; a wrapper
	// should therefore replace itself by journalctl, as a shell's exec does. Empty means "journalctl"
	// alone, from the PATH.
	Journalctl []string
}

// A HandleError says that Handle did not acknowledge a record, which is handed to it again.
type HandleError struct {
	Record Record
	Err    error         // what Handle returned, or an [*offpath.PanicError]
	Times  int           // how often Handle was called with the record, this time included
	Pause  time.Duration // until it is called again
}

func (e *HandleError) Error() string {
	return fmt.Sprintf("journal: handle %s: attempt %d, next in %s: %v", e.Record.Cursor, e.Times, e.Pause.Round(time.Millisecond), e.Err)
}

// Unwrap returns what Handle returned.
func (e *HandleError) Unwrap() error { return e.Err }

// A GapError says that the record where a Follower had stopped, or where it was when Handle began to take its
// time, is no longer in the journal. Others that came behind it may be gone as well, without having been
// handled: journald removes the oldest to keep to its limits.
type GapError struct {
	Cursor string // where the Follower was
	Next   string // the cursor of the oldest record behind it that is there, whether it matches or not; empty: there is none
}

func (e *GapError) Error() string {
	if e.Next == "" {
		return fmt.Sprintf("journal: the record at cursor %s is no longer in the journal, and none is behind it: beginning with the oldest", e.Cursor)
	}
	return fmt.Sprintf("journal: the record at cursor %s is no longer in the journal: going on at %s", e.Cursor, e.Next)
}

const (
	defaultRetry    = time.Minute
	firstRetry      = 100 * time.Millisecond
	defaultMaxBytes = 1 << 20
	leastMaxBytes   = 4 << 10
	mostMaxBytes    = 256 << 20
)

// Validate reports the first field that cannot be used.
func (f *Follower) Validate() error {
	switch {
	case f.Handle == nil:
		return fmt.Errorf("journal: Follower.Handle: nil: it must be a function")
	case f.Retry < 0:
		return fmt.Errorf("journal: Follower.Retry: %s: it must not be negative", f.Retry)
	case f.MaxBytes != 0 && (f.MaxBytes < leastMaxBytes || f.MaxBytes > mostMaxBytes):
		return fmt.Errorf("journal: Follower.MaxBytes: %d: it must be 0, for %d, or from %d to %d", f.MaxBytes, defaultMaxBytes, leastMaxBytes, mostMaxBytes)
	case len(f.Journalctl) > 0 && f.Journalctl[0] == "":
		return fmt.Errorf("journal: Follower.Journalctl: the first is empty: it must be a command")
	}
	return validateMatch(f.Match)
}
