// Package retryafter reads how long a server asks to be left alone. It is pure: headers and a time
// in, a duration out.
//
//	wait, ok := retryafter.Parse(resp.Header, time.Now())
//
// Retry-After is RFC 9110's (§10.2.3). X-Backoff, Backoff and X-Weave-Backoff are Sync's: the token
// server's name, the later one and the storage server's.
package retryafter

import (
	"net/http"
	"strings"
	"time"
)

// Max is the longest wait that is ever returned, whatever a server says: a year of 365 days. Added to
// a time of today, or to itself, it overflows nothing.
const Max = 365 * 24 * time.Hour

// maxFields is how many values of one header are looked at. Nobody sends so many but in bad faith.
const maxFields = 32

// Parse is the longest wait that any of the four headers asks for, from now on. It is not ok if none
// of them has a value that can be understood. A wait of zero that is ok says "now": the value was
// zero, or a date that has come.
//
// A value is a number of seconds or a date in one of the three forms of RFC 9110 §5.6.7. Fractions of
// a second are rounded up, a plus sign is let pass, and so is a list, which is what several lines of a
// header become behind some proxies. Anything else, a negative number included, counts as not there.
//
// A date is measured from now and, if that can be understood, from the response's own Date header. The
// longer counts, so that a clock which is wrong, here or there, or that of a proxy, shortens no wait.
func Parse(h http.Header, now time.Time) (wait time.Duration, ok bool) {
	wait, ok = RetryAfter(h, now)
	if soft, more := Backoff(h, now); more {
		return max(wait, soft), true
	}
	return wait, ok
}

// RetryAfter is Parse of Retry-After alone: the wish to get no request at all.
func RetryAfter(h http.Header, now time.Time) (wait time.Duration, ok bool) {
	return longest(h, h["Retry-After"], now)
}

// Backoff is Parse of X-Backoff, Backoff and X-Weave-Backoff alone: the wish to be left alone once
// what is in progress has been finished.
func Backoff(h http.Header, now time.Time) (wait time.Duration, ok bool) {
	for _, name := range [...]string{"X-Backoff", "Backoff", "X-Weave-Backoff"} {
		if w, found := longest(h, h[name], now); found {
			wait, ok = max(wait, w), true
		}
	}
	return wait, ok
}

// longest is the longest wait among the values of one header, and at least zero.
func longest(h http.Header, values []string, now time.Time) (wait time.Duration, ok bool) {
	fields := 0
	for _, value := range values {
		for value != "" && fields < maxFields {
			fields++
			var w time.Duration
			var found bool
			if w, found, value = first(value, h, now); found {
				wait, ok = max(wait, w), true
			}
		}
	}
	return wait, ok
}

// first reads the first wait of a list and says what is left of the list. Two of the three forms of a
// date have a comma of their own.
func first(list string, h http.Header, now time.Time) (wait time.Duration, ok bool, rest string) {
	head, rest, more := strings.Cut(list, ",")
	if wait, ok = seconds(trim(head)); ok {
		return wait, true, rest
	}
	if at, ok := date(trim(head), now); ok {
		return until(at, h, now), true, rest
	}
	if !more {
		return 0, false, ""
	}
	second, after, _ := strings.Cut(rest, ",")
	if at, ok := date(trim(list[:len(head)+1+len(second)]), now); ok {
		return until(at, h, now), true, after
	}
	return 0, false, rest
}

// trim takes off what RFC 9110 §5.6.3 calls optional whitespace.
func trim(s string) string { return strings.Trim(s, " \t") }

// seconds reads digits, with a plus sign or a fraction if there is one. It takes no exponent, no
// underscore, no infinity: what strconv would take and no server means.
func seconds(s string) (wait time.Duration, ok bool) {
	whole, fraction, _ := strings.Cut(strings.TrimPrefix(s, "+"), ".")
	if whole == "" || !digits(whole) || !digits(fraction) {
		return 0, false
	}
	const limit = int64(Max / time.Second)
	n := int64(0)
	for i := range len(whole) {
		n = min(10*n+int64(whole[i]-'0'), limit)
	}
	if strings.Trim(fraction, "0") != "" {
		n = min(n+1, limit)
	}
	return time.Duration(n) * time.Second, true
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// until is how long it is until at, by our clock or the response's; negative if at has come.
func until(at time.Time, h http.Header, now time.Time) time.Duration {
	if sent, ok := date(trim(h.Get("Date")), now); ok && sent.Before(now) {
		now = sent
	}
	return min(at.Sub(now), Max) // Sub stops at its limits and does not wrap
}
