package nats

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heeler-go/heeler/offpath"
	"github.com/heeler-go/heeler/offpath/spool"
)

// A delivery is one entry that the server has given to us.
type delivery struct {
	jetstream.Msg
	entry    *spool.Entry
	sequence uint64 // in the stream
	attempts int    // with this one
}

// receive makes an entry of a message. The error says that it is none.
func receive(msg jetstream.Msg) (delivery, error) {
	e, err := decode(msg.Headers(), msg.Data())
	d := delivery{Msg: msg, entry: e}
	meta, notOurs := msg.Metadata()
	if notOurs != nil { // the server gives them to every message of a consumer
		return d, errors.Join(err, notOurs)
	}
	d.sequence, d.attempts = meta.Sequence.Stream, int(meta.NumDelivered)
	e.Attempts = d.attempts - 1
	if e.Received.IsZero() {
		e.Received = meta.Timestamp
	}
	if e.ID == "" {
		e.ID = fmt.Sprintf("%s:%d", meta.Stream, d.sequence)
	}
	return d, err
}

// one makes an attempt with an entry and sees to what follows.
func (s *Stream) one(ctx context.Context, msg jetstream.Msg, handle handle) {
	d, err := receive(msg)
	if err != nil {
		s.bury(ctx, d, fmt.Errorf("nats: the message is no entry: %w", err))
		return
	}
	err = s.attempt(ctx, d, handle)
	if err == nil {
		if s.acknowledge(ctx, d) {
			s.count.acknowledged.Add(1)
		}
		return
	}
	if ctx.Err() != nil { // it may have failed because of that
		s.note(ctx, d, d.Nak())
		return
	}
	s.count.failed.Add(1)
	var panicked *offpath.PanicError
	if errors.As(err, &panicked) {
		s.count.panicked.Add(1)
	}
	if most := cmp.Or(s.Attempts, DefaultAttempts); most > 0 && d.attempts >= most {
		s.bury(ctx, d, err)
		return
	}
	s.note(ctx, d, d.NakWithDelay(s.delay(d.attempts)))
}

// attempt calls handle, and tells the server meanwhile that it is at work.
func (s *Stream) attempt(ctx context.Context, d delivery, handle handle) error {
	done := make(chan error, 1)
	go call(done, func() error { return handle(ctx, d.entry) })
	beat := time.NewTicker(s.ackWait() / 3)
	defer beat.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-beat.C:
			s.note(ctx, d, d.InProgress())
		}
	}
}

// call calls a function of the user's and says on done what came of it. It has a
// goroutine to itself, so that a function that panics or ends its goroutine ends
// nothing else. An error whose Error method panics, such as a nil pointer, is such
// a panic.
func call(done chan<- error, f func() error) {
	var err error
	returned := false
	defer func() {
		if p := recover(); p != nil || !returned {
			err = &offpath.PanicError{Value: p, Stack: debug.Stack()}
		}
		done <- err
	}()
	if err = f(); err != nil {
		_ = err.Error()
	}
	returned = true
}

// acknowledge tells the server that it may forget the entry, and reports whether
// it has heard it. Else the entry comes again.
func (s *Stream) acknowledge(ctx context.Context, d delivery) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.timeout()) // the work is done: that is worth a moment
	defer cancel()
	err := d.DoubleAck(ctx)
	s.note(ctx, d, err)
	return err == nil
}

// note logs that a word to the server was lost. It does without.
func (s *Stream) note(ctx context.Context, d delivery, err error) {
	if err != nil {
		slog.WarnContext(ctx, "nats: the server was not told of an entry, and will deliver it again", "subject", s.Subject, "id", d.entry.ID, "error", err)
	}
}

// bury puts an entry among the dead: only once it is stored there it is removed
// here. Where that fails it is delivered again.
func (s *Stream) bury(ctx context.Context, d delivery, why error) {
	ctx = context.WithoutCancel(ctx)
	theirs := make(nats.Header)
	for name, values := range d.Headers() {
		if !strings.HasPrefix(name, "Nats-") { // what is said to the server of the first message
			theirs[name] = values
		}
	}
	m := &nats.Msg{Subject: s.dead(), Header: maps.Clone(theirs), Data: d.Data()}
	m.Header.Set(headID, escape(d.entry.ID))
	m.Header.Set(headAttempts, strconv.Itoa(d.attempts))
	m.Header.Set(headError, escape(cut(why.Error())))
	// An entry that has come back to life and dies again is another dead one.
	m.Header.Set(jetstream.MsgIDHeader, fmt.Sprintf("dead:%d:%s", d.sequence, escape(d.entry.ID)))
	err := s.send(ctx, m)
	if errors.Is(err, spool.ErrTooLarge) { // it fits only as it came
		m.Header = theirs
		err = s.send(ctx, m)
	}
	if err != nil && !errors.Is(err, spool.ErrExists) {
		slog.ErrorContext(ctx, "nats: an entry could not be put among the dead", "subject", m.Subject, "id", d.entry.ID, "error", err)
		s.note(ctx, d, d.NakWithDelay(s.delayMax()))
		return
	}
	s.count.dead.Add(1)
	s.acknowledge(ctx, d)
	s.tellDead(ctx, d, why)
}

func (s *Stream) tellDead(ctx context.Context, d delivery, why error) {
	d.entry.Attempts, d.entry.LastError = d.attempts, cut(why.Error())
	if s.OnDead == nil {
		logFailed(ctx, "nats: an entry is among the dead", why, "subject", s.Subject, "id", d.entry.ID, "attempts", d.attempts)
		return
	}
	done := make(chan error, 1)
	go call(done, func() error { s.OnDead(d.entry, why); return nil })
	if err := <-done; err != nil {
		logFailed(ctx, "nats: OnDead", err, "subject", s.Subject, "id", d.entry.ID)
	}
}

// logFailed makes an error record, with the stack of a panic.
func logFailed(ctx context.Context, text string, failed error, attrs ...any) {
	attrs = append(attrs, "err", failed)
	var panicked *offpath.PanicError
	if errors.As(failed, &panicked) {
		attrs = append(attrs, "stack", string(panicked.Stack))
	}
	slog.ErrorContext(ctx, text, attrs...)
}

// cut bounds the text of an error.
func cut(text string) string { return text[:min(len(text), 1000)] }
