package backoff

import (
	"fmt"
	"strconv"
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

// Error is one line: backoff: no request to https://example.com before 2026-03-01T12:00:30Z. What does
// not print in the host's name is escaped as in Go.
func (e *Error) Error() string {
	host := strconv.Quote(e.Host)
	until := e.Until.UTC().Add(time.Second - 1) // the second that has come by then
	return fmt.Sprintf("backoff: no request to %s before %s", host[1:len(host)-1], until.Format(time.RFC3339))
}

// Refused gives the host, and how long it is to be left alone from now on, at least zero. With it
// [Reply] turns the error into a 503 with Retry-After, and a [Policy] does so with a panic of it. A
// handler that keeps the error to itself gets along without the host: its answer is not touched.
func (e *Error) Refused() (name string, left time.Duration) {
	return e.Host, max(0, time.Until(e.Until))
}
