package alert

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// A line is what waits for one sink. It decides and does nothing: no method
// blocks, and the Queue's lock is held around each.
type line struct {
	sink      Sink
	name      string
	size      int
	fold      time.Duration
	rate      rate
	fileBytes int64

	waiting []*entry             // in the order of arrival
	byKey   map[string]*entry    // the same entries
	windows map[string]time.Time // until when alike ones are held back
	files   int64                // bytes of Files, waiting and being sent
	paused  time.Time            // the sink asked to be left alone until then

	working bool               // a worker exists
	wake    chan struct{}      // the worker's own: tells it, when it waits, to look again
	cancel  context.CancelFunc // ends the Send that is going on; nil if none is
	tally   Tally
	lost    Alert // the first alert dropped since the last report, if Count > 0
	quiet   quiet
}

// An entry is one alert that waits, with those folded into it.
type entry struct {
	key   string
	alert Alert // Count is the sum
	first int   // the Count of the one that the others were folded into
	due   time.Time
	files int64
	tries int
}

// add takes a into the line, folds it, or refuses it.
func (l *line) add(a Alert, now time.Time) bool {
	n := int64(a.Count)
	key := a.Key
	if key == "" {
		key = a.Title
	}
	if e := l.byKey[key]; e != nil {
		e.alert.Count += a.Count
		l.tally.Offered += n
		l.tally.Folded += n
		l.tally.Waiting += n
		return true
	}
	if len(l.waiting) >= l.size {
		l.refuse(a)
		return false
	}
	due := now
	if end := l.windows[key]; end.After(now) {
		due = end
	}
	e := &entry{key: key, first: a.Count, due: due, files: filesSize(a.Files)}
	if e.files > 0 && l.files+e.files > l.fileBytes {
		a.Text = withoutFiles(a, e.files)
		a.Files, e.files = nil, 0
	}
	e.alert = a
	l.files += e.files
	l.waiting = append(l.waiting, e)
	l.byKey[key] = e
	l.tally.Offered += n
	l.tally.Waiting += n
	return true
}

// refuse counts a as dropped and keeps what a report of it needs.
func (l *line) refuse(a Alert) {
	l.drop(a.Count)
	if l.lost.Count == 0 {
		l.lost, l.lost.Files = a, nil
		return
	}
	l.lost.Count += a.Count
}

func (l *line) drop(n int) {
	l.tally.Offered += int64(n)
	l.tally.Dropped += int64(n)
}

// next says which entry is to be sent now, or how long to wait for one. Both
// are zero when nothing waits. A line that is closing waits for nothing.
func (l *line) next(now time.Time, closing bool) (*entry, time.Duration) {
	if len(l.waiting) == 0 {
		return nil, 0
	}
	first := l.waiting[0]
	for _, e := range l.waiting[1:] {
		if e.due.Before(first.due) {
			first = e
		}
	}
	if closing {
		return first, 0
	}
	wait := max(first.due.Sub(now), l.paused.Sub(now), l.rate.wait(now))
	if wait > 0 {
		return nil, wait
	}
	return first, 0
}

// take removes e from the line, to be sent, and opens its fold window.
func (l *line) take(e *entry, now time.Time) {
	l.remove(e)
	l.rate.take(now)
	maps.DeleteFunc(l.windows, func(_ string, end time.Time) bool { return !end.After(now) })
	// A storm of different alerts without a rate limit must not grow the
	// table: beyond the bound an alert is just not held back.
	if l.fold > 0 && len(l.windows) < 4*l.size {
		l.windows[e.key] = now.Add(l.fold)
	}
}

// putBack lets e wait again, with what has come alike meanwhile, and leaves the
// sink alone for a while. Being the longest due, e is the next.
func (l *line) putBack(e *entry, now time.Time, pause time.Duration) {
	l.paused = now.Add(pause)
	if held := l.byKey[e.key]; held != nil {
		l.remove(held)
		l.files -= held.files
		l.tally.Folded += int64(held.first) // the others have been counted
		e.alert.Count += held.alert.Count
	}
	l.waiting = append(l.waiting, e)
	l.byKey[e.key] = e
}

// done counts e, which has been sent or cannot be.
func (l *line) done(e *entry, delivered bool) {
	n := int64(e.alert.Count)
	l.tally.Waiting -= n
	l.files -= e.files
	if delivered {
		l.tally.Delivered += n
		return
	}
	l.tally.Failed += n
}

// dropAll drops what waits and says how many they were.
func (l *line) dropAll() (n int64) {
	for _, e := range l.waiting {
		n += int64(e.alert.Count)
		l.files -= e.files
	}
	l.waiting = nil
	clear(l.byKey)
	l.tally.Waiting -= n
	l.tally.Dropped += n
	return n
}

func (l *line) remove(e *entry) {
	i := slices.Index(l.waiting, e)
	l.waiting = slices.Delete(l.waiting, i, i+1)
	delete(l.byKey, e.key)
}

// begin is called before a worker is started. What the worker waits for is made
// anew, since it belongs to the synctest bubble, if any, that the worker is in.
func (l *line) begin() {
	l.working = true
	l.wake = make(chan struct{}, 1)
}

// nudge makes a worker that waits look again. It never blocks.
func (l *line) nudge() {
	if !l.working {
		return
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func filesSize(files []File) (n int64) {
	for _, f := range files {
		n += int64(len(f.Data))
	}
	return n
}

// withoutFiles is a's Text with a word on the files that it had to leave.
func withoutFiles(a Alert, size int64) string {
	return fmt.Sprintf("%s\n\n(%d attached files of %d bytes in all were left out: too many were waiting.)\n",
		a.Text, len(a.Files), size)
}

// A rate is a token bucket that starts full.
type rate struct {
	perMinute int // negative means no limit
	spent     float64
	at        time.Time // when spent was right
}

// wait says how long it is until a token is there.
func (r *rate) wait(now time.Time) time.Duration {
	if r.perMinute < 0 {
		return 0
	}
	missing := r.level(now) - (r.depth() - 1)
	// Less than a microsecond is a rounding error, not a wait.
	return time.Duration(missing * float64(time.Minute) / float64(r.perMinute)).Truncate(time.Microsecond)
}

func (r *rate) take(now time.Time) {
	if r.perMinute < 0 {
		return
	}
	// Closing takes without asking; its debt is of no consequence.
	r.spent, r.at = r.level(now)+1, now
}

// level is how many tokens are missing from a full bucket.
func (r *rate) level(now time.Time) float64 {
	return max(0, r.spent-now.Sub(r.at).Minutes()*float64(r.perMinute))
}

func (r *rate) depth() float64 { return float64(min(burst, r.perMinute)) }
