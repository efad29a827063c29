package spool_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/heeler-go/heeler/offpath/spool"
)

func TestTheDeadCanBeReadTriedAgainAndDiscarded(t *testing.T) {
	s := &spool.Spool{Attempts: 1, OnDead: func(*spool.Entry, error) {}}
	opened(t, s)
	first, second, third := publish(t, s, "first"), publish(t, s, words(200<<10)), publish(t, s, "third")
	die(t, s, 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Open(); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for e, err := range s.Dead() {
		if err != nil || e.Attempts != 1 || e.LastError != "no" || int64(len(read(t, e.Body()))) != e.Size {
			t.Errorf("%+v %v", e, err)
		}
		ids = append(ids, e.ID)
	}
	if !slices.Equal(ids, []string{first, second, third}) {
		t.Errorf("dead are %q", ids)
	}
	if err := errors.Join(s.Discard(second), s.Retry(first)); err != nil {
		t.Error(err)
	}
	for _, id := range []string{second, first, "", "never", words(1000)} {
		if err := s.Retry(id); !errors.Is(err, spool.ErrNotFound) {
			t.Errorf("Retry(%.20q): %v", id, err)
		}
		if err := s.Discard(id); !errors.Is(err, spool.ErrNotFound) {
			t.Errorf("Discard(%.20q): %v", id, err)
		}
	}
	if st := s.Stats(); st.Dead != 1 || st.Waiting != 1 || st.Discarded != 1 {
		t.Errorf("%+v", st)
	}
	entries, bodies := consume(t, s, 1)
	if entries[0].ID != first || entries[0].Attempts != 0 || bodies[0] != "first" {
		t.Errorf("%+v %q", entries[0], bodies[0])
	}
	if err := s.Discard(third); err != nil {
		t.Error(err)
	}
	empties(t, s)
}

// die runs s until n entries are dead.
func die(t *testing.T, s *spool.Spool, n int) {
	t.Helper()
	running(t, s, errors.New("no"), func() bool { return s.Stats().Dead >= n })
}

// running runs s, with a consumer that says err, until something is so.
func running(t *testing.T, s *spool.Spool, err error, until func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(ctx, func(context.Context, *spool.Entry) error { return err })
	}()
	for !until() && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
	cancel()
	<-ended
}

func TestRetriedWhileItRunsAnEntryIsDeliveredOnceMore(t *testing.T) {
	s := opened(t, &spool.Spool{Attempts: 1, OnDead: func(*spool.Entry, error) {}})
	var healthy atomic.Bool
	var good atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(ctx, func(context.Context, *spool.Entry) error {
			if !healthy.Load() {
				return errors.New("no")
			}
			good.Add(1)
			return nil
		})
	}()
	for range 50 {
		publish(t, s, "x")
	}
	for s.Stats().Dead < 50 {
		time.Sleep(time.Millisecond)
	}
	healthy.Store(true)
	for e := range s.Dead() {
		if err := s.Retry(e.ID); err != nil {
			t.Error(err)
		}
	}
	empties(t, s)
	cancel()
	<-ended
	if good.Load() != 50 {
		t.Errorf("%d were delivered again, want 50", good.Load())
	}
}
