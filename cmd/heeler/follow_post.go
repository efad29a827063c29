package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/offpath/journal"
)

// A poster posts one entry after the other. Each is posted, or told of in the log, before handle returns nil:
// then the follower goes on to the next, and not before.
type poster struct {
	prefix  string
	post    func(context.Context, journal.Record) error
	timeout time.Duration // of one attempt
	every   time.Duration // at least, from one attempt to the next
	tries   int           // of an error that will not pass
	log     *slog.Logger
	own     self

	last    time.Time // when the last attempt began
	posted  int
	givenUp int
}

// handle posts an entry that is looked for. Its error is only ever that ctx has ended before that was done.
func (p *poster) handle(ctx context.Context, r journal.Record) error {
	if p.own.said(r) || !strings.HasPrefix(r.Message(), p.prefix) {
		return nil
	}
	for try := 1; ; try++ {
		if err := sleep(ctx, time.Until(p.last.Add(p.every))); err != nil {
			return err
		}
		p.last = time.Now()
		err := p.attempt(ctx, r)
		if err == nil {
			p.posted++
			return nil
		}
		var later *alert.LaterError
		passes, shut := errors.As(err, &later), shutToAll(err)
		if !passes && !shut && try >= p.tries && ctx.Err() == nil {
			p.giveUp(r, err, try)
			return nil
		}
		wait := patience(try)
		if passes {
			wait = max(wait, later.After)
		}
		if ctx.Err() == nil {
			level, what := slog.LevelWarn, "not posted yet"
			if shut {
				level, what = slog.LevelError, "nothing is posted until this is put right"
			}
			p.log.Log(ctx, level, what, "error", err, "attempt", try, "again in", wait.Round(time.Millisecond), "cursor", r.Cursor)
		}
		if err := sleep(ctx, wait); err != nil {
			return err
		}
	}
}

// shutToAll says whether the error is about the place and not the entry: then to give up the entry would be to give
// up all that follow, one after the other.
func shutToAll(err error) bool {
	var setup *alert.SetupError
	return errors.As(err, &setup)
}

// attempt posts an entry once. Once ctx has ended it has a little time to come to its end, so that what has
// been posted is known to be.
func (p *poster) attempt(ctx context.Context, r journal.Record) (err error) {
	posting, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.timeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(grace, cancel)
		context.AfterFunc(posting, func() { timer.Stop() })
	})
	defer stop()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
		}
	}()
	return p.post(posting, r)
}

// giveUp tells all there is to tell of an entry that nobody takes: it is lost to the place, and not in silence.
func (p *poster) giveUp(r journal.Record, err error, tries int) {
	p.givenUp++
	p.log.Error("given up: it is not posted", "error", err, "attempts", tries, "cursor", r.Cursor, "seen", r.Time,
		"unit", r.Get("_SYSTEMD_UNIT"), "host", r.Get("_HOSTNAME"), "pid", r.Get("_PID"),
		"message", redact.List{}.Text(cut(r.Message(), maxMessage)))
}

const (
	shortestWait = time.Second
	longestWait  = 5 * time.Minute
)

// patience is how long to wait after so many attempts: twice as long each time, and of that between half and
// all, at random, so that those who fail together do not come back together.
func patience(tries int) time.Duration {
	most := longestWait
	if tries < 20 {
		most = min(most, shortestWait<<(tries-1))
	}
	return most/2 + rand.N(most/2+1)
}

// sleep waits, unless ctx ends before: then the error says so.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return context.Cause(ctx)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// self is this process, as the journal names it. What it says of an entry that it cannot post may be looked for
// as well, and would then be one more, and so on for ever.
type self struct {
	pid, boot string
	begun     time.Time
}

func newSelf() self {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // without it the process's number has to do
	return self{strconv.Itoa(os.Getpid()), strings.ReplaceAll(strings.TrimSpace(string(boot)), "-", ""), time.Now()}
}

// said tells whether the entry is of this process. Another one may have had its number before.
func (s self) said(r journal.Record) bool {
	return r.Get("_PID") == s.pid && (s.boot == "" || r.Get("_BOOT_ID") == s.boot) && !r.Time.Before(s.begun)
}
