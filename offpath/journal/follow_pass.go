package journal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// command is journalctl with arguments, so that it prints what matches.
func (r *run) command(args []string, match []string) []string {
	command := append([]string{}, r.f.Journalctl...)
	if len(command) == 0 {
		command = []string{"journalctl"}
	}
	command = append(command, "--output=json", "--no-pager", "--quiet")
	command = append(command, args...)
	return append(append(command, "--"), match...) // what follows -- is no option
}

// pass runs journalctl once and delivers what it prints, of which it leaves out the record at the
// cursor. It ends when journalctl does or when ctx does. Nil means that all were delivered that there
// are.
func (r *run) pass(ctx context.Context, args ...string) error {
	return r.read(ctx, append(args, "--all", r.place()), func(record Record) bool {
		if record.Cursor == r.at {
			return true
		}
		r.checkLoss(ctx, record)
		return r.deliver(ctx, record)
	})
}

// brief delivers the next record, whose values of more than 4,096 bytes journalctl leaves out without
// --all, unless the one at the cursor has such values itself: then it is this one that is too much.
func (r *run) brief(ctx context.Context) error {
	return r.read(ctx, []string{r.place()}, func(record Record) bool {
		if record.Cursor == r.at && !record.Truncated {
			return true
		}
		if record.Cursor != r.at && !r.deliver(ctx, record) {
			return false
		}
		if record.Truncated {
			r.heavy = r.at
		}
		return false
	})
}

// place is the argument for where to begin. It is --cursor, which includes the record there: up to
// version 253 --after-cursor skips a record that nobody has seen, if the one at the cursor is gone or
// does not match. Only a record that is too much for journalctl is passed over in that way, and that
// one is there and does match.
//
// And --follow means --lines=10 unless there is --no-tail: behind --after-cursor systemd 252 then prints ten
// records, and the others when one more is written.
func (r *run) place() string {
	if r.at == r.heavy {
		return "--after-cursor=" + r.at
	}
	return "--cursor=" + r.at
}

// read runs journalctl once and gives take its records, until it returns false.
func (r *run) read(ctx context.Context, args []string, take func(Record) bool) error {
	c, err := startChild(r.command(args, r.f.Match))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, c.kill)()
	records := newRecordReader(c.output, r.f.maxBytes())
	for {
		record, err := r.next(records)
		if err != nil {
			return finish(c, err)
		}
		if !take(record) {
			c.end()
			return nil
		}
	}
}

// finish ends a child whose output has ended with err.
func finish(c *child, err error) error {
	if err != io.EOF && !errors.Is(err, io.ErrUnexpectedEOF) {
		c.end()
		return fmt.Errorf("journal: read from journalctl: %w", err)
	}
	if ended := c.wait(); ended != nil {
		return fmt.Errorf("journal: journalctl has ended: %w", ended)
	}
	if err == io.EOF {
		return nil
	}
	return errors.New("journal: journalctl has ended in the midst of a record")
}

// locate finds the cursor of the record at a cursor, or of the first one behind it, whether it matches
// or not; without a cursor that of the last one. It is "" where there is none.
func (r *run) locate(ctx context.Context, cursor string) (string, error) {
	args := []string{"--lines=1", "--output-fields=_BOOT_ID"} // the shortest; the cursor is always there
	if cursor != "" {
		args = append(args, "--cursor="+cursor)
	}
	c, err := startChild(r.command(args, nil))
	if err != nil {
		return "", err
	}
	defer context.AfterFunc(ctx, c.kill)()
	record, err := r.next(newRecordReader(c.output, r.f.maxBytes()))
	if err == nil {
		c.end()
		return record.Cursor, nil
	}
	if err = finish(c, err); err != nil && r.f.Cursor != "" && cursor != "" {
		err = fmt.Errorf("%w (the cursor is that of %s: %.200s)", err, r.f.Cursor, cursor)
	}
	return "", err
}

// next reads one record, and leaves out what is none.
func (r *run) next(records *recordReader) (Record, error) {
	for {
		record, err := records.next()
		var bad *garbageError
		if !errors.As(err, &bad) {
			return record, err
		}
		if err := r.garbage.count(bad, time.Now()); err != nil {
			r.report(err)
		}
	}
}

// garbage counts lines that cannot be read, which need not all be told.
type garbage struct {
	lines int // since the last one that was told
	told  time.Time
}

// count returns what is to be told, at most once a minute, or nil.
func (g *garbage) count(err error, now time.Time) error {
	g.lines++
	if !g.told.IsZero() && now.Sub(g.told) < time.Minute {
		return nil
	}
	if g.lines > 1 {
		err = fmt.Errorf("%w (and %d others since the last)", err, g.lines-1)
	}
	g.lines, g.told = 0, now
	return err
}
