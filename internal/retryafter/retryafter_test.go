package retryafter_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/retryafter"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const sec = time.Second

func TestAValueIsSecondsOrADate(t *testing.T) {
	const none = -1
	for _, c := range []struct {
		value string
		want  time.Duration
	}{
		{"120", 120 * sec},
		{"0", 0},
		{"-0", none},
		{"007", 7 * sec},
		{" 5\t", 5 * sec},
		{"+5", 5 * sec},
		{"1.5", 2 * sec},
		{"1.000", 1 * sec},
		{"1.", 1 * sec},
		{"0.001", 1 * sec},

		{"", none},
		{" ", none},
		{",", none},
		{"+", none},
		{".", none},
		{".5", none},
		{"++5", none},
		{"+-5", none},
		{"-5", none},
		{"- 5", none},
		{"5 0", none},
		{"1.5.2", none},
		{"1.-5", none},
		{"1e9", none},
		{"0x10", none},
		{"1_000", none},
		{"٣", none}, // a digit, but not one of ASCII's
		{"NaN", none},
		{"Inf", none},
		{"5s", none},
		{`"5"`, none},
		{"soon", none},

		{"31536000", retryafter.Max},
		{"31535999", retryafter.Max - sec},
		{"31535999.5", retryafter.Max},
		{"31536000.5", retryafter.Max},
		{"31536001", retryafter.Max},
		{"9223372036", retryafter.Max},
		{"9223372037", retryafter.Max},              // seconds over what a Duration holds
		{"9223372036854775807", retryafter.Max},     // the largest int64
		{"18446744073709551620", retryafter.Max},    // 4, for who counts in 64 bits
		{strings.Repeat("9", 5000), retryafter.Max}, // and over that of any number
		{"-9223372036854775808", none},

		{"Sun, 01 Mar 2026 12:02:00 GMT", 120 * sec},
		{"Sunday, 01-Mar-26 12:02:00 GMT", 120 * sec},
		{"Sun Mar  1 12:02:00 2026", 120 * sec},
		{"Tue, 10 Mar 2026 12:00:00 GMT", 9 * 24 * time.Hour},
		{"Tue Mar 10 12:00:00 2026", 9 * 24 * time.Hour},
		{"Mon, 01 Mar 2026 12:02:00 GMT", 120 * sec}, // it is a Sunday
		{"  Sun, 01 Mar 2026 12:02:00 GMT  ", 120 * sec},
		{"Sun, 01 Mar 2026 12:00:00 GMT", 0},
		{"Sun, 01 Mar 2026 11:59:59 GMT", 0},
		{"Sun, 06 Nov 1994 08:49:37 GMT", 0},
		{"Mon, 01 Jan 0001 00:00:00 GMT", 0},
		{"Sun, 01 Mar 2999 12:02:00 GMT", retryafter.Max},
		{"Sun Mar  1 12:02:00 2999", retryafter.Max},
		{"Fri, 31 Dec 9999 23:59:59 GMT", retryafter.Max},
		{"Fri, 31 Dec 99999 23:59:59 GMT", none},
		{"Sun, 01 Mar 2026 12:02:00 CET", none},
		{"Sunday, 01-Mar-26 12:02:00 CET", none}, // package time would take it for GMT
		{"Sun, 01 Mar 2026 12:02:00 +0100", none},
		{"Sun, 30 Feb 2026 12:02:00 GMT", none},
		{"Sun, 01 Mar 2026", none},
		{"2026-03-01T12:02:00Z", none},

		{"Sun, 01 Mar 2026 12:01:60 GMT", 120 * sec}, // a leap second, or a clock that has one
		{"Sunday, 01-Mar-26 12:01:60 GMT", 120 * sec},
		{"Sun Mar  1 12:01:60 2026", 120 * sec},
		{"Sun, 01 Mar 2026 12:01:61 GMT", none},
		{"Sun, 01 Mar 2026 12:60:00 GMT", none},
		{"Sun, 01 Mar 2026 12:01:60 GMT :60 ", none},
	} {
		got, ok := retryafter.Parse(http.Header{"Retry-After": {c.value}}, now)
		if want := max(c.want, 0); got != want || ok != (c.want >= 0) {
			t.Errorf("%.60q: %v, %v, want %v, %v", c.value, got, ok, want, c.want >= 0)
		}
	}
}

func TestTheLargestWins(t *testing.T) {
	for _, c := range []struct {
		about string
		h     http.Header
		want  time.Duration
	}{
		{"X-Backoff", http.Header{"X-Backoff": {"7"}}, 7 * sec},
		{"Backoff", http.Header{"Backoff": {"7"}}, 7 * sec},
		{"X-Weave-Backoff", http.Header{"X-Weave-Backoff": {"7"}}, 7 * sec},
		{"a date where seconds are usual", http.Header{"X-Backoff": {"Sun, 01 Mar 2026 12:02:00 GMT"}}, 120 * sec},
		{"all four, Retry-After the largest", headers("4", "1", "2", "3"), 4 * sec},
		{"all four, X-Backoff the largest", headers("1", "4", "2", "3"), 4 * sec},
		{"all four, Backoff the largest", headers("1", "2", "4", "3"), 4 * sec},
		{"all four, X-Weave-Backoff the largest", headers("1", "2", "3", "4"), 4 * sec},
		{"garbage beside a value", headers("soon", "-1", "9", ""), 9 * sec},
		{"a date and a number", headers("Sun, 01 Mar 2026 12:02:00 GMT", "60", "", ""), 120 * sec},
		{"several lines", http.Header{"Retry-After": {"10", "30", "20"}}, 30 * sec},
		{"a list in one line", http.Header{"Retry-After": {"10, 30,20"}}, 30 * sec},
		{"a list with holes", http.Header{"Retry-After": {", ,10,,x, 30"}}, 30 * sec},
		{"a list of dates", http.Header{"Retry-After": {"Sun, 01 Mar 2026 12:01:00 GMT, Sun, 01 Mar 2026 12:02:00 GMT, 5"}}, 120 * sec},
		{"a list of all three forms", http.Header{"Retry-After": {"Sun Mar  1 12:03:00 2026, Sunday, 01-Mar-26 12:02:00 GMT, Sun, 01 Mar 2026 12:01:00 GMT"}}, 180 * sec},
		{"as many as are looked at", http.Header{"Retry-After": {strings.Repeat("1,", 31) + "9"}}, 9 * sec},
		{"one more", http.Header{"Retry-After": {strings.Repeat("1,", 32) + "9"}}, 1 * sec},
		{"as many lines as are looked at", http.Header{"Retry-After": append(strings.Split(strings.Repeat("1,", 30)+"1", ","), "9", "10")}, 9 * sec},
	} {
		if got, ok := retryafter.Parse(c.h, now); got != c.want || !ok {
			t.Errorf("%s: %v, %v, want %v", c.about, got, ok, c.want)
		}
	}
}

func headers(retryAfter, xBackoff, backoff, weave string) http.Header {
	h := http.Header{}
	h.Set("Retry-After", retryAfter)
	h.Set("X-Backoff", xBackoff)
	h.Set("Backoff", backoff)
	h.Set("X-Weave-Backoff", weave)
	return h
}

func TestHardAndSoftAreToldApart(t *testing.T) {
	h := headers("1", "2", "4", "3")
	if got, ok := retryafter.RetryAfter(h, now); got != sec || !ok {
		t.Errorf("RetryAfter: %v, %v, want 1s", got, ok)
	}
	if got, ok := retryafter.Backoff(h, now); got != 4*sec || !ok {
		t.Errorf("Backoff: %v, %v, want 4s", got, ok)
	}
	h = http.Header{"Retry-After": {"1"}}
	if got, ok := retryafter.Backoff(h, now); got != 0 || ok {
		t.Errorf("Backoff without a header: %v, %v", got, ok)
	}
	if got, ok := retryafter.Parse(nil, now); got != 0 || ok {
		t.Errorf("no headers: %v, %v", got, ok)
	}
}

func TestADateIsMeasuredByTheClockThatMakesTheWaitLonger(t *testing.T) {
	const at = "Sun, 01 Mar 2026 12:02:00 GMT"
	for _, c := range []struct {
		about, sent string
		want        time.Duration
	}{
		{"the clocks agree", "Sun, 01 Mar 2026 12:00:00 GMT", 120 * sec},
		{"ours is ten minutes fast", "Sun, 01 Mar 2026 11:50:00 GMT", 720 * sec},
		{"ours is a minute slow, or the Date a proxy's", "Sun, 01 Mar 2026 12:01:00 GMT", 120 * sec},
		{"a Date that is later than the wait", "Sun, 01 Mar 2026 12:03:00 GMT", 120 * sec},
		{"an old form", "Sun Mar  1 11:50:00 2026", 720 * sec},
		{"a server without a clock", "yesterday", 120 * sec},
		{"no Date", "", 120 * sec},
		{"a server that is at the beginning of its time", "Thu, 01 Jan 1970 00:00:00 GMT", retryafter.Max},
	} {
		h := http.Header{"Retry-After": {at}, "Date": {c.sent}}
		if got, ok := retryafter.Parse(h, now); got != c.want || !ok {
			t.Errorf("%s: %v, %v, want %v", c.about, got, ok, c.want)
		}
	}
	h := http.Header{"Retry-After": {"30"}, "Date": {"Sun, 01 Mar 2026 11:50:00 GMT"}}
	if got, _ := retryafter.Parse(h, now); got != 30*sec {
		t.Errorf("seconds are measured by a clock: %v, want 30s", got)
	}
}

// RFC 9110 §5.6.7: a year of two digits that appears to be more than 50 years in the future is the
// most recent one in the past with the same digits.
func TestAYearOfTwoDigitsIsAtMostFiftyYearsAhead(t *testing.T) {
	for _, c := range []struct {
		value string
		now   time.Time
		soon  bool // whether it is still to come
	}{
		{"Sunday, 01-Mar-27 12:00:00 GMT", now, true},
		{"Saturday, 01-Mar-70 12:00:00 GMT", now, true}, // 2070, although package time says 1970
		{"Sunday, 01-Mar-76 12:00:00 GMT", now, true},   // to the second
		{"Sunday, 01-Mar-76 12:00:01 GMT", now, false},  // 1976
		{"Sunday, 06-Nov-94 08:49:37 GMT", now, false},
		{"Sunday, 01-Mar-00 12:00:00 GMT", now, false},
		{"Sunday, 01-Jan-00 12:00:00 GMT", time.Date(2099, 12, 31, 23, 0, 0, 0, time.UTC), true},
		{"Sunday, 01-Jan-20 12:00:00 GMT", time.Date(2099, 12, 31, 23, 0, 0, 0, time.UTC), true},
		{"Sunday, 01-Jan-51 12:00:00 GMT", time.Date(2099, 12, 31, 23, 0, 0, 0, time.UTC), false},
	} {
		wait, ok := retryafter.Parse(http.Header{"Retry-After": {c.value}}, c.now)
		if !ok || (wait > 0) != c.soon {
			t.Errorf("%s in %d: %v, %v, want it to come: %v", c.value, c.now.Year(), wait, ok, c.soon)
		}
	}
}

func TestTheZoneOfNowDoesNotMatter(t *testing.T) {
	east := now.In(time.FixedZone("east", 14*60*60))
	for _, value := range []string{"Sun, 01 Mar 2026 12:02:00 GMT", "Sunday, 01-Mar-26 12:02:00 GMT", "Sun Mar  1 12:02:00 2026"} {
		if got, _ := retryafter.Parse(http.Header{"Retry-After": {value}}, east); got != 120*sec {
			t.Errorf("%s: %v, want 2m", value, got)
		}
	}
}

func TestTheZeroTimeIsATimeLikeAnyOther(t *testing.T) {
	for _, value := range []string{"Sun, 01 Mar 2026 12:02:00 GMT", "Sunday, 01-Mar-26 12:02:00 GMT", "5"} {
		if got, ok := retryafter.Parse(http.Header{"Retry-After": {value}}, time.Time{}); !ok || got <= 0 {
			t.Errorf("%s: %v, %v", value, got, ok)
		}
	}
}

func TestHeadersWithoutAWishCostNothing(t *testing.T) {
	h := http.Header{"Content-Type": {"text/plain"}, "Date": {"Sun, 01 Mar 2026 11:50:00 GMT"}}
	if n := testing.AllocsPerRun(100, func() { retryafter.Parse(h, now) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	h = headers("120", "60", "", "")
	if n := testing.AllocsPerRun(100, func() { retryafter.Parse(h, now) }); n != 0 {
		t.Errorf("seconds: %v allocations", n)
	}
}
