package alert

import "time"

// A rate is a token bucket that starts full.
type rate struct {
	perMinute int // negative means no limit
	spent     float64
	at        time.Time // when spent was right
}

// wait says how long it is until a token is there.
func (r *rate) wait(now time.Time) time.Duration {
	if r.perMinute < 0 {
		return 0
	}
	missing := r.level(now) - (r.depth() - 1)
	// Less than a microsecond is a rounding error, not a wait.
	return time.Duration(missing * float64(time.Minute) / float64(r.perMinute)).Truncate(time.Microsecond)
}

func (r *rate) take(now time.Time) {
	if r.perMinute < 0 {
		return
	}
	// Closing takes without asking; its debt is of no consequence.
	r.spent, r.at = r.level(now)+1, now
}

// level is how many tokens are missing from a full bucket.
func (r *rate) level(now time.Time) float64 {
	return max(0, r.spent-now.Sub(r.at).Minutes()*float64(r.perMinute))
}

func (r *rate) depth() float64 { return float64(min(burst, r.perMinute)) }
