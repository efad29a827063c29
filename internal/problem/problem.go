// Package problem writes what a guard answers instead of a handler: a status,
// Retry-After, and a small body as RFC 9457 has it, JSON or plain text by what
// the client accepts.
package problem

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	mediaJSON = "application/problem+json"
	mediaText = "text/plain; charset=utf-8"
)

// A Problem is one answer. Nothing of the response may have been sent.
type Problem struct {
	// Status is the status code, such as 503.
	Status int
	// Detail says to the client, in a phrase of plain text, what is the
	// matter. Empty says nothing beyond the status.
	Detail string
	// After is when the client may come back: it gets it in whole seconds, as
	// Seconds makes them. Nothing is said if it is not positive. A Retry-After
	// that is in the header already is kept.
	After time.Duration
	// Also names headers, in canonical form, that get what Retry-After gets.
	// One that is there already is kept.
	Also []string
	// Encoding is the Content-Encoding that was set outside of whoever writes
	// the problem, by a middleware that compresses what passes through it; see
	// go.dev/issue/66343. Nil is none: the one in the header described another
	// body.
	Encoding []string
	// Unread says that the body of the request, if there is one, was not read
	// to its end. Then an HTTP/1 connection is closed after the answer: net/http
	// would otherwise wait for up to 256 KiB of the body before it sends a byte.
	Unread bool
}

// Write answers r with the problem.
func (p Problem) Write(w http.ResponseWriter, r *http.Request) {
	if p.Unread && r.ProtoMajor < 2 && r.ContentLength != 0 && r.Body != nil && r.Body != http.NoBody {
		w.Header().Set("Connection", "close")
	}
	p.Answer(w, r.Method, r.Header["Accept"])
}

// Answer is Write for who has not got the request any more, only its method
// and its Accept headers. Of Unread it knows nothing.
func (p Problem) Answer(w http.ResponseWriter, method string, accept []string) {
	h := w.Header()
	for name := range h {
		if ofAnother(name) {
			delete(h, name)
		}
	}
	if p.Encoding != nil {
		h["Content-Encoding"] = p.Encoding
	}
	seconds := Seconds(p.After)
	for _, name := range p.Also {
		set(h, name, seconds)
	}
	if !set(h, "Retry-After", seconds) {
		seconds = 0
	}
	kind, body := mediaText, p.text(seconds)
	if prefersJSON(accept) {
		kind, body = mediaJSON, p.json(seconds)
	}
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	if p.Encoding == nil {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(p.Status)
	if method != http.MethodHead {
		w.Write(body)
	}
}

// RetryAfter adds the header, with After as Seconds makes it, to an answer
// that has none. It reports whether it did.
func RetryAfter(h http.Header, after time.Duration) bool {
	return set(h, "Retry-After", Seconds(after))
}

// Has reports whether the header is there, be it nil, which keeps it from being
// sent, and whatever its spelling: a handler may have set it without Set.
func Has(h http.Header, name string) bool {
	for k := range h {
		if len(k) == len(name) && strings.EqualFold(k, name) {
			return true
		}
	}
	return false
}

// set keeps what is there.
func set(h http.Header, name string, seconds int64) bool {
	if seconds <= 0 || Has(h, name) {
		return false
	}
	h[name] = []string{strconv.FormatInt(seconds, 10)}
	return true
}

func (p Problem) text(seconds int64) []byte {
	b := make([]byte, 0, 100+len(p.Detail))
	b = strconv.AppendInt(b, int64(p.Status), 10)
	b = append(append(b, ' '), http.StatusText(p.Status)...)
	if p.Detail != "" {
		b = append(append(b, ": "...), p.Detail...)
	}
	if end, _ := utf8.DecodeLastRuneInString(p.Detail); !strings.ContainsRune(".!?…", end) {
		b = append(b, '.')
	}
	if seconds > 0 {
		b = append(b, " Please try again in "...)
		b = append(strconv.AppendInt(b, seconds, 10), " s."...)
	}
	return append(b, '\n')
}

// json has no type: about:blank, which that means, is for problems that the
// status says it all of (RFC 9457, section 4.2.1).
func (p Problem) json(seconds int64) []byte {
	body, err := json.Marshal(struct {
		Title      string `json:"title"`
		Status     int    `json:"status"`
		Detail     string `json:"detail,omitempty"`
		RetryAfter int64  `json:"retry_after,omitempty"` // a script from elsewhere cannot read the header
	}{http.StatusText(p.Status), p.Status, p.Detail, seconds})
	if err != nil {
		panic(err) // strings and numbers can be marshalled
	}
	return append(body, '\n')
}

// Seconds is d in whole seconds, rounded up, and up to 5 % more at random, or
// up to 5 s if that is more, so that the clients do not all come back at once.
// It is never less than d, because a client that is told too short a time comes
// for nothing. It is 0 if d is not positive. The rule is that of Mozilla's Sync:
// v + random(0 .. max(5 % of v, 5)).
func Seconds(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	v := int64((d-1)/time.Second) + 1
	return v + rand.Int64N(max(v/20, 5)+1)
}
