package nats_test

import (
	"context"
	"errors"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/heeler-go/heeler/contrib/nats"
	"github.com/heeler-go/heeler/offpath"
	"github.com/heeler-go/heeler/offpath/spool"
)

// There is no room for the text of the error that it has died of.
func TestAnEntryThatFillsAMessageCanDie(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", Attempts: 1, DelayMax: time.Millisecond}
	e, size := &spool.Entry{}, 128<<10
	for errors.Is(s.Publish(t.Context(), e, io.LimitReader(zeros{}, int64(size))), spool.ErrTooLarge) {
		size--
	}
	consume(t, s, always(errSick), func([]visit) bool { return s.Stats().Dead == 1 })
	dead := &nats.Stream{JetStream: q.js, Subject: "hooks.dead"}
	visits := consume(t, dead, always(nil), func([]visit) bool { return dead.Stats().Acknowledged == 1 })
	equal(t, "ID", visits[0].entry.ID, e.ID)
	equal(t, "body", len(visits[0].body), size)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestWhatOnDeadDoesEndsNothing(t *testing.T) {
	for name, end := range map[string]func(){"panics": func() { panic("mad dog") }, "ends its goroutine": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			q := start(t)
			q.holds(jetstream.StreamConfig{})
			s := &nats.Stream{JetStream: q.js, Subject: "hooks", Attempts: 1, OnDead: func(*spool.Entry, error) { end() }}
			publish(t, s, "one")
			publish(t, s, "another")
			consume(t, s, always(errSick), func([]visit) bool { return s.Stats().Dead == 2 })
		})
	}
}

// A code is an error type of which one forgets that its nil pointer is an error too.
type code struct{ text string }

func (c *code) Error() string { return c.text }

func TestANilPointerThatIsAnErrorIsAPanic(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	var cause error
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", Attempts: 1, OnDead: func(_ *spool.Entry, err error) { cause = err }}
	publish(t, s, "bark")
	consume(t, s, always((*code)(nil)), func([]visit) bool { return s.Stats().Dead == 1 })
	var panicked *offpath.PanicError
	if !errors.As(cause, &panicked) {
		t.Errorf("it died of %T", cause)
	}
	equal(t, "stats", s.Stats(), nats.Stats{Published: 1, Failed: 1, Panicked: 1, Dead: 1})
}

func TestRunWithoutAHandleBuriesNothing(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", Attempts: 1}
	publish(t, s, "bark")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Run(ctx, nil); err == nil || !strings.Contains(err.Error(), "handle is nil") {
		t.Errorf("error %v", err)
	}
	equal(t, "stats", s.Stats(), nats.Stats{Published: 1})
}

func TestNothingThatWasPublishedIsLostWhenTheServerRestartsInTheMidstOfIt(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", AckWait: 500 * time.Millisecond, Workers: 4, Timeout: time.Second}
	var mu sync.Mutex
	published := make(map[string]bool)
	over := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-over:
					return
				case <-time.After(time.Millisecond):
				}
				e := &spool.Entry{}
				if s.Publish(t.Context(), e, strings.NewReader("bark")) == nil {
					mu.Lock()
					published[e.ID] = true
					mu.Unlock()
				}
			}
		})
	}
	go func() {
		defer close(over)
		for range 2 {
			time.Sleep(300 * time.Millisecond)
			q.down()
			q.up()
		}
		time.Sleep(300 * time.Millisecond)
	}()
	consume(t, s, always(nil), func(visits []visit) bool {
		select {
		case <-over:
		default:
			return false
		}
		clients.Wait()
		seen := make(map[string]bool)
		for _, v := range visits {
			seen[v.entry.ID] = true
		}
		for id := range published {
			if !seen[id] {
				return false
			}
		}
		return len(published) > 0
	})
}
