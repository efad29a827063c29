package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// Run hands records to Handle until ctx ends, and returns [context.Cause] of it then, joined with what
// went wrong if the cursor could not be written at last. Any other error says that it could not begin:
// a field that Validate refuses, a cursor file that is in use by another Follower or has no cursor in
// it, a journalctl that cannot be started or complains. Once it has begun only ctx ends it. When it
// returns, journalctl has ended and no goroutine is left.
func (f *Follower) Run(ctx context.Context) error {
	if err := f.Validate(); err != nil {
		return err
	}
	r := &run{f: f}
	save := func(string) error { return nil }
	if f.Cursor != "" {
		file, err := openCursor(f.Cursor)
		if err != nil {
			return err
		}
		defer file.close()
		if r.at, err = file.load(); err != nil {
			return err
		}
		save = file.save
	}
	if err := r.begin(ctx, save); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	r.keeper = startKeeper(save, r.report)
	r.follow(ctx)
	if err := r.keeper.close(); err != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	return context.Cause(ctx)
}

// A run is one call of Run.
type run struct {
	f       *Follower
	at      string // the cursor of the last record that was acknowledged, or of the place to begin behind
	gone    string // the cursor for which a gap was reported
	stuck   int    // how often journalctl has failed at this place in a row
	heavy   string // the cursor of a record that journalctl cannot print as a whole
	mark    mark
	keeper  *keeper
	garbage garbage

	mu sync.Mutex // held while OnError is called
}

// begin finds the place to begin. A first run keeps it before it reads anything: were it killed before
// its first record, the next would otherwise begin later.
func (r *run) begin(ctx context.Context, save func(string) error) error {
	if r.at != "" {
		return r.checkGap(ctx)
	}
	last, err := r.locate(ctx, "")
	if err != nil {
		return err
	}
	if r.at = last; last == "" {
		r.report(errors.New("journal: there is no record in the journal that this process may read: beginning with the first"))
		r.at = origin
	}
	return save(r.at)
}

// checkGap finds out whether the record at the cursor is still there, and reports it once if not.
func (r *run) checkGap(ctx context.Context) error {
	if r.at == origin || r.at == r.gone {
		return nil
	}
	found, err := r.locate(ctx, r.at)
	if err != nil {
		return err
	}
	if found == r.at {
		return nil
	}
	r.report(&GapError{Cursor: r.at, Next: found})
	if found == "" {
		r.at = origin
	}
	r.gone = r.at
	return nil
}

// follow runs one session after the other until ctx ends.
func (r *run) follow(ctx context.Context) {
	failed := 0
	for first := true; ctx.Err() == nil; first = false {
		began, before := time.Now(), r.at
		err := r.session(ctx, first)
		if ctx.Err() != nil {
			return
		}
		if r.at != before || time.Since(began) > r.f.retry() {
			failed = 0
		}
		d := pause(failed, r.f.retry())
		failed++
		r.report(fmt.Errorf("%w; it is started again in %s", err, d.Round(time.Millisecond)))
		sleep(ctx, d)
	}
}

// session reads what has been written since the cursor and then what is being written, until journalctl
// ends. These are two commands, since journalctl --follow leaves out what was written before the
// machine was last started.
func (r *run) session(ctx context.Context, first bool) error {
	if !first {
		if err := r.checkGap(ctx); err != nil {
			return err
		}
	}
	r.mark = mark{r.at, time.Now()}
	if err := r.catchUp(ctx); err != nil {
		return err
	}
	if err := r.pass(ctx, "--follow", "--no-tail"); err != nil {
		return err
	}
	return errors.New("journal: journalctl --follow has ended, with no error")
}

// maxStuck is how often journalctl may fail at one place before the next record is asked for without its long
// values, over which it may have run out of memory.
const maxStuck = 2

// catchUp reads what has been written since the cursor.
func (r *run) catchUp(ctx context.Context) error {
	if r.stuck >= maxStuck {
		if err := r.brief(ctx); err != nil {
			return err
		}
	}
	before := r.at
	err := r.pass(ctx)
	if r.stuck++; err == nil || r.at != before {
		r.stuck = 0
	}
	return err
}

// report tells OnError.
func (r *run) report(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.f.OnError != nil {
		r.f.OnError(err)
		return
	}
	slog.Default().Warn(err.Error())
}
