package retryafter_test

import (
	"math/big"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/heeler-go/heeler/internal/retryafter"
)

var number = regexp.MustCompile(`^[0-9]+$`)

// FuzzParse holds what is true of any headers: the bounds, and that a further header never makes the
// wait shorter. Whole numbers are checked against arithmetic that cannot overflow.
func FuzzParse(f *testing.F) {
	for _, v := range []string{"", "120", "-1", "+1", "1.5", "99999999999999999999", "1,2", ",", "soon",
		"Sun, 01 Mar 2026 12:02:00 GMT", "Sunday, 01-Mar-26 12:02:00 GMT", "Sun Mar  1 12:02:00 2999"} {
		f.Add(v, "10", "", int64(1772366400))
		f.Add("5", v, "Sun, 01 Mar 2026 11:50:00 GMT", int64(0))
		f.Add(v, v, v, int64(-62135596800))
	}
	f.Fuzz(func(t *testing.T, hard, soft, date string, unix int64) {
		now := time.Unix(unix, 0)
		h := http.Header{"Retry-After": {hard}, "Date": {date}}
		one, ok := retryafter.Parse(h, now)
		if one < 0 || one > retryafter.Max || !ok && one != 0 {
			t.Fatalf("%q: %v, %v", hard, one, ok)
		}
		if number.MatchString(hard) {
			n, _ := new(big.Int).SetString(hard, 10)
			want := retryafter.Max
			if n.Cmp(big.NewInt(int64(retryafter.Max/time.Second))) < 0 {
				want = time.Duration(n.Int64()) * time.Second
			}
			if one != want || !ok {
				t.Fatalf("%q: %v, %v, want %v", hard, one, ok, want)
			}
		}

		h["X-Backoff"] = []string{soft}
		two, more := retryafter.Parse(h, now)
		if two < one || ok && !more || two > retryafter.Max {
			t.Fatalf("%q: %v, and with %q: %v, %v", hard, one, soft, two, more)
		}
		a, _ := retryafter.RetryAfter(h, now)
		b, _ := retryafter.Backoff(h, now)
		if two != max(a, b) {
			t.Fatalf("%q, %q: %v is not the larger of %v and %v", hard, soft, two, a, b)
		}
	})
}
