package backoff_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/heeler-go/heeler/backoff"
)

func TestAHostIsItsSchemeNameAndPort(t *testing.T) {
	for _, c := range []struct {
		asked, other string
		same         bool
		name         string
	}{
		{"http://example.com/", "http://example.com/other?x=1#y", true, "http://example.com"},
		{"http://example.com/", "http://EXAMPLE.com/", true, "http://example.com"},
		{"http://EXAMPLE.com/", "http://example.com/", true, "http://example.com"},
		{"http://example.com/", "http://example.com:80/", true, "http://example.com"},
		{"https://example.com:443/", "https://example.com/", true, "https://example.com"},
		{"http://example.com/", "http://user:secret@example.com/", true, "http://example.com"},
		{"http://example.com./", "http://example.com/", true, "http://example.com"},
		{"http://example.com:8080/", "http://example.com:8080/", true, "http://example.com:8080"},
		{"http://[::1]:8080/", "http://[::1]:8080/", true, "http://[::1]:8080"},
		{"http://[2001:DB8::1]/", "http://[2001:db8::1]:80/", true, "http://[2001:db8::1]"},
		{"http://example.com:080/", "http://example.com/", true, "http://example.com"},
		{"http://example.com:8080/", "http://example.com:00008080/", true, "http://example.com:8080"},
		{"http://[0:0:0:0:0:0:0:1]/", "http://[::1]/", true, "http://[::1]"},
		{"http://[2001:db8::0.0.0.1]/", "http://[2001:0DB8::1]/", true, "http://[2001:db8::1]"},
		{"http://[FE80::1%25eth0]/", "http://[fe80:0::1%25eth0]/", true, "http://[fe80::1%eth0]"},
		{"custom://thing/", "custom://thing/", true, "custom://thing"},

		{"http://example.com/", "https://example.com/", false, ""},
		{"http://example.com/", "http://example.com:8080/", false, ""},
		{"http://example.com:443/", "https://example.com/", false, ""},
		{"http://example.com/", "http://www.example.com/", false, ""},
		{"http://example.com/", "http://example.org/", false, ""},
	} {
		transport := &backoff.Transport{Base: scripted(says(503, "Retry-After", "60"))}
		ask(t, transport, c.asked)
		err := refusal(t, transport, c.other)
		if (err != nil) != c.same || err != nil && err.Host != c.name {
			t.Errorf("%s after %s: %v, want it left alone: %v, as %q", c.other, c.asked, err, c.same, c.name)
		}
	}
}

func TestAURLMayBeMadeByHand(t *testing.T) {
	transport := &backoff.Transport{Base: scripted(says(503, "Retry-After", "60"))}
	ask(t, transport, "http://example.com/")
	req := &http.Request{Method: "GET", URL: &url.URL{Scheme: "HTTP", Host: "example.com"}}
	if _, err := transport.RoundTrip(req); err == nil {
		t.Error("the scheme's case makes another host")
	}
}

func TestATransportRemembersAThousandHosts(t *testing.T) {
	const most = 1000
	synctest.Test(t, func(t *testing.T) {
		transport := &backoff.Transport{Base: scripted(says(503, "Retry-After", "60"))}
		other := &backoff.Transport{Base: scripted(says(503, "Retry-After", "10"))}
		host := func(i int) string { return fmt.Sprintf("http://host-%d.example.com/", i) }
		for i := range most {
			ask(t, transport, host(i))
			ask(t, other, host(i))
		}
		for i := range most {
			if refusal(t, transport, host(i)) == nil {
				t.Fatalf("%d of %d hosts are remembered", i, most)
			}
		}
		time.Sleep(20 * time.Second) // those of the other are over

		transport.Base.(*script).answers[0] = says(503, "Retry-After", "3600")
		other.Base.(*script).answers[0] = says(503, "Retry-After", "3600")
		for i := range 5 * most { // a storm
			ask(t, transport, host(most+i))
			ask(t, other, host(most+i))
		}
		if n := transport.Stats().Hosts; n != most {
			t.Errorf("%d hosts are remembered, want %d", n, most)
		}
		if n := other.Stats().Hosts; n != most {
			t.Errorf("%d hosts are remembered, want %d", n, most)
		}
	})
}

// What is hostile asks for long times, and must not push out who asks in earnest.
func TestTheHostWhoseTimeIsOverLastMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		base := scripted(says(503, "Retry-After", "60"))
		transport := &backoff.Transport{Base: base}
		for i := range 999 {
			ask(t, transport, fmt.Sprintf("http://host-%d.example.com/", i))
		}
		base.answers[0] = says(200, "X-Backoff", "3600")
		ask(t, transport, site)
		if refusal(t, transport, site) == nil {
			t.Fatal("the last one was forgotten before there was need")
		}
		base.answers[0] = says(200, "X-Backoff", "99999999")
		for i := range 2000 {
			ask(t, transport, fmt.Sprintf("http://evil.example.com:%d/", i+1))
		}
		if refusal(t, transport, site) == nil {
			t.Error("one that asked for more was remembered instead")
		}
		base.answers[0] = says(503, "Retry-After", "60")
		ask(t, transport, "http://one-more.example.com/")
		for i := range 999 {
			if refusal(t, transport, fmt.Sprintf("http://host-%d.example.com/", i)) == nil {
				t.Fatalf("host %d was forgotten", i)
			}
		}
		if refusal(t, transport, "http://one-more.example.com/") == nil {
			t.Error("the new one was not remembered")
		}
		if refusal(t, transport, site) != nil {
			t.Error("the one whose time is over last was kept")
		}
	})
}

func TestANameThatNoHostHasIsNotRemembered(t *testing.T) {
	for length, want := range map[int]int{253: 1, 1000: 0, 200_000: 0} { // a name has 253 bytes at most
		transport := &backoff.Transport{Base: scripted(says(503, "Retry-After", "60"))}
		ask(t, transport, "https://"+strings.Repeat("a", length)+":65535/")
		ask(t, transport, "https://"+strings.Repeat("a", length)+":65535/")
		if n := transport.Stats().Hosts; n != want {
			t.Errorf("a name of %d bytes: %d hosts, want %d", length, n, want)
		}
	}
}

func TestHostsAreForgottenWhenTheirTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		transport := &backoff.Transport{Base: scripted(says(503, "Retry-After", "10"))}
		for i := range 100 {
			ask(t, transport, fmt.Sprintf("http://host-%d.example.com/", i))
		}
		if n := transport.Stats().Hosts; n != 100 {
			t.Errorf("%d hosts, want 100", n)
		}
		time.Sleep(13 * time.Second)
		if n := transport.Stats().Hosts; n != 0 {
			t.Errorf("%d hosts, want none", n)
		}
	})
}

// RFC 9110 §10.2.3: with a redirect, Retry-After is the time to wait before the redirected request.
func TestARedirectWithRetryAfterHoldsUpWhatItLeadsTo(t *testing.T) {
	const target = "http://target.example.com/"
	byHost := func(r *http.Request) (*http.Response, error) {
		if r.URL.Host == "target.example.com" {
			return says(200)(r)
		}
		return says(307, "Location", target, "Retry-After", "10", "X-Backoff", "1000")(r)
	}
	synctest.Test(t, func(t *testing.T) {
		// Who has no time to wait would else never get there: each time, the redirect comes again.
		fast := &http.Client{Transport: &backoff.Transport{Base: scripted(byHost)}}
		if resp, err := fast.Get(site); err != nil || resp.StatusCode != 200 {
			t.Errorf("without a Wait: %v", err)
		}
		if refusal(t, fast.Transport, site) == nil {
			t.Error("the redirect's own host is not left alone")
		}

		short := &http.Client{Transport: &backoff.Transport{Base: scripted(byHost), Wait: time.Second}}
		_, err := short.Get(site)
		var refused *backoff.Error
		if !errors.As(err, &refused) || refused.Host != "http://target.example.com" {
			t.Fatalf("%v", err)
		}
		if left := time.Until(refused.Until); left < 10*time.Second || left > 13*time.Second {
			t.Errorf("%v left, want 10s and up to a quarter more", left)
		}
		// The target is held up for this request only: it has asked for nothing.
		if resp, err := short.Get(target); err != nil || resp.StatusCode != 200 {
			t.Errorf("the target, by itself: %v", err)
		}

		base := scripted(byHost)
		patient := &http.Client{Transport: &backoff.Transport{Base: base, Wait: time.Minute}}
		resp, err := patient.Get(site)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%v", err)
		}
		if base.at[1] < 10*time.Second || base.at[1] > 13*time.Second {
			t.Errorf("the redirect was followed after %v, want 10s and up to a quarter more", base.at[1])
		}
	})
}

func TestTheTimeOfARedirectCountsFromWhenItCame(t *testing.T) {
	for _, between := range []time.Duration{0, 9 * time.Second, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			base := scripted(says(302, "Location", "http://target.example.com/", "Retry-After", "10"), says(200))
			client := &http.Client{
				Transport:     &backoff.Transport{Base: base, Wait: time.Minute},
				CheckRedirect: func(*http.Request, []*http.Request) error { time.Sleep(between); return nil },
			}
			if _, err := client.Get(site); err != nil {
				t.Fatal(err)
			}
			if at := base.at[1]; at < max(10*time.Second, between) || at > max(13*time.Second, between) {
				t.Errorf("followed %v after the redirect, of which %v were lost", at, between)
			}
		})
	}
}

func TestManyGoroutinesMayUseOneTransport(t *testing.T) {
	base := roundTripper(func(r *http.Request) (*http.Response, error) {
		if len(r.URL.Host)%2 == 0 {
			return says(503, "Retry-After", "1", "X-Backoff", "2")(r)
		}
		return says(200)(r)
	})
	transport := &backoff.Transport{Base: base, Retries: 1, RetryFor: time.Millisecond, Finish: func(*http.Request) bool { return true }}
	const goroutines, each = 8, 500
	var workers sync.WaitGroup
	for g := range goroutines {
		workers.Go(func() {
			for i := range each {
				ask(t, transport, fmt.Sprintf("http://%0*d.example.com/", 1+i%40, g%3))
				if i%50 == 0 {
					transport.Stats()
				}
			}
		})
	}
	workers.Wait()
	if s := transport.Stats(); s.Requests != goroutines*each || s.Refused == 0 || s.Asked == 0 || s.Hosts > 60 {
		t.Errorf("%+v", s)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
