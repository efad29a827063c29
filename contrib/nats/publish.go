package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/heeler-go/heeler/offpath/spool"
)

var _ spool.Publisher = (*Stream)(nil)

// Publish stores an entry: see [spool.Publisher]. It returns nil once the server
// has said that it has it. How many disks that means is up to the stream; whether
// it is synced to them by then is up to the server: by default it is not, see
// sync_interval in its configuration. The body is held in memory meanwhile, and
// is at most as large as the server's max_payload, 1 MiB by default, less the
// headers.
//
// The errors are spool.ErrTooLarge for what no message can hold; spool.ErrFull
// for a stream that has reached a limit and discards what is new, and for a
// server or an account without room; spool.ErrExists for an ID that the stream
// has seen within its window of duplicates; the body's, wrapped; and, within
// Timeout, whatever keeps the server from answering. After errors other than the
// first three the entry may be stored all the same: the answer may have been
// lost, or the client of NATS may send when it is connected again what it holds
// back while it is not.
func (s *Stream) Publish(ctx context.Context, e *spool.Entry, body io.Reader) error {
	err := s.publish(ctx, e, body)
	switch {
	case err == nil:
		s.count.published.Add(1)
	case errors.Is(err, spool.ErrFull):
		s.count.refused.Add(1)
	}
	return err
}

func (s *Stream) publish(ctx context.Context, e *spool.Entry, body io.Reader) error {
	if err := s.Validate(); err != nil {
		return err
	}
	most := s.JetStream.Conn().MaxPayload()
	if most == 0 {
		return errors.New("nats: not connected yet")
	}
	if e.Size > most {
		return fmt.Errorf("nats: %w: a body of %d bytes, the server takes %d", spool.ErrTooLarge, e.Size, most)
	}
	data, err := readUpTo(body, most)
	if err != nil {
		return err
	}
	whole := *e
	if whole.ID == "" {
		whole.ID = rand.Text()
	}
	if whole.Received.IsZero() {
		whole.Received = time.Now()
	}
	whole.Attempts, whole.LastError, whole.Body = 0, "", nil
	if err := s.send(ctx, &nats.Msg{Subject: s.Subject, Header: encode(&whole), Data: data}); err != nil {
		return err
	}
	e.ID, e.Received, e.Size = whole.ID, whole.Received, int64(len(data))
	return nil
}

// readUpTo reads a body that may have so many bytes.
func readUpTo(body io.Reader, most int64) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	data, err := io.ReadAll(io.LimitReader(body, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("nats: reading the body: %w", err)
	case int64(len(data)) > most:
		return nil, fmt.Errorf("nats: %w: a body of more than %d bytes, which the server takes", spool.ErrTooLarge, most)
	}
	return data, nil
}

// send publishes a message and waits until the server has stored it.
func (s *Stream) send(ctx context.Context, m *nats.Msg) error {
	late := fmt.Errorf("nats: the server has not acknowledged an entry within %v", s.timeout())
	ctx, cancel := context.WithTimeoutCause(ctx, s.timeout(), late)
	defer cancel()
	ack, err := s.JetStream.PublishMsg(ctx, m)
	switch {
	case err == nil && ack.Duplicate:
		return fmt.Errorf("nats: %w: %q", spool.ErrExists, m.Header.Get(headID))
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%w (%w)", context.Cause(ctx), err)
	}
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return fmt.Errorf("nats: no stream has the subject %q, or JetStream is not there: %w", m.Subject, err)
	}
	return classify(err)
}

// classify tells which errors mean that there is no room.
func classify(err error) error {
	const (
		noAccountResources = 10002
		noResources        = 10023
		noMemory           = 10028
		noStorage          = 10047
		largerThanStream   = 10054
		storeFailed        = 10077
		headerTooLarge     = 10097
	)
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		if errors.Is(err, nats.ErrMaxPayload) {
			return fmt.Errorf("nats: %w: %w", spool.ErrTooLarge, err)
		}
		return fmt.Errorf("nats: publishing: %w", err)
	}
	switch api.ErrorCode {
	case largerThanStream, headerTooLarge:
		return fmt.Errorf("nats: %w: %w", spool.ErrTooLarge, err)
	case noAccountResources, noResources, noMemory, noStorage:
		return fmt.Errorf("nats: %w: %w", spool.ErrFull, err)
	case storeFailed: // the server's words, since there is no code for them
		if strings.Contains(api.Description, "maximum ") || strings.Contains(api.Description, "no space left") {
			return fmt.Errorf("nats: %w: %w", spool.ErrFull, err)
		}
	}
	return fmt.Errorf("nats: publishing: %w", err)
}
