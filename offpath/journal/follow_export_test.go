package journal

import (
	"context"
	"errors"
	"io"
	"time"
)

// ReadRecords reads all of journalctl's output, and says how many lines were garbage.
func ReadRecords(r io.Reader, max int) (records []Record, garbage int, err error) {
	d := newRecordReader(r, max)
	for {
		record, err := d.next()
		var bad *garbageError
		switch {
		case err == nil:
			records = append(records, record)
		case errors.As(err, &bad):
			garbage++
		default:
			return records, garbage, err
		}
	}
}

// KeepCursors starts a keeper of cursors.
func KeepCursors(save func(string) error, report func(error)) (note func(string), end func() error) {
	k := startKeeper(save, report)
	return k.note, k.close
}

// Deliver hands one record to a Follower's Handle until it is acknowledged.
func (f *Follower) Deliver(ctx context.Context, record Record) bool {
	r := &run{f: f, keeper: startKeeper(func(string) error { return nil }, func(error) {})}
	defer r.keeper.close()
	return r.deliver(ctx, record)
}

// Pause is the pause after so many failures.
func Pause(failures int, limit time.Duration) time.Duration { return pause(failures, limit) }

// GarbageTold says at which of these times a line of garbage is told.
func GarbageTold(at []time.Time) (told []string) {
	var g garbage
	for _, now := range at {
		if err := g.count(&garbageError{"no reason"}, now); err != nil {
			told = append(told, err.Error())
		}
	}
	return told
}

// CheckLoss has next printed by journalctl, so long after the record at mark was asked for, and gives the mark that
// is then.
func (f *Follower) CheckLoss(ctx context.Context, mark string, ago time.Duration, next Record) string {
	r := &run{f: f}
	r.mark.cursor, r.mark.asked = mark, time.Now().Add(-ago)
	r.checkLoss(ctx, next)
	return r.mark.cursor
}
