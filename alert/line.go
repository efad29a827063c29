package alert

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/heeler-go/heeler/internal/quiet"
	"github.com/heeler-go/heeler/offpath"
)

// A line is what waits for one sink. No method blocks or calls foreign code,
// and the Queue's lock is held around each but ring.
type line struct {
	mu        *sync.Mutex // the Queue's
	sink      Sink
	name      string
	size      int
	fold      time.Duration
	rate      rate
	fileBytes int64

	jobs    offpath.Queue[*entry] // those that are due, for the one worker that sends them
	waiting map[string]*entry     // by key: held back, due, or to be tried again
	held    []*entry              // held back, in the order in which they will be due
	alarm   *time.Timer           // for the first that is held back; nil if none is
	windows map[string]time.Time  // until when alike ones are held back
	files   int64                 // bytes of Files, waiting and being sent
	paused  time.Time             // the sink asked to be left alone until then

	wake  chan struct{} // closed to end the worker's wait for a time; nil if it does not wait
	tally Tally
	lost  Alert // the first alert dropped since the last report, if Count > 0
	quiet quiet.Gate
}

// An entry is one alert that waits, with those folded into it.
type entry struct {
	key     string
	alert   Alert // Count is the sum
	first   int   // the Count of the one that the others were folded into
	due     time.Time
	files   int64
	tries   int
	settled bool // it is counted as delivered, failed or dropped
}

// add takes a into the line, folds it, or refuses it.
func (l *line) add(a Alert, now time.Time) bool {
	n := int64(a.Count)
	key := a.Key
	if key == "" {
		key = a.Title
	}
	if e := l.waiting[key]; e != nil {
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
	e := &entry{key: key, first: a.Count, due: l.windows[key], files: filesSize(a.Files)}
	if e.files > 0 && l.files+e.files > l.fileBytes {
		a.Text = withoutFiles(a, e.files)
		a.Files, e.files = nil, 0
	}
	e.alert = a
	l.files += e.files
	l.waiting[key] = e
	l.tally.Offered += n
	l.tally.Waiting += n
	if e.due.After(now) {
		l.hold(e, now)
	} else {
		l.jobs.Offer(e)
	}
	return true
}

// hold keeps e back until it is due.
func (l *line) hold(e *entry, now time.Time) {
	i, _ := slices.BinarySearchFunc(l.held, e.due, func(other *entry, due time.Time) int {
		if other.due.After(due) {
			return 1
		}
		return -1 // what is due at the same time has come earlier
	})
	l.held = slices.Insert(l.held, i, e)
	if i == 0 {
		l.arm(now)
	}
}

// arm sets the alarm for the first that is held back, if any is.
func (l *line) arm(now time.Time) {
	if l.alarm != nil {
		l.alarm.Stop()
		l.alarm = nil
	}
	if len(l.held) > 0 {
		l.alarm = time.AfterFunc(l.held[0].due.Sub(now), l.ring)
	}
}

// ring is what the alarm does.
func (l *line) ring() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ripen(time.Now())
}

// hurry makes all due that is held back, and ends the worker's wait for a time.
func (l *line) hurry() {
	if n := len(l.held); n > 0 {
		l.ripen(l.held[n-1].due)
	}
	if l.wake != nil {
		close(l.wake)
	}
}

// ripen hands what is due by then to the worker.
func (l *line) ripen(by time.Time) {
	n := 0
	for n < len(l.held) && !l.held[n].due.After(by) {
		l.jobs.Offer(l.held[n])
		n++
	}
	l.held = slices.Delete(l.held, 0, n)
	l.arm(by)
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

// waits says whether e still does, and has not become a part of another.
func (l *line) waits(e *entry) bool { return l.waiting[e.key] == e }

// wait says for how long the sink is to be left alone.
func (l *line) wait(now time.Time) time.Duration {
	return max(l.paused.Sub(now), l.rate.wait(now))
}

// take removes e from the line, to be sent, and opens its fold window.
func (l *line) take(e *entry, now time.Time) {
	delete(l.waiting, e.key)
	l.rate.take(now)
	maps.DeleteFunc(l.windows, func(_ string, end time.Time) bool { return !end.After(now) })
	// A storm of different alerts without a rate limit must not grow the
	// table: beyond the bound an alert is just not held back.
	if l.fold > 0 && len(l.windows) < 4*l.size {
		l.windows[e.key] = now.Add(l.fold)
	}
}

// putBack lets e wait again, with what has come alike meanwhile, and leaves the
// sink alone for a while.
func (l *line) putBack(e *entry, now time.Time, pause time.Duration) {
	l.paused = now.Add(pause)
	if alike := l.waiting[e.key]; alike != nil {
		l.files -= alike.files
		l.tally.Folded += int64(alike.first) // the others have been counted
		e.alert.Count += alike.alert.Count
		alike.alert.Files = nil // the worker may be long in passing it by
		l.held = slices.DeleteFunc(l.held, func(e *entry) bool { return e == alike })
		l.arm(now)
	}
	l.waiting[e.key] = e
}

// settle counts e as delivered, failed or dropped.
func (l *line) settle(e *entry, as *int64) {
	e.settled = true
	l.files -= e.files
	l.tally.Waiting -= int64(e.alert.Count)
	*as += int64(e.alert.Count)
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
