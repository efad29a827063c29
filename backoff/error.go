package backoff

import (
	"fmt"
	"time"
)

// An Error says that [Transport] did not send a request, because the host wants to be left alone. It
// is found with [errors.As], also below the [*url.Error] of an [http.Client].
//
// It has no Timeout method: nothing was sent, and nothing took too long.
type Error struct {
	// Host is where the request would have gone: "https://example.com", with the port unless it is the
	// scheme's own.
	Host string
	// Until is when the next request will be let through, unless the host asks again by then. It is
	// never before what the host asked for, and differs from one error to the next, so that
	// callers who come back at this time do not come all at once.
	Until time.Time
}

// Error is one line: backoff: no request to https://example.com before 2026-03-01T12:00:30Z.
func (e *Error) Error() string {
	until := e.Until.UTC().Add(time.Second - 1) // the second that has come by then
	return fmt.Sprintf("backoff: no request to %s before %s", e.Host, until.Format(time.RFC3339))
}

// Refused gives the host, and how long it is to be left alone from now on, at least zero. With it
// [Reply] and [Policy] turn the error into a 503 with Retry-After, as they do with a breaker's.
func (e *Error) Refused() (name string, left time.Duration) {
	return e.Host, max(0, time.Until(e.Until))
}
