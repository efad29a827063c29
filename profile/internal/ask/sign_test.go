package ask_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/internal/ask"
)

var (
	signer = ask.Signer{Key: bytes.Repeat([]byte("k"), ask.MinKey)}
	now    = time.Date(2026, 9, 1, 12, 0, 0, 0, time.UTC)
	later  = now.Add(time.Hour)
)

// must is for what cannot fail with a good key.
func must(token string, err error) string {
	if err != nil {
		panic(err)
	}
	return token
}

func TestARequestLinkHoldsForItsRequestAndTellsWhoseItIs(t *testing.T) {
	for _, user := range []string{"", "alice", "é\x00\n", strings.Repeat("u", ask.MaxUser)} {
		token := must(signer.Sign("GET", "/a%2Fb", user, later))
		got, nonce, expires, ok := signer.Verify(token, "GET", "/a%2Fb", now)
		if got != user || len(nonce) != 32 || !expires.Equal(later) || !ok {
			t.Errorf("%.10q: %.10q, %q, %v, %v", user, got, nonce, expires, ok)
		}
		if len(token) > ask.MaxToken || url.PathEscape(token) != token || url.QueryEscape(token) != token || strings.Contains(token, ".") {
			t.Errorf("%.10q: the token cannot stand in a URL: %s", user, token)
		}
	}
}

func TestALinkHoldsForNothingElse(t *testing.T) {
	token := must(signer.Sign("GET", "/a/b", "alice", later))
	view := must(signer.SignView("ID", later))
	other := ask.Signer{Key: bytes.Repeat([]byte("o"), ask.MinKey)}
	longer := ask.Signer{Key: append(bytes.Clone(signer.Key), 'k')}
	for name, ok := range map[string]bool{
		"another method":         verify(signer, token, "POST", "/a/b", now),
		"a method in lower case": verify(signer, token, "get", "/a/b", now),
		"another path":           verify(signer, token, "GET", "/a/c", now),
		"the path spelled anew":  verify(signer, token, "GET", "/a%2Fb", now),
		"a longer path":          verify(signer, token, "GET", "/a/b/", now),
		"no path":                verify(signer, token, "GET", "", now),
		"bytes moved":            verify(signer, token, "GET/", "a/b", now),
		"the expiry":             verify(signer, token, "GET", "/a/b", later),
		"a time after it":        verify(signer, token, "GET", "/a/b", later.Add(1000*time.Hour)),
		"another key":            verify(other, token, "GET", "/a/b", now),
		"a longer key":           verify(longer, token, "GET", "/a/b", now),
		"a view of a result":     signer.VerifyView(token, "/a/b", now),
		"a view link's request":  verify(signer, view, "ID", "", now) || verify(signer, view, "", "ID", now),
		"another result":         signer.VerifyView(view, "IE", now),
		"no result":              signer.VerifyView(view, "", now),
		"a view at its expiry":   signer.VerifyView(view, "ID", later),
		"a view, another key":    other.VerifyView(view, "ID", now),
	} {
		if ok {
			t.Errorf("a link holds for %s", name)
		}
	}
	if !verify(signer, token, "GET", "/a/b", now) || !signer.VerifyView(view, "ID", now) {
		t.Error("nor do they hold for what they are for")
	}
}

func verify(s ask.Signer, token, method, path string, now time.Time) bool {
	user, nonce, expires, ok := s.Verify(token, method, path, now)
	if !ok && (user != "" || nonce != "" || !expires.IsZero()) {
		panic("Verify says who forged a link")
	}
	return ok
}

func TestATokenIsRefusedWithAnyBitChangedAndInAnyOtherSpelling(t *testing.T) {
	token := must(signer.Sign("GET", "/", "alice", later))
	view := must(signer.SignView("ID", later))
	raw, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 * len(raw) {
		raw[i/8] ^= 1 << (i % 8)
		if verify(signer, base64.RawURLEncoding.EncodeToString(raw), "GET", "/", now) {
			t.Errorf("bit %d may be any", i)
		}
		raw[i/8] ^= 1 << (i % 8)
	}
	for i := range raw {
		if verify(signer, base64.RawURLEncoding.EncodeToString(raw[:i]), "GET", "/", now) {
			t.Errorf("%d bytes are enough", i)
		}
	}
	for _, token := range []string{token, view} {
		for i := range len(token) {
			for _, c := range "\n\r =.A_" {
				for _, forged := range []string{token[:i] + string(c) + token[i:], token[:i] + string(c) + token[i+1:], token + string(c)} {
					if forged != token && (verify(signer, forged, "GET", "/", now) || signer.VerifyView(forged, "ID", now)) {
						t.Errorf("%q passes for %q", forged, token)
					}
				}
			}
		}
		last := token[len(token)-1]
		for c := range 256 {
			forged := token[:len(token)-1] + string([]byte{byte(c)})
			if byte(c) != last && (verify(signer, forged, "GET", "/", now) || signer.VerifyView(forged, "ID", now)) {
				t.Errorf("%q passes for %q", forged, token)
			}
		}
	}
}

func TestATokenThatIsTooLongIsNotEvenDecoded(t *testing.T) {
	long := strings.Repeat("A", 1<<20)
	if n := testing.AllocsPerRun(10, func() {
		signer.Verify(long, "GET", "/", now)
		signer.VerifyView(long, "ID", now)
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestNoTwoLinksAreTheSame(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		_, nonce, _, _ := signer.Verify(must(signer.Sign("GET", "/", "alice", later)), "GET", "/", now)
		if seen[nonce] || strings.Trim(nonce, "0123456789abcdef") != "" {
			t.Fatalf("nonce %q", nonce)
		}
		seen[nonce] = true
	}
}

func TestALinkHoldsUntilTheSecondIsFull(t *testing.T) {
	soon := now.Add(time.Millisecond)
	token := must(signer.Sign("GET", "/", "", soon))
	_, _, expires, ok := signer.Verify(token, "GET", "/", now)
	if !ok || !expires.Equal(now.Add(time.Second)) {
		t.Errorf("%v, %v", expires, ok)
	}
	for _, long := range []time.Time{time.Unix(1<<62, 0), time.Unix(1<<62, 1)} {
		if !verify(signer, must(signer.Sign("GET", "/", "", long)), "GET", "/", now) {
			t.Errorf("%v is over", long)
		}
	}
	for _, past := range []time.Time{{}, now.Add(-time.Hour), time.Unix(-1<<62, 0)} {
		if verify(signer, must(signer.Sign("GET", "/", "", past)), "GET", "/", now) {
			t.Errorf("%v is still to come", past)
		}
	}
}

func TestWithoutAGoodKeyNothingIsSignedAndNothingHolds(t *testing.T) {
	for n, wrong := range map[int]bool{-1: false, 0: true, 1: true, 31: true, 32: false, 100: false} {
		var s ask.Signer
		if n >= 0 {
			s.Key = make([]byte, n)
		}
		err := s.Validate()
		if (err != nil) != wrong {
			t.Errorf("%d bytes: %v", n, err)
		}
		if wrong && err.Error() != fmt.Sprintf("profile: Profiler.Key has %d bytes; 32 or more are accepted, or nil for no links", n) {
			t.Error(err)
		}
		_, err1 := s.Sign("GET", "/", "", later)
		_, err2 := s.SignView("ID", later)
		for _, err := range []error{err1, err2} {
			if (err != nil) != (n < 32) || err != nil && !strings.Contains(err.Error(), "Profiler.Key") {
				t.Errorf("%d bytes: %v", n, err)
			}
		}
		// HMAC fills a short key up with zeros: the same hash, were it not refused.
		zeros := ask.Signer{Key: make([]byte, 32)}
		if n < 32 && (verify(s, must(zeros.Sign("GET", "/", "", later)), "GET", "/", now) || s.VerifyView(must(zeros.SignView("ID", later)), "ID", now)) {
			t.Errorf("%d bytes: a link that anybody can make holds", n)
		}
	}
}

func TestAUserWhoseNameIsTooLongGetsNoLink(t *testing.T) {
	_, err := signer.Sign("GET", "/", strings.Repeat("u", ask.MaxUser+1), later)
	if err == nil || err.Error() != "profile: the user of a link has 513 bytes; up to 512 are accepted" {
		t.Error(err)
	}
}

// seal is the layout of a token as the Signer's comment tells it, written a second time.
func seal(body string, bound ...string) string {
	h := hmac.New(sha256.New, signer.Key)
	for _, field := range append(bound, body) {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(field)))
		h.Write(append(size[:], field...))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum([]byte(body)))
}

// TestALinkOfAnotherReleaseHoldsIfItsLayoutIsOurs has the processes in mind that are replaced one by one.
func TestALinkOfAnotherReleaseHoldsIfItsLayoutIsOurs(t *testing.T) {
	const requests, views = "heeler/profile: request link", "heeler/profile: view link"
	const ours, newer, expiry, nonce = "\x01", "\x02", "\x00\x00\x00\x00\xff\xff\xff\xff", "0123456789abcdef"
	for _, c := range []struct {
		body string
		ok   bool
	}{
		{ours + expiry + nonce + "alice", true},
		{ours + expiry + nonce, true},
		{newer + expiry + nonce + "alice", false},
		{ours + expiry + nonce[1:], false},
		{ours + expiry, false},
		{ours, false},
		{"", false},
	} {
		if got := verify(signer, seal(c.body, requests, "GET", "/"), "GET", "/", now); got != c.ok {
			t.Errorf("%q: a request link: %v", c.body, got)
		}
	}
	for _, c := range []struct {
		body string
		ok   bool
	}{
		{ours + expiry, true},
		{newer + expiry, false},
		{ours + expiry + "x", false},
		{ours + expiry[1:], false},
	} {
		if got := signer.VerifyView(seal(c.body, views, "ID"), "ID", now); got != c.ok {
			t.Errorf("%q: a view link: %v", c.body, got)
		}
	}
}

// FuzzVerify tries tokens as they are, and makes links of what there is: what holds says what was signed,
// and nothing panics.
func FuzzVerify(f *testing.F) {
	f.Add(must(signer.Sign("GET", "/", "alice", later)), "GET", "/", int64(0))
	f.Add(must(signer.Sign("POST", "/a", "", later)), "POST", "/a", now.Unix())
	f.Add(must(signer.SignView("ID", later)), "", "ID", now.Unix())
	f.Add("", "", "", int64(-1))
	f.Fuzz(func(t *testing.T, token, method, path string, unix int64) {
		at := time.Unix(unix, 0)
		user, nonce, expires, ok := signer.Verify(token, method, path, at)
		if !ok && (user != "" || nonce != "" || !expires.IsZero()) || ok && (!at.Before(expires) || len(nonce) != 32) {
			t.Errorf("%q: %q, %q, %v, %v", token, user, nonce, expires, ok)
		}
		if ok && signer.VerifyView(token, path, at) {
			t.Errorf("%q is of both kinds", token)
		}
		if len(method) > ask.MaxUser {
			method = method[:ask.MaxUser]
		}
		if unix == math.MinInt64 {
			return // there is no second before
		}
		again := must(signer.Sign(path, token, method, at))
		user, _, expires, ok = signer.Verify(again, path, token, time.Unix(unix-1, 0))
		if !ok || user != method || expires.Unix() != unix {
			t.Errorf("%q: %q, %v, %v", again, user, expires, ok)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	token := must(signer.Sign("GET", "/a/b", "alice", later))
	b.ReportAllocs()
	for b.Loop() {
		signer.Verify(token, "GET", "/a/b", now)
	}
}
