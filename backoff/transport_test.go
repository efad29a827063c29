package backoff_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/backoff"
	"github.com/heeler-go/heeler/internal/request"
)

// heldBack is how long a host is left alone that has answered once with the given status and headers.
// It looks every second of the bubble's clock until the host is asked again, or a year is over.
func heldBack(t *testing.T, transport *backoff.Transport, status int, headers ...string) time.Duration {
	t.Helper()
	transport.Base = scripted(says(status, headers...), says(200))
	if got, err := ask(t, transport, site); got != status || err != nil {
		t.Fatalf("%d, %v, want the response with %d as it came", got, err, status)
	}
	from := time.Now()
	for time.Since(from) < 366*24*time.Hour {
		err := refusal(t, transport, site)
		if err == nil {
			break
		}
		time.Sleep(max(min(time.Until(err.Until)/2, time.Hour), time.Second))
	}
	return time.Since(from)
}

func TestAHostIsLeftAloneAsLongAsItAsked(t *testing.T) {
	for _, c := range []struct {
		about   string
		status  int
		headers []string
		asked   time.Duration
	}{
		{"503 with Retry-After", 503, []string{"Retry-After", "1800"}, 1800 * time.Second},
		{"429 with Retry-After", 429, []string{"Retry-After", "60"}, time.Minute},
		{"2xx with X-Weave-Backoff", 200, []string{"X-Weave-Backoff", "60"}, time.Minute},
		{"2xx with X-Backoff", 204, []string{"X-Backoff", "60"}, time.Minute},
		{"2xx with Backoff", 200, []string{"Backoff", "60"}, time.Minute},
		{"2xx with Retry-After", 202, []string{"Retry-After", "60"}, time.Minute},
		{"301 with Retry-After", 301, []string{"Retry-After", "60"}, time.Minute},
		{"404 with Backoff", 404, []string{"Backoff", "60"}, time.Minute},
		{"500 with Backoff", 500, []string{"Backoff", "60"}, time.Minute},
		{"the largest of several", 503, []string{"X-Backoff", "60", "Retry-After", "120", "Backoff", "90", "X-Weave-Backoff", "30"}, 120 * time.Second},
		{"the largest of several, soft", 503, []string{"X-Backoff", "60", "Retry-After", "30", "Backoff", "90", "X-Weave-Backoff", "120"}, 120 * time.Second},
		{"the largest of one header", 503, []string{"Retry-After", "30", "Retry-After", "120", "Retry-After", "60"}, 120 * time.Second},
		{"a date of today's form", 503, []string{"Retry-After", "Sat, 01 Jan 2000 00:10:00 GMT"}, 10 * time.Minute},
		{"a date of RFC 850's form", 503, []string{"Retry-After", "Saturday, 01-Jan-00 00:10:00 GMT"}, 10 * time.Minute},
		{"a date of asctime's form", 503, []string{"Retry-After", "Sat Jan  1 00:10:00 2000"}, 10 * time.Minute},
		{"a date by a clock that is wrong", 503, []string{"Date", "Fri, 31 Dec 1999 23:55:00 GMT", "Retry-After", "Sat, 01 Jan 2000 00:05:00 GMT"}, 10 * time.Minute},
		{"a date in the year 2999", 503, []string{"Retry-After", "Tue, 01 Jan 2999 00:00:00 GMT"}, backoff.DefaultMax},
		{"292 years", 503, []string{"Retry-After", "9223372036"}, backoff.DefaultMax},
		{"more than 292 years", 503, []string{"Retry-After", "9223372037"}, backoff.DefaultMax},
		{"an absurd number", 200, []string{"X-Backoff", strings.Repeat("9", 100)}, backoff.DefaultMax},
		{"garbage beside a number", 503, []string{"Retry-After", "soon", "X-Backoff", "60"}, time.Minute},

		{"nothing", 503, nil, 0},
		{"zero", 503, []string{"Retry-After", "0"}, 0},
		{"a negative number", 503, []string{"Retry-After", "-5"}, 0},
		{"no number", 503, []string{"Retry-After", "soon", "X-Backoff", ""}, 0},
		{"a date in the past", 503, []string{"Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"}, 0},
	} {
		t.Run(c.about, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				got := heldBack(t, new(backoff.Transport), c.status, c.headers...)
				if got < c.asked || got > c.asked+c.asked/4+time.Second {
					t.Errorf("left alone for %v, want %v and up to a quarter more", got, c.asked)
				}
			})
		})
	}
}

func TestMaxIsTheMostThatIsHonoured(t *testing.T) {
	for _, limit := range []time.Duration{time.Minute, backoff.MaxWait * 3 / 4} {
		synctest.Test(t, func(t *testing.T) {
			got := heldBack(t, &backoff.Transport{Max: limit}, 503, "Retry-After", "Tue, 01 Jan 2999 00:00:00 GMT")
			if got < limit || got > limit+limit/4+time.Second {
				t.Errorf("left alone for %v, want %v and up to a quarter more", got, limit)
			}
		})
	}
}

// The clients of one host do not come back all at once, and never early.
func TestClientsComeBackAtRandomUpToAQuarterLater(t *testing.T) {
	const clients, asked = 500, 1000 * time.Second
	synctest.Test(t, func(t *testing.T) {
		earliest, latest := time.Duration(1<<62), time.Duration(0)
		for range clients {
			transport := &backoff.Transport{Base: scripted(says(503, "Retry-After", "1000"))}
			ask(t, transport, site)
			for range 10 {
				left := time.Until(refusal(t, transport, site).Until)
				earliest, latest = min(earliest, left), max(latest, left)
			}
		}
		if earliest < asked || latest > asked+asked/4 {
			t.Errorf("clients come back after %v to %v, want %v to %v", earliest, latest, asked, asked+asked/4)
		}
		if earliest > asked+asked/50 || latest < asked+asked/4-asked/50 {
			t.Errorf("clients come back only after %v to %v of %v to %v", earliest, latest, asked, asked+asked/4)
		}
	})
}

// New requests, which have not been told when to come, are not let through at the same time everywhere.
func TestClientsOpenAtRandom(t *testing.T) {
	const clients, asked = 200, 1000
	synctest.Test(t, func(t *testing.T) {
		var all [clients]*backoff.Transport
		for i := range all {
			all[i] = &backoff.Transport{Base: scripted(says(503, "Retry-After", fmt.Sprint(asked)), says(200))}
			ask(t, all[i], site)
		}
		opened, busiest := 0, 0
		for second := 0; opened < clients; second++ {
			before := opened
			opened = 0
			for _, transport := range all {
				if refusal(t, transport, site) == nil {
					opened++
				}
			}
			if opened > 0 && second < asked || second > asked*5/4 {
				t.Fatalf("%d of %d clients are open after %d s", opened, clients, second)
			}
			busiest = max(busiest, opened-before)
			time.Sleep(time.Second)
		}
		if busiest > clients/10 {
			t.Errorf("%d of %d clients opened in the same second", busiest, clients)
		}
	})
}

func TestWhoComesBackWhenToldIsLetThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 100 {
			base := scripted(says(503, "Retry-After", "30"), says(200))
			transport := &backoff.Transport{Base: base}
			ask(t, transport, site)
			time.Sleep(time.Until(refusal(t, transport, site).Until))
			if status, err := ask(t, transport, site); status != 200 || err != nil {
				t.Fatalf("%d, %v at the time that the error named", status, err)
			}
			if base.at[1] < 30*time.Second {
				t.Fatalf("asked again after %v", base.at[1])
			}
		}
	})
}

func TestALaterWishNeverShortensOne(t *testing.T) {
	for _, c := range []struct {
		about         string
		first, second int           // seconds
		between       time.Duration // from the first answer to the second
		want          time.Duration // at least, from the first answer
	}{
		{"a shorter one", 1000, 10, time.Second, 1000 * time.Second},
		{"a longer one", 10, 1000, time.Second, 1001 * time.Second},
		{"one that ends later, although it would not with all its jitter", 1000, 100, 950 * time.Second, 1050 * time.Second},
	} {
		for _, header := range []string{"Retry-After", "X-Backoff"} {
			synctest.Test(t, func(t *testing.T) {
				for range 50 {
					second := func(r *http.Request) (*http.Response, error) {
						time.Sleep(c.between) // it is on its way while the first asks for a pause
						return says(503, header, fmt.Sprint(c.second))(r)
					}
					transport := &backoff.Transport{Base: scripted(second, says(503, header, fmt.Sprint(c.first)))}
					done := make(chan struct{})
					go func() {
						defer close(done)
						ask(t, transport, site)
					}()
					synctest.Wait()
					ask(t, transport, site)
					from := time.Now()
					<-done
					if got := refusal(t, transport, site).Until.Sub(from); got < c.want || got > c.want+c.want/4 {
						t.Fatalf("%s by %s: left alone for %v, want at least %v", c.about, header, got, c.want)
					}
				}
			})
		}
	}
}

// Sync: on X-Backoff, finish what you must, then stay away; on Retry-After, no request.
func TestWhatHasBegunIsFinishedUnlessTheHostWantsNothing(t *testing.T) {
	finish := func(r *http.Request) bool { return r.Method == "PUT" }
	for _, c := range []struct {
		headers    []string
		get, put   bool // whether they are sent
		finishNone bool
	}{
		{headers: []string{"X-Backoff", "60"}, get: false, put: true},
		{headers: []string{"X-Backoff", "60"}, get: false, put: false, finishNone: true},
		{headers: []string{"Retry-After", "60"}, get: false, put: false},
		{headers: []string{"Retry-After", "60", "Backoff", "90"}, get: false, put: false},
		{headers: nil, get: true, put: true},
	} {
		synctest.Test(t, func(t *testing.T) {
			transport := &backoff.Transport{Base: scripted(says(200, c.headers...), says(200)), Finish: finish}
			if c.finishNone {
				transport.Finish = nil
			}
			sent := func(method string) bool {
				req, _ := http.NewRequest(method, site, nil)
				_, err := transport.RoundTrip(req)
				return err == nil
			}
			sent("GET")
			if get, put := sent("GET"), sent("PUT"); get != c.get || put != c.put {
				t.Errorf("%v: GET is sent: %v, what must be finished: %v, want %v, %v", c.headers, get, put, c.get, c.put)
			}
			time.Sleep(76 * time.Second) // Retry-After is over, Backoff not yet
			if put := sent("PUT"); !put {
				t.Errorf("%v: what must be finished is held up after Retry-After", c.headers)
			}
		})
	}
}

func TestFinishIsAskedOnlyWhereItCounts(t *testing.T) {
	for _, c := range []struct {
		headers []string
		asked   bool
	}{{nil, false}, {[]string{"Retry-After", "60"}, false}, {[]string{"X-Backoff", "60"}, true}} {
		asked := false
		transport := &backoff.Transport{Base: scripted(says(200, c.headers...)), Finish: func(*http.Request) bool {
			asked = true
			return false
		}}
		ask(t, transport, site)
		ask(t, transport, site)
		if asked != c.asked {
			t.Errorf("%v: asked: %v", c.headers, asked)
		}
	}
}

func TestARefusalIsAnErrorThatSaysWhereAndUntilWhen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &backoff.Transport{Base: scripted(says(503, "Retry-After", "30"))}
		client := &http.Client{Transport: transport}
		ask(t, transport, "http://Example.com:80/secret?token=x")

		_, err := client.Get("http://example.com/")
		var refused *backoff.Error
		if !errors.As(err, &refused) {
			t.Fatalf("%v is no *backoff.Error", err)
		}
		left := time.Until(refused.Until)
		if refused.Host != "http://example.com" || left < 30*time.Second || left > 38*time.Second {
			t.Errorf("Host %q, %v left", refused.Host, left)
		}
		until, cutErr := time.Parse(time.RFC3339, strings.TrimPrefix(refused.Error(), "backoff: no request to http://example.com before "))
		if cutErr != nil || until.Before(refused.Until) || until.Sub(refused.Until) >= time.Second {
			t.Errorf("%q: %v, want %v to the second", refused, cutErr, refused.Until)
		}

		var refuser request.Refuser
		if !errors.As(err, &refuser) {
			t.Fatalf("%v is no Refuser", err)
		}
		if name, l := refuser.Refused(); name != refused.Host || l != left {
			t.Errorf("Refused: %q, %v, want %q, %v", name, l, refused.Host, left)
		}
		time.Sleep(time.Minute)
		if _, l := refused.Refused(); l != 0 {
			t.Errorf("%v left when it is over", l)
		}
	})
}

func TestAnErrorIsOneLineWhateverTheHostIs(t *testing.T) {
	err := &backoff.Error{Host: "http://x\u2028forged\u202e\n\x00.müller.example", Until: time.Unix(1772366400, 0)}
	want := `backoff: no request to http://x\u2028forged\u202e\n\x00.müller.example before 2026-03-01T12:00:00Z`
	if got := err.Error(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestARefusalIsCountedForTheRequestBeingServedAndNotHeldAgainstIt(t *testing.T) {
	transport := &backoff.Transport{Base: scripted(says(503, "Retry-After", "30"))}
	rec := &request.Record{Context: t.Context()}
	for range 2 {
		req, _ := http.NewRequestWithContext(rec, "GET", site, nil)
		transport.RoundTrip(req)
	}
	if b := rec.Backends(); len(b) != 1 || b[0].Name != "http://example.com" || b[0].Refused != 1 {
		t.Errorf("%+v, want one refusal", b)
	}
	if name, _, ok := rec.Refusal(); ok {
		t.Errorf("the request could not have %s, which it may not need", name)
	}
}

func TestStatsCountWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := scripted(says(200, "X-Backoff", "30"), says(503), says(200))
		transport := &backoff.Transport{Base: base, Retries: 1}
		ask(t, transport, site)
		ask(t, transport, site)
		if got, want := transport.Stats(), (backoff.TransportStats{Requests: 2, Refused: 1, Asked: 1, Hosts: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		time.Sleep(time.Minute)
		ask(t, transport, site)
		if got, want := transport.Stats(), (backoff.TransportStats{Requests: 3, Refused: 1, Asked: 1, Retried: 1}); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}

func TestWrongFieldsAreNamed(t *testing.T) {
	for field, transport := range map[string]*backoff.Transport{
		"Max":        {Max: -1},
		"Wait":       {Wait: -time.Second},
		"Retries":    {Retries: -1},
		"RetryFor":   {RetryFor: backoff.MaxWait + 1},
		"RetryDelay": {RetryDelay: -1},
	} {
		err := transport.Validate()
		if err == nil || !strings.Contains(err.Error(), "backoff: Transport."+field+" is ") || !strings.Contains(err.Error(), "it must be") {
			t.Errorf("%s: %v", field, err)
		}
		base := scripted(says(200))
		transport.Base = base
		body := &scriptBody{Reader: strings.NewReader("x")}
		req, _ := http.NewRequest("PUT", site, body)
		if _, sent := transport.RoundTrip(req); sent == nil || sent.Error() != err.Error() || len(base.at) != 0 || !body.closed() {
			t.Errorf("%s: RoundTrip: %v, body closed: %v", field, sent, body.closed())
		}
	}
	for _, fine := range []*backoff.Transport{
		{},
		{Max: backoff.MaxWait, Wait: backoff.MaxWait, Retries: 3, RetryFor: backoff.MaxWait, RetryDelay: backoff.MaxWait},
	} {
		if err := fine.Validate(); err != nil {
			t.Error(err)
		}
	}
	if err := (&backoff.Transport{Wait: -1, Retries: -1}).Validate(); err == nil || strings.Count(err.Error(), "backoff: ") != 2 {
		t.Errorf("two wrong fields: %v", err)
	}
}

func TestARequestWithoutAURLIsForTheBaseToJudge(t *testing.T) {
	transport := &backoff.Transport{Retries: 2, RetryDelay: time.Nanosecond}
	redirect := &http.Response{Header: http.Header{"Retry-After": {"60"}}}
	for _, req := range []*http.Request{{}, {Header: http.Header{}}, {Response: redirect}} {
		if _, err := transport.RoundTrip(req); err == nil || !strings.Contains(err.Error(), "nil Request.URL") {
			t.Errorf("%v", err)
		}
	}
	transport.Base = scripted(says(503, "Retry-After", "60"))
	if resp, err := transport.RoundTrip(&http.Request{}); err != nil || resp.StatusCode != 503 {
		t.Errorf("%v", err)
	}
}
