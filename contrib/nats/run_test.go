package nats_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heeler-go/heeler/contrib/nats"
	"github.com/heeler-go/heeler/offpath"
	"github.com/heeler-go/heeler/offpath/spool"
)

func TestAnEntryThatFailsComesAgain(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", Delay: 50 * time.Millisecond}
	id := publish(t, s, "bark")
	ways := []func() error{
		func() error { return errSick },
		func() error { panic("mad dog") },
		func() error { runtime.Goexit(); return nil },
		func() error { return nil },
	}
	visits := consume(t, s, func(n int, _ *spool.Entry) error { return ways[n-1]() },
		func([]visit) bool { return s.Stats().Acknowledged == 1 })
	equal(t, "visits", len(visits), 4)
	for i, v := range visits {
		equal(t, "ID", v.entry.ID, id)
		equal(t, "body", v.body, "bark")
		equal(t, "Attempts", v.entry.Attempts, i)
		if i > 0 {
			least := 25 * time.Millisecond << (i - 1)
			if after := v.at.Sub(visits[i-1].at); after < least {
				t.Errorf("attempt %d came %v after the one before, want at least %v", i+1, after, least)
			}
		}
	}
	equal(t, "stats", s.Stats(), nats.Stats{Published: 1, Acknowledged: 1, Failed: 3, Panicked: 2})
}

func TestOneThatFailsHoldsUpNoOthers(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", Delay: time.Hour}
	for _, text := range []string{"bad", "good", "bad", "good"} {
		publish(t, s, text)
	}
	visits := consume(t, s, func(_ int, e *spool.Entry) error {
		if body(t, e) == "bad" {
			return errSick
		}
		return nil
	}, func([]visit) bool { return s.Stats().Acknowledged == 2 })
	equal(t, "visits", len(visits), 4)
}

func TestAfterItsLastAttemptAnEntryIsDeadAndMayLiveAgain(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{Duplicates: 100 * time.Millisecond, Retention: jetstream.WorkQueuePolicy})
	var told []string
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", Attempts: 2, Delay: time.Millisecond,
		OnDead: func(e *spool.Entry, err error) { told = append(told, e.ID+" "+e.LastError+" "+err.Error()) }}
	id := publish(t, s, "bark")
	visits := consume(t, s, always(errSick), func([]visit) bool { return s.Stats().Dead == 1 })
	equal(t, "attempts", len(visits), 2)
	equal(t, "told", strings.Join(told, ","), id+" sick as a dog sick as a dog")
	equal(t, "those that wait", q.count("HOOKS", "hooks"), 0)
	equal(t, "the dead", q.count("HOOKS", "hooks.dead"), 1)

	dead := &nats.Stream{JetStream: q.js, Subject: "hooks.dead", Consumer: "again", Delay: 10 * time.Millisecond, Attempts: -1}
	visits = consume(t, dead, func(_ int, e *spool.Entry) error { return s.Publish(context.Background(), e, e.Body()) },
		func([]visit) bool { return dead.Stats().Acknowledged == 1 })
	equal(t, "ID of the dead", visits[0].entry.ID, id)
	equal(t, "LastError of the dead", visits[0].entry.LastError, "sick as a dog")
	equal(t, "the dead", q.count("HOOKS", "hooks.dead"), 0)

	visits = consume(t, s, always(nil), func([]visit) bool { return s.Stats().Acknowledged == 1 })
	equal(t, "ID", visits[0].entry.ID, id)
	equal(t, "body", visits[0].body, "bark")
	equal(t, "Attempts", visits[0].entry.Attempts, 0)
	equal(t, "LastError", visits[0].entry.LastError, "")
}

func TestAPanicIsWhatTheDeadDiedOf(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	var cause error
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", Attempts: 1, OnDead: func(_ *spool.Entry, err error) { cause = err }}
	publish(t, s, "bark")
	consume(t, s, func(int, *spool.Entry) error { panic("mad dog") }, func([]visit) bool { return s.Stats().Dead == 1 })
	var panicked *offpath.PanicError
	if !errors.As(cause, &panicked) || panicked.Value != "mad dog" || !strings.Contains(string(panicked.Stack), "run_test.go") {
		t.Errorf("cause %v, want the panic and where it was", cause)
	}
}

func TestWithNowhereToPutTheDeadNothingIsLost(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{Subjects: []string{"hooks"}})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", Attempts: 1, Timeout: 100 * time.Millisecond, DelayMax: 20 * time.Millisecond}
	id := publish(t, s, "bark")
	consume(t, s, always(errSick), func(v []visit) bool {
		if len(v) == 2 {
			q.holds(jetstream.StreamConfig{})
		}
		return s.Stats().Dead == 1
	})
	dead := &nats.Stream{JetStream: q.js, Subject: "hooks.dead"}
	visits := consume(t, dead, always(nil), func(v []visit) bool { return len(v) == 1 })
	equal(t, "ID", visits[0].entry.ID, id)
	equal(t, "body", visits[0].body, "bark")
}

func TestAMessageOfSomeoneElseIsAnEntryIfItMakesSense(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks"}
	if _, err := q.js.Publish(t.Context(), "hooks", []byte("bark")); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Heeler-Uri": "%zz", "Heeler-Received": "yesterday", "Heeler-Header": "no colon"} {
		if _, err := q.js.PublishMsg(t.Context(), &natsgo.Msg{Subject: "hooks", Header: natsgo.Header{name: {value}}}); err != nil {
			t.Fatal(err)
		}
	}
	visits := consume(t, s, always(nil), func([]visit) bool { return s.Stats().Dead == 3 })
	equal(t, "visits", len(visits), 1)
	equal(t, "ID", visits[0].entry.ID, "HOOKS:1")
	equal(t, "body", visits[0].body, "bark")
	if at := visits[0].entry.Received; time.Since(at) > time.Minute {
		t.Errorf("Received: %v, want when the server did", at)
	}
}

func TestASlowHandleKeepsItsEntry(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", AckWait: 150 * time.Millisecond, Workers: 2}
	publish(t, s, "bark")
	visits := consume(t, s, func(int, *spool.Entry) error { time.Sleep(time.Second); return nil },
		func([]visit) bool { return s.Stats().Acknowledged == 1 })
	equal(t, "visits", len(visits), 1)
}

func TestTheEntryOfAProcessThatDiedGoesToAnother(t *testing.T) {
	q := start(t)
	stream := q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", AckWait: 100 * time.Millisecond}
	id := publish(t, s, "bark")
	gone, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{
		Durable: "heeler_hooks", FilterSubject: "hooks", AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: 100 * time.Millisecond, MaxDeliver: -1, MaxAckPending: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := gone.Next(); err != nil {
		t.Fatal(err)
	}
	visits := consume(t, s, always(nil), func(v []visit) bool { return len(v) == 1 })
	equal(t, "ID", visits[0].entry.ID, id)
	equal(t, "Attempts", visits[0].entry.Attempts, 1)
}

func TestWhatIsCutOffByTheEndComesAgainAtOnce(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", Attempts: 1, Delay: time.Hour}
	id := publish(t, s, "bark")
	ctx, cancel := context.WithCancelCause(t.Context())
	err := s.Run(ctx, func(ctx context.Context, _ *spool.Entry) error {
		cancel(errSick)
		return context.Cause(ctx)
	})
	is(t, "Run", err, errSick)
	equal(t, "stats", s.Stats(), nats.Stats{Published: 1})
	visits := consume(t, s, always(nil), func(v []visit) bool { return s.Stats().Acknowledged == 1 })
	equal(t, "ID", visits[0].entry.ID, id)
}

func TestWorkDoneAtTheEndIsAcknowledged(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks"}
	publish(t, s, "bark")
	ctx, cancel := context.WithCancel(t.Context())
	s.Run(ctx, func(context.Context, *spool.Entry) error { cancel(); return nil })
	equal(t, "stats", s.Stats(), nats.Stats{Published: 1, Acknowledged: 1})
}

func TestWhatWasPublishedOutlivesTheServer(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks", AckWait: 500 * time.Millisecond}
	first := publish(t, s, "before")
	q.down()
	q.up()
	var second string
	visits := consume(t, s, always(nil), func(v []visit) bool {
		if len(v) == 1 && second == "" { // also under a Run that is waiting
			q.down()
			q.up()
			for second == "" {
				e := &spool.Entry{}
				if s.Publish(t.Context(), e, strings.NewReader("after")) == nil {
					second = e.ID
				}
			}
		}
		return second != "" && v[len(v)-1].entry.ID == second
	})
	equal(t, "first", visits[0].entry.ID, first)
	equal(t, "body", visits[len(visits)-1].body, "after")
}

func TestConsumersOfOneNameShareAndOthersGetAll(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks"}
	const n = 100
	for range n {
		publish(t, s, "bark")
	}
	var seen atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	shared := &nats.Stream{JetStream: q.js, Subject: "hooks", Workers: 4}
	done := make(chan error, 1)
	go func() {
		done <- shared.Run(ctx, func(context.Context, *spool.Entry) error { seen.Add(1); return nil })
	}()
	visits := consume(t, &nats.Stream{JetStream: q.js, Subject: "hooks", Workers: 4}, always(nil),
		func(v []visit) bool { return int64(len(v))+seen.Load() >= n })
	cancel()
	<-done
	equal(t, "visits", int64(len(visits))+seen.Load(), n)
	all := consume(t, &nats.Stream{JetStream: q.js, Subject: "hooks", Consumer: "audit", Workers: 4}, always(nil), func(v []visit) bool { return len(v) >= n })
	equal(t, "of another name", len(all), n)
}

func TestRunEndsWhereNothingCanComeAnyMore(t *testing.T) {
	q := start(t)
	nobody := func(context.Context, *spool.Entry) error { t.Error("called"); return nil }
	s := &nats.Stream{JetStream: q.js, Subject: "hooks"}
	is(t, "no stream", s.Run(t.Context(), nobody), jetstream.ErrStreamNotFound)
	q.holds(jetstream.StreamConfig{})
	if _, err := q.js.CreateConsumer(t.Context(), "HOOKS", jetstream.ConsumerConfig{Durable: "taken", FilterSubject: "hooks.dead"}); err != nil {
		t.Fatal(err)
	}
	err := (&nats.Stream{JetStream: q.js, Subject: "hooks", Consumer: "taken"}).Run(t.Context(), nobody)
	if err == nil || !strings.Contains(err.Error(), `"taken" of the stream HOOKS has "hooks.dead"`) {
		t.Errorf("a consumer of another subject: %v", err)
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	is(t, "over", s.Run(short, nobody), context.DeadlineExceeded)
	time.AfterFunc(100*time.Millisecond, q.conn.Close)
	is(t, "closed", s.Run(t.Context(), nobody), natsgo.ErrConnectionClosed)
}

func TestAConsumerThatWasDeletedIsMadeAgain(t *testing.T) {
	q := start(t)
	stream := q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks"}
	deleted := false
	publish(t, s, "before")
	consume(t, s, always(nil), func(v []visit) bool {
		if s.Stats().Acknowledged == 1 && !deleted {
			deleted = true
			if err := stream.DeleteConsumer(t.Context(), "heeler_hooks"); err != nil {
				t.Fatal(err)
			}
			publish(t, s, "after")
		}
		return len(v) > 0 && v[len(v)-1].body == "after"
	})
}

// The client of NATS takes the context's deadline for the longest that a fetch may last.
func TestEntriesComeUpToTheDeadline(t *testing.T) {
	q := start(t)
	q.holds(jetstream.StreamConfig{})
	s := &nats.Stream{JetStream: q.js, Subject: "hooks"}
	publish(t, s, "bark")
	ctx, cancel := context.WithTimeout(t.Context(), 1900*time.Millisecond)
	defer cancel()
	s.Run(ctx, func(ctx context.Context, _ *spool.Entry) error {
		if _, ok := ctx.Deadline(); !ok {
			t.Error("the handle does not know of the deadline")
		}
		cancel()
		return nil
	})
	equal(t, "stats", s.Stats(), nats.Stats{Published: 1, Acknowledged: 1})
}
