package nats

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/heeler-go/heeler/offpath/spool"
)

// What a Stream does where its fields say nothing.
const (
	DefaultTimeout  = 5 * time.Second
	DefaultConsumer = "heeler" // how the name begins
	DefaultAttempts = 20
	DefaultDelay    = time.Second
	DefaultDelayMax = 5 * time.Minute
	DefaultAckWait  = 30 * time.Second
)

// A Stream publishes entries to a stream of JetStream, and hands them to a
// consumer. Its fields are not to be changed once it is in use. All methods may
// be called from several goroutines, and by any number of processes for the same
// stream.
type Stream struct {
	// JetStream is that of the connection. It is needed. The connection is the
	// caller's, who closes it once Run has returned.
	JetStream jetstream.JetStream

	// Subject is where entries are published. It is needed, must be one of those
	// of a stream that exists, and has no wildcards.
	Subject string

	// Timeout is how long Publish waits for the server to say that it has
	// stored an entry. The context may end sooner. Zero means DefaultTimeout.
	Timeout time.Duration

	// Consumer is the name of the durable consumer that Run makes. Those of the
	// same name share the entries, whatever process they are in; each name gets
	// all of them. Empty means DefaultConsumer, "_" and the Subject with "_" in
	// place of dots.
	Consumer string

	// Workers is how many entries Run handles at once. Zero means 1. More than
	// one, a retry, or another process brings entries out of their order.
	Workers int

	// Attempts is how often an entry is delivered and fails before it is put
	// among the dead. Deliveries that came to nothing, because a process has died
	// with it, count too. Zero means DefaultAttempts; negative means for ever.
	Attempts int

	// Delay is the time after an entry's first failed attempt until the next,
	// and DelayMax the longest: each is twice the one before, and shortened by up
	// to a half at random. Zeros mean DefaultDelay and DefaultDelayMax.
	Delay, DelayMax time.Duration

	// AckWait is how long the server waits for a word of a delivered entry before
	// it delivers it again: so long it takes after a process has died. Run sends
	// word three times in that while an entry is being handled, however long that
	// takes. Zero means DefaultAckWait; it must be at least 100 ms.
	AckWait time.Duration

	// Dead is the subject to which dead entries are published. It must be
	// one of those of a stream, the same or another. Until it is, they are not
	// removed, and tried again every DelayMax. Zero means Subject + ".dead".
	// Among the dead an entry has the text of its last error, at most 1,000
	// bytes, unless it is so large that no message would hold both.
	//
	// They are read with another Stream, whose Subject this is. Its handle
	// may publish them to the first again, where they begin anew; that is
	// refused with spool.ErrExists, and tried again later, as long as the server
	// remembers the ID: see StreamConfig.Duplicates, 2 minutes by default.
	Dead string

	// OnDead is told of each entry that was put among the dead, after its last
	// attempt's err. A worker waits for it; its panics are logged. Nil means an
	// error record to [slog.Default].
	OnDead func(e *spool.Entry, err error)

	count struct{ published, refused, acknowledged, failed, panicked, dead atomic.Uint64 }
}

// Stats are a Stream's counts since it was made.
type Stats struct {
	Published    uint64 // entries that the server has stored
	Refused      uint64 // calls of Publish that found no room
	Acknowledged uint64 // entries that were handled, which the server knows
	Failed       uint64 // attempts that failed
	Panicked     uint64 // of these: that panicked or ended their goroutine
	Dead         uint64 // entries that were put among the dead
}

// Stats returns the counts as of now.
func (s *Stream) Stats() Stats {
	return Stats{
		Published:    s.count.published.Load(),
		Refused:      s.count.refused.Load(),
		Acknowledged: s.count.acknowledged.Load(),
		Failed:       s.count.failed.Load(),
		Panicked:     s.count.panicked.Load(),
		Dead:         s.count.dead.Load(),
	}
}

// Validate reports what is wrong with the fields. Publish and Run return the
// same.
func (s *Stream) Validate() error {
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf("nats: Stream."+format, args...)) }
	if s.JetStream == nil {
		fault("JetStream is nil; it must be what jetstream.New makes of a connection")
	}
	if !isSubject(s.Subject) {
		fault("Subject is %q; it must be a subject without wildcards, such as hooks", s.Subject)
	}
	if s.Dead != "" && !isSubject(s.Dead) {
		fault("Dead is %q; it must be a subject without wildcards, such as hooks.dead", s.Dead)
	}
	if s.Dead != "" && s.Dead == s.Subject {
		fault("Dead is %q, which Subject is, too; the dead would be delivered for ever", s.Dead)
	}
	if strings.ContainsAny(s.Consumer, " \t\r\n.*>/\\") {
		fault("Consumer is %q; it must be a name without spaces and without any of . * > / \\", s.Consumer)
	}
	if s.Workers < 0 {
		fault("Workers is %d; it must be positive, or zero for 1", s.Workers)
	}
	if s.AckWait != 0 && s.AckWait < 100*time.Millisecond {
		fault("AckWait is %v; it must be at least 100ms, or zero for %v", s.AckWait, DefaultAckWait)
	}
	for _, d := range []struct {
		name        string
		value, zero time.Duration
	}{{"Timeout", s.Timeout, DefaultTimeout}, {"Delay", s.Delay, DefaultDelay}, {"DelayMax", s.DelayMax, DefaultDelayMax}} {
		if d.value < 0 {
			fault("%s is %v; it must be positive, or zero for %v", d.name, d.value, d.zero)
		}
	}
	return errors.Join(errs...)
}

// isSubject reports whether s names one subject.
func isSubject(s string) bool {
	for token := range strings.SplitSeq(s, ".") {
		if token == "" || strings.ContainsAny(token, " \t\r\n*>") {
			return false
		}
	}
	return true
}

func (s *Stream) timeout() time.Duration { return cmp.Or(s.Timeout, DefaultTimeout) }

func (s *Stream) ackWait() time.Duration { return cmp.Or(s.AckWait, DefaultAckWait) }

func (s *Stream) dead() string { return cmp.Or(s.Dead, s.Subject+".dead") }
