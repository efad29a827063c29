package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heeler-go/heeler/offpath/spool"
)

// A Handle is what a consumer does with an entry. It must bear seeing one twice.
type handle = func(ctx context.Context, e *spool.Entry) error

// Run makes the durable consumer, or finds it, and hands entries to handle until
// ctx ends, Workers at a time, each at least once:
//
//   - nil acknowledges the entry.
//   - An error, a panic and the end of the goroutine count as a failed attempt.
//     The entry comes again after a delay, while others go on; after the last
//     attempt it is put among the dead.
//   - What fails once ctx has ended is delivered again at once, to whoever
//     else there is, and is not put among the dead. An entry that was on its
//     way to us just then comes again after AckWait.
//   - A message that makes no sense, whoever has published it, is put among the
//     dead without being handled.
//
// An entry's Attempts are its deliveries before this one. Its LastError is only
// known of those that come from among the dead. Its Body can be read as long as
// anybody likes.
//
// Run goes on when the server is away and comes back, and says so in the log.
// handle should heed its context: Run returns when all that it has called have
// returned. It returns the cause of ctx; or, before that, what Validate says, that
// handle is nil, that there is no stream with the Subject when it begins, that the
// Consumer is one of another subject, or that the connection was closed.
func (s *Stream) Run(ctx context.Context, handle func(ctx context.Context, e *spool.Entry) error) error {
	if err := s.Validate(); err != nil {
		return err
	}
	if handle == nil {
		return errors.New("nats: Run: handle is nil: a function is needed")
	}
	if _, err := s.consumer(ctx); errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, errOther) {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var workers sync.WaitGroup
	for range max(s.Workers, 1) {
		workers.Go(func() { s.work(ctx, stop, handle) })
	}
	workers.Wait()
	return context.Cause(ctx)
}

// errOther says that a consumer would be taken away from those who use it for something else.
var errOther = errors.New("nats: the consumer is one of another subject")

// consumerName is Consumer. Its default is another one for each subject, as a rule.
func (s *Stream) consumerName() string {
	return cmp.Or(s.Consumer, DefaultConsumer+"_"+strings.NewReplacer(".", "_", "/", "_", `\`, "_").Replace(s.Subject))
}

// consumer makes the consumer, or finds it.
func (s *Stream) consumer(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, max(s.timeout(), DefaultTimeout)) // it is no hurry
	defer cancel()
	stream, err := s.JetStream.StreamNameBySubject(ctx, s.Subject)
	if err != nil {
		return nil, fmt.Errorf("nats: a stream with the subject %q: %w", s.Subject, err)
	}
	name := s.consumerName()
	if known, err := s.JetStream.Consumer(ctx, stream, name); err == nil && known.CachedInfo().Config.FilterSubject != s.Subject {
		return nil, fmt.Errorf("%w: Consumer %q of the stream %s has %q, and Subject is %q",
			errOther, name, stream, known.CachedInfo().Config.FilterSubject, s.Subject)
	}
	c, err := s.JetStream.CreateOrUpdateConsumer(ctx, stream, jetstream.ConsumerConfig{
		Durable:       name,
		FilterSubject: s.Subject,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       s.ackWait(),
		MaxDeliver:    -1, // the dead are ours: the server would only forget them
		MaxAckPending: -1, // those that wait for another attempt hold up no others
	})
	if err != nil {
		return nil, fmt.Errorf("nats: the consumer of %q: %w", s.Subject, err)
	}
	return c, nil
}

// work is one worker.
func (s *Stream) work(ctx context.Context, stop context.CancelCauseFunc, handle handle) {
	pause := time.Duration(0)
	for ctx.Err() == nil {
		err := s.consume(ctx, handle, func() { pause = 0 })
		switch {
		case ctx.Err() != nil:
			return
		case s.JetStream.Conn().IsClosed():
			stop(fmt.Errorf("nats: %w", nats.ErrConnectionClosed))
			return
		}
		pause = min(max(2*pause, time.Second), 30*time.Second)
		slog.WarnContext(ctx, "nats: no entries can be had", "subject", s.Subject, "error", err, "again", pause)
		sleep(ctx, pause)
	}
}

// consume handles entries until none can be had. It says when one was asked for
// with success.
func (s *Stream) consume(ctx context.Context, handle handle, fine func()) error {
	c, err := s.consumer(ctx)
	if err != nil {
		return err
	}
	// Not ctx: near its deadline no fetch would be long enough for a heartbeat.
	fetching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	for ctx.Err() == nil { // once it has ended a request would still go out, and take an entry from others
		// One at a time: what is fetched ahead would wait while its AckWait runs. With the heartbeat a
		// server that was restarted, and knows of no request, is noticed in two seconds.
		msg, err := c.Next(jetstream.FetchContext(fetching), jetstream.FetchHeartbeat(time.Second))
		switch {
		case err == nil:
			fine()
			s.one(ctx, msg, handle)
		case errors.Is(err, nats.ErrTimeout): // nothing has come for a while
			fine()
		default:
			return err
		}
	}
	return ctx.Err()
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (s *Stream) delayMax() time.Duration { return cmp.Or(s.DelayMax, DefaultDelayMax) }

// delay is how long an entry waits after so many failed attempts.
func (s *Stream) delay(attempts int) time.Duration {
	d, longest := cmp.Or(s.Delay, DefaultDelay), s.delayMax()
	for ; attempts > 1 && d < longest; attempts-- {
		d *= 2
	}
	d = min(d, longest)
	return d - rand.N(d/2+1)
}
