package stacks

import "time"

const (
	// burst is how much may be spent at once, so that an ordinary program's first sweeps, of a few
	// milliseconds each, all go ahead.
	burst = 250 * time.Millisecond
	// share is the part of the time that may be spent in the long run: one in share, 1 %.
	share = 100
)

// A budget is what sweeps may cost: burst at once, and one part in share of the time that passes. The
// zero value is a full one. A sweep may overdraw it; the debt must then be paid back first.
type budget struct {
	spent time.Duration // not yet paid back
	at    time.Time     // when spent was reckoned
}

// Charge records that a sweep ended now and took cost.
func (b *budget) Charge(now time.Time, cost time.Duration) {
	b.pay(now)
	b.spent += min(max(cost, 0), time.Hour) // a clock that was set during the sweep must not silence us for ever
}

// Wait says how long it takes from now until a sweep is allowed.
func (b *budget) Wait(now time.Time) time.Duration {
	b.pay(now)
	return max(0, b.spent-burst) * share
}

// pay takes off what has been earned since the last reckoning. A clock that went back, as it does from
// the real time into a synctest bubble, which begins in the year 2000, earns nothing and starts anew.
func (b *budget) pay(now time.Time) {
	earned := now.Sub(b.at) / share
	if earned < 0 || earned >= b.spent {
		b.spent = max(0, b.spent-max(0, earned))
		b.at = now
		return
	}
	b.spent -= earned
	b.at = b.at.Add(earned * share) // not now: what is left of the division counts next time
}

const (
	// base is what a sweep costs whatever the number of goroutines, and usual what each of them adds
	// before that was measured: 14 µs at 100,000, by FACTS.
	base  = 2 * time.Millisecond
	usual = 15 * time.Microsecond
	// memory is how long it takes for an unusually high cost to count half, so that one sweep on a
	// machine that was out of breath does not refuse all later ones.
	memory = 10 * time.Second
)

// An outlook foretells what a sweep will cost. The zero value expects the usual.
type outlook struct {
	each time.Duration // measured cost per goroutine; zero means not measured
	at   time.Time     // when it was measured
}

// Learn records that a sweep of n goroutines ended now and took cost. A sweep within base, as all are in
// a synctest bubble, where no time passes, teaches nothing.
func (o *outlook) Learn(now time.Time, cost time.Duration, n int) {
	if each := (cost - base) / time.Duration(max(n, 1)); each > 0 {
		*o = outlook{each, now}
	}
}

// Expect says how long a sweep of n goroutines will take if it begins now.
func (o outlook) Expect(now time.Time, n int) time.Duration {
	each := usual
	if o.each > 0 {
		each = o.each
		for age := now.Sub(o.at); each > usual && age >= memory; age -= memory {
			each = max(usual, each/2)
		}
	}
	return base + each*time.Duration(n)
}
