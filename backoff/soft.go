package backoff

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/heeler-go/heeler/internal/problem"
)

// soften asks a client whose request was served to come back later all the
// same. A header that the handler has set, even one without a value, is kept.
func (p *Policy) soften(h http.Header, r *http.Request) {
	for _, name := range p.names {
		if problem.Has(h, name) {
			return
		}
	}
	seconds := problem.Seconds(p.soft(r))
	if seconds == 0 {
		return
	}
	p.count.soft.Add(1)
	for _, name := range p.names {
		h[name] = []string{strconv.FormatInt(seconds, 10)}
	}
}

// soft is for how long a client that was served is asked to stay away: the
// longest of what applies, zero if nothing does.
func (p *Policy) soft(r *http.Request) (d time.Duration) {
	switch {
	case p.SoftShare > 0 && p.SoftShare <= rand.Float64():
	case p.Soft != nil:
		d = p.Soft(r)
	case p.SoftShare > 0:
		d = p.after()
	}
	for _, b := range p.Backends {
		if b.HalfOpen() {
			return max(d, p.after())
		}
	}
	return d
}
