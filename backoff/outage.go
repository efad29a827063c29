package backoff

import (
	"strings"
	"time"
	"unicode"

	"github.com/heeler-go/heeler/internal/deadline"
)

// maxReason is how much of a reason is told, in bytes.
const maxReason = 200

// An outage is a time during which nobody is served, because the operator said so.
type outage struct {
	reason string
	until  time.Duration // on deadline's clock; Never is until Up
}

// Down has every request answered 503, with the reason in the body, until Up or
// for the time d. Retry-After is what is left of d; if d is zero, until Up, it is
// the policy's RetryAfter. If d is negative, it is over: the same as Up.
// Requests in progress go on, and so do those that Skip lets through; those
// that wait for their turn are answered at once.
//
// The reason is for the clients to read, a phrase such as "we are moving the
// database". It is cut after 200 bytes and to one line. Empty means that none is
// given.
func (p *Policy) Down(reason string, d time.Duration) {
	if d < 0 {
		p.Up()
		return
	}
	o := &outage{reason: oneLine(reason), until: deadline.Never}
	if now := deadline.Now(); d > 0 && d < deadline.Never-max(now, 0) {
		o.until = now + d
	}
	p.down.Store(o)
	p.slots.clear()
}

// Up ends what Down began. Otherwise it does nothing.
func (p *Policy) Up() { p.down.Store(nil) }

// Outage is what Down said last: the reason, and how much longer it is for, zero
// if until Up. It is not ok if it is over.
func (p *Policy) Outage() (reason string, left time.Duration, ok bool) {
	o := p.outage()
	if o == nil {
		return "", 0, false
	}
	return o.reason, o.left(), true
}

func (p *Policy) outage() *outage {
	o := p.down.Load()
	if o == nil || o.until != deadline.Never && o.until <= deadline.Now() {
		return nil
	}
	return o
}

func (o *outage) left() time.Duration {
	if o.until == deadline.Never {
		return 0
	}
	return max(1, o.until-deadline.Now())
}

// oneLine is s without what could make two lines of it, or hide a part of it,
// and short.
func oneLine(s string) string {
	s = strings.TrimSpace(s)
	const enough = 5 * maxReason
	long := len(s) > enough
	if long { // what is beyond is not worth any work
		s = s[:enough]
	}
	s = strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) && !unicode.Is(unicode.Zl, r) && !unicode.Is(unicode.Zp, r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "\ufffd"))
	if s = strings.TrimSpace(s); len(s) > maxReason {
		s, long = strings.ToValidUTF8(s[:maxReason], ""), true
	}
	if long {
		s += "…"
	}
	return s
}
