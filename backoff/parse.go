package backoff

import (
	"net/http"
	"time"

	"github.com/heeler-go/heeler/internal/retryafter"
)

// MaxWait is the longest wait that [Parse] returns and that [Transport] can be told to honour: 365
// days. A server that asks for more, by a date in the year 2999 or by more seconds than a
// [time.Duration] holds, has asked for this.
const MaxWait = retryafter.Max

// Parse says how long a response asks its reader to stay away, counted from now: the longest of what
// its Retry-After, X-Backoff, Backoff and X-Weave-Backoff headers ask for, each of which may be there
// several times. It is between 0 and MaxWait, and not ok if no header has a value that can be
// understood; zero and ok means that the wait is over already.
//
// Each value is a number of seconds or a date in any of the three forms of RFC 9110 §5.6.7; of a
// fraction of a second the client waits the whole. Values that are negative or no numbers count as
// not there. A date is compared with now and with the response's own Date header, and the longer wait
// counts, so that a wrong clock shortens none. A year of two digits is at most 50 years after now.
//
// Parse is pure. [Transport] uses it.
func Parse(h http.Header, now time.Time) (wait time.Duration, ok bool) {
	return retryafter.Parse(h, now)
}
