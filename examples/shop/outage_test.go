package main

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/heeler-go/heeler/breaker"
)

func TestABookIsShownWithoutItsReviewsWhenThoseFail(t *testing.T) {
	v := visit(t)
	const voices, degraded = "Reader, I missed my stop.", "cannot be heard right now"
	if _, body := v.get("/books/3"); !strings.Contains(body, voices) || strings.Contains(body, degraded) {
		t.Error("the reviews are missing while all is well")
	}
	for _, fault := range []string{"hang", "cut", "error", "slow 10s"} {
		v.turn("reviews", fault)
		start := time.Now()
		if resp, body := v.get("/books/3"); resp.StatusCode != 200 || !strings.Contains(body, "Jane Eyre") || !strings.Contains(body, degraded) {
			t.Errorf("reviews %s: %s, or not the degraded page", fault, resp.Status)
		}
		if took := time.Since(start); took > v.shop.box.Limit {
			t.Errorf("reviews %s: the book took %v", fault, took)
		}
	}
	v.turn("reviews", "normal")
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if _, body := v.get("/books/3"); strings.Contains(body, voices) {
			break
		} else if time.Since(start) > 3*v.shop.limit {
			t.Fatal("the reviews do not come back")
		}
	}
}

func TestEachBackendTakesDownItsOwnPagesOnlyAndTheyComeBack(t *testing.T) {
	v := visit(t)
	v.post("/cart/add", "book", "22")
	needs := map[string]string{"/": "", "/about": "", "/search": "mysql", "/authors": "mysql", "/books/22": "mysql", "/cart": "redis"}
	for _, backend := range []string{"mysql", "redis"} {
		for _, fault := range []string{"hang", "cut"} {
			v.turn(backend, fault)
			for path, need := range needs {
				resp, body := v.get(path)
				switch {
				case need != backend && resp.StatusCode != 200:
					t.Errorf("%s %s: %s: %s", backend, fault, path, resp.Status)
				case need == backend && (resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" || !strings.Contains(body, "try again in a moment")):
					t.Errorf("%s %s: %s: %s, Retry-After %q", backend, fault, path, resp.Status, resp.Header.Get("Retry-After"))
				}
			}
			v.turn(backend, "normal")
			for path := range needs {
				v.recover(path)
			}
		}
	}
}

func TestAnOpenBreakerAnswersAtOnceAndIsShown(t *testing.T) {
	v := visit(t)
	for path, want := range map[string]string{"/break": "breaker closed", "/break/live": "calls go through"} {
		if _, body := v.get(path); strings.Count(body, want) != 3 {
			t.Errorf("%s does not show three closed breakers", path)
		}
	}
	v.turn("mysql", "hang")
	var body string
	for start := time.Now(); !strings.Contains(body, "we leave it alone for a while") && time.Since(start) < time.Minute; {
		asked := time.Now()
		resp, page := v.get("/search")
		body = page
		if after, _ := strconv.Atoi(resp.Header.Get("Retry-After")); resp.StatusCode != 503 || after < 1 || after > 7 {
			t.Errorf("%s, Retry-After %q", resp.Status, resp.Header.Get("Retry-After"))
		}
		if took := time.Since(asked); strings.Contains(page, "we leave it alone") && took > v.shop.limit/4 {
			t.Errorf("an open breaker took %v to refuse", took)
		}
	}
	for _, path := range []string{"/break", "/break/live"} {
		shown := regexp.MustCompile(`(?s)id="breaker-mysql".*?<b class="state (open|half-open)">breaker (open|half-open)</b></p>\s*<p>(calls are refused, for \d\.\d s|the next call tries it).*?refused [1-9]`)
		if _, body := v.get(path); !shown.MatchString(body) || strings.Count(body, "breaker closed") != 2 {
			t.Errorf("%s does not show that the breaker of mysql is open, and of no other", path)
		}
	}
	v.turn("mysql", "normal")
	v.recover("/search")
	if _, body := v.get("/break/live"); strings.Count(body, "breaker closed") != 3 {
		t.Error("the page does not show that the breaker is closed again")
	}
}

func TestRedisSaysThatAKeyIsNotThereAndIsWell(t *testing.T) {
	v := visit(t)
	b := v.shop.switches[1].Breaker
	for range 10 {
		err := v.shop.carts.do(t.Context(), func(ctx context.Context) error {
			return v.shop.carts.client.Get(ctx, "heeler-shop:no-such-key").Err()
		})
		if !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
	}
	if s := b.Stats(); s.Calls != 10 || s.Failed != 0 || s.State != breaker.Closed {
		t.Errorf("the breaker of redis says %+v", s)
	}
}

func TestALittleSlownessIsOnlySlow(t *testing.T) {
	v := visit(t)
	v.turn("mysql", "slow 100ms")
	start := time.Now()
	if resp, _ := v.get("/search"); resp.StatusCode != 200 || time.Since(start) < 100*time.Millisecond {
		t.Errorf("%s after %v", resp.Status, time.Since(start))
	}
}
