package spool_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/spool"
)

func TestTheQuotaIsExactAndItsRoomIsUsedAgain(t *testing.T) {
	t.Parallel()
	const quota = 1 << 20
	s := opened(t, &spool.Spool{MaxBytes: quota})
	refused, first, length := uint64(0), 0, int64(0)
	for cycle := range 20 {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range quota / 10_000 { // or a store without a quota would fill the disk
					err := s.Publish(t.Context(), &spool.Entry{Method: "POST"}, strings.NewReader(words(10_000)))
					if err != nil {
						if !errors.Is(err, spool.ErrFull) || errors.Is(err, spool.ErrTooLarge) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		all.Wait()
		refused += 8
		st := s.Stats()
		if st.Bytes > quota || st.Bytes < quota-10_200 || st.Refused != refused {
			t.Errorf("full at %+v", st)
		}
		if cycle == 0 {
			first = st.Waiting
		}
		if cycle == 2 {
			length = st.FileBytes
		}
		if st.Waiting != first || cycle > 2 && st.FileBytes > length+length/4 {
			t.Errorf("cycle %d: %+v, the first time %d entries, in the third %d bytes", cycle, st, first, length)
		}
		consume(t, s, st.Waiting)
		empties(t, s)
	}
}

func TestABodyWithoutRoomIsRefused(t *testing.T) {
	s := opened(t, &spool.Spool{MaxBytes: 1 << 20})
	unread := readerFunc(func([]byte) (int, error) { t.Error("it is read"); return 0, io.EOF })
	if err := s.Publish(t.Context(), &spool.Entry{Size: 1<<20 + 1}, unread); !errors.Is(err, spool.ErrTooLarge) {
		t.Errorf("one that says to be larger than the quota: %v", err)
	}
	if err := s.Publish(t.Context(), &spool.Entry{}, strings.NewReader(words(2<<20))); !errors.Is(err, spool.ErrTooLarge) && !errors.Is(err, spool.ErrFull) {
		t.Errorf("one that turns out to be: %v", err)
	}
	empties(t, s)
	publish(t, s, words(600<<10))
	if err := s.Publish(t.Context(), &spool.Entry{Size: 600 << 10}, unread); !errors.Is(err, spool.ErrFull) {
		t.Errorf("one that says to be too large now: %v", err)
	}
	if err := s.Publish(t.Context(), &spool.Entry{}, strings.NewReader(words(600<<10))); !errors.Is(err, spool.ErrFull) || errors.Is(err, spool.ErrTooLarge) {
		t.Errorf("one that turns out to be: %v", err)
	}
	consume(t, s, 1)
	empties(t, s)
	publish(t, s, words(600<<10))
}

func TestANegativeQuotaIsNone(t *testing.T) {
	s := opened(t, &spool.Spool{MaxBytes: -1})
	publish(t, s, words(300<<10))
	if e, _ := consume(t, s, 1); e[0].Size != 300<<10 {
		t.Error("it has not come")
	}
}

func TestWhatFailedAttemptsSayIsWithinTheQuotaToo(t *testing.T) {
	t.Parallel()
	const quota = 64 << 10
	s := opened(t, &spool.Spool{MaxBytes: quota})
	for s.Publish(t.Context(), &spool.Entry{}, nil) == nil {
		continue
	}
	n := s.Stats().Waiting
	s.Delay, s.DelayMax, s.Attempts = time.Hour, time.Hour, -1
	running(t, s, errors.New(words(2000)), func() bool { return s.Stats().Failed == uint64(n) })
	if st := s.Stats(); st.Waiting != n || st.Bytes > int64(quota+12*n) {
		t.Errorf("%d entries, %+v", n, st)
	}
	consume(t, s, n)
	empties(t, s)
}

// fillsTheDisk is a process whose path is on a small disk of its own. What it says is wrong.
func fillsTheDisk(dir string) {
	say := func(format string, args ...any) { fmt.Printf(format+"\n", args...) }
	if err := mountSmall(dir, 8<<20); err != nil {
		say("cannot mount: %v", err)
		return
	}
	s := &spool.Spool{Path: dir + "/full.spool", MaxBytes: -1, OnLost: func(l spool.Lost) { say("lost: %v", l) }}
	if err := s.Open(); err != nil {
		say("Open: %v", err)
		return
	}
	ctx := context.Background()
	body := words(50_000)
	fill := func(body string) (n int) {
		for {
			err := s.Publish(ctx, &spool.Entry{}, strings.NewReader(body))
			switch {
			case err == nil:
				n++
				continue
			case !errors.Is(err, spool.ErrFull) || !isNoSpace(err):
				say("a full disk says: %v", err)
			}
			return n
		}
	}
	n := fill(body)
	if n < 50 || n > 160 {
		say("%d entries of 50 kB were stored on a disk of 8 MiB", n)
	}
	n += fill("") // to the last page
	if err := s.Publish(ctx, &spool.Entry{}, strings.NewReader(words(3<<20))); !errors.Is(err, spool.ErrFull) {
		say("a long body on a full disk: %v", err)
	}
	// Somebody else takes all that is left.
	if err := os.WriteFile(dir+"/other", make([]byte, 8<<20), 0o600); err == nil {
		say("the disk is not full")
	}
	for range 3 {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		seen := 0
		_ = s.Run(ctx, func(ctx context.Context, e *spool.Entry) error {
			if b, err := io.ReadAll(e.Body()); err != nil || len(b) > 0 && string(b) != body {
				say("a body of %d bytes has become %d: %v", len(body), len(b), err)
			}
			if seen++; seen == n {
				cancel()
			}
			return nil
		})
		if st := s.Stats(); seen != n || st.Waiting != 0 || st.Acknowledged == 0 {
			say("%d of %d were handled: %+v", seen, n, st)
		}
		if n = fill(body); n < 40 {
			say("only %d could be stored where there had been more", n)
		}
		n += fill("")
	}
	if err := s.Close(); err != nil {
		say("Close: %v", err)
	}
	if err := s.Open(); err != nil {
		say("opening it again on a full disk: %v", err)
	}
	if st := s.Stats(); st.Waiting != n {
		say("after it was opened again: %+v, want %d", st, n)
	}
	if err := s.Close(); err != nil {
		say("Close: %v", err)
	}
}
