package retryafter

import (
	"net/http"
	"strings"
	"time"
)

// rfc850 has a year of two digits. RFC 9110 allows no zone but GMT; package time's layout of this name
// would take any and make UTC of it.
const rfc850 = "Monday, 02-Jan-06 15:04:05 GMT"

const longestDate = len("Wednesday, 09-Nov-94 08:49:37 GMT")

// date reads the three forms of RFC 9110 §5.6.7: the one that is sent today, that of RFC 850, and that
// of C's asctime. The day of the week is read and not checked. A leap second, which package time
// does not know, is the first of the next minute.
func date(s string, now time.Time) (at time.Time, ok bool) {
	if len(s) < len(time.ANSIC) || len(s) > longestDate {
		return time.Time{}, false // most of what is no date, without a look at it
	}
	if head, tail, leap := strings.Cut(s, ":60 "); leap {
		at, ok = date(head+":59 "+tail, now)
		return at.Add(time.Second), ok
	}
	if at, err := time.Parse(http.TimeFormat, s); err == nil {
		return at, true
	}
	if at, err := time.Parse(time.ANSIC, s); err == nil {
		return at, true
	}
	if at, err := time.Parse(rfc850, s); err == nil {
		return century(at, now), true
	}
	return time.Time{}, false
}

// century puts a date whose year had two digits into the latest century in which it is not more than
// 50 years after now, as the RFC demands.
func century(at, now time.Time) time.Time {
	latest := now.AddDate(50, 0, 0)
	years := now.Year() - now.Year()%100 + at.Year()%100 + 100 - at.Year()
	for range 2 {
		if !at.AddDate(years, 0, 0).After(latest) {
			break
		}
		years -= 100
	}
	return at.AddDate(years, 0, 0)
}
