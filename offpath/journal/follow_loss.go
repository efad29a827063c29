package journal

import (
	"cmp"
	"context"
	"time"
)

// A mark is a record that was in the journal when it was last asked for. Since the oldest are removed first, all
// behind it that were printed until then are all that there were.
type mark struct {
	cursor string
	asked  time.Time
}

// behind is how old a record may be as long as journalctl is taken to have kept up; and the least time from one
// question for the mark to the next.
const behind = 10 * time.Second

// checkLoss reports records that were removed from the journal before they were read, while journalctl had to wait
// for Handle: it goes on, without a word, at the oldest that is there. next is what it has printed.
func (r *run) checkLoss(ctx context.Context, next Record) {
	now := time.Now()
	if now.Sub(next.Time) < behind {
		r.mark = mark{next.Cursor, now}
		return
	}
	if now.Sub(r.mark.asked) < behind {
		return
	}
	r.mark.asked = now
	if r.mark.cursor == origin {
		r.mark.cursor = next.Cursor
		return
	}
	found, err := r.locate(ctx, r.mark.cursor)
	switch {
	case err != nil: // the next question may go better
	case found == r.mark.cursor:
		r.mark.cursor = next.Cursor
	default:
		found = cmp.Or(found, next.Cursor)
		r.report(&GapError{Cursor: r.mark.cursor, Next: found})
		r.mark.cursor = found
	}
}
