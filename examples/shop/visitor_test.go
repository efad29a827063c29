package main

import (
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/breaker"
)

// A visitor is a browser at a shop that is open for one test.
type visitor struct {
	t      *testing.T
	shop   *shop
	url    string
	client *http.Client
}

// visit opens a shop with a short limit, until the test ends.
func visit(t *testing.T) *visitor {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, closed := make(chan *visitor), make(chan error)
	cfg := config{Addr: "127.0.0.1:0", Limit: time.Second}
	told := audience{[]alert.Sink{headlines{io.Discard}}, func(breaker.Change) {}}
	go func() {
		closed <- open(ctx, cfg, told, func(ctx context.Context, s *shop, url string) error {
			ready <- &visitor{t: t, shop: s, url: url}
			<-ctx.Done()
			return nil
		})
	}()
	select {
	case v := <-ready:
		v.client = browser()
		t.Cleanup(func() {
			v.client.CloseIdleConnections()
			cancel()
			if err := <-closed; err != nil {
				t.Errorf("the shop closed with %v", err)
			}
		})
		return v
	case err := <-closed:
		cancel()
		t.Fatal(err)
		return nil
	}
}

func browser() *http.Client {
	jar, _ := cookiejar.New(nil)
	return &http.Client{Jar: jar, Transport: new(http.Transport), Timeout: 10 * time.Second}
}

// another is somebody else at the same shop.
func (v *visitor) another() *visitor {
	other := *v
	other.client = browser()
	v.t.Cleanup(other.client.CloseIdleConnections)
	return &other
}

func (v *visitor) get(path string) (*http.Response, string) {
	v.t.Helper()
	req, err := http.NewRequest("GET", v.url+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	return v.do(req)
}

func (v *visitor) post(path, field, value string) (*http.Response, string) {
	v.t.Helper()
	req, err := http.NewRequest("POST", v.url+path, strings.NewReader(url.Values{field: {value}}.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return v.do(req)
}

// turn puts a fault on a backend.
func (v *visitor) turn(backend, fault string) {
	v.t.Helper()
	if resp, _ := v.post("/break/"+backend, "fault", fault); resp.StatusCode != 200 {
		v.t.Fatalf("%s %s: %s", backend, fault, resp.Status)
	}
}

// recover waits until a page is served again, as it must be when its backend is well and the breaker
// has found that out.
func (v *visitor) recover(path string) {
	v.t.Helper()
	longest := v.shop.limit * 3 // OpenMax, a probe, and a busy machine
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		resp, _ := v.get(path)
		if resp.StatusCode == 200 {
			return
		}
		if time.Since(start) > longest {
			v.t.Errorf("%s is not served again: %s", path, resp.Status)
			return
		}
	}
}

func (v *visitor) do(req *http.Request) (*http.Response, string) {
	v.t.Helper()
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp, string(body)
}
