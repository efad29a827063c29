package control_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
	"github.com/heeler-go/heeler/internal/echo"
)

func TestTheClientDoesWhatTheServerCan(t *testing.T) {
	ctx := t.Context()
	s := start(t, &control.Server{Token: "s3cret"})
	c := &control.Client{URL: strings.TrimPrefix(s.URL(), "http://"), Token: "s3cret"}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	name := "my db/é?"
	backend := echo.Start(t)
	made, err := c.Create(ctx, control.Proxy{Name: name, Upstream: backend, Protocol: "tcp", Seed: 5},
		chaos.Fault{Behavior: chaos.Mix{{Percent: 20, Behavior: chaos.Delay{Sleep: time.Second}}}},
		chaos.Fault{Behavior: chaos.Latency{Jitter: time.Millisecond}, Direction: chaos.Upstream, Share: chaos.Never,
			Schedule: chaos.Schedule{Start: time.Second, End: time.Minute}})
	check(err)
	one, err := c.Proxy(ctx, name)
	check(err)
	all, err := c.Proxies(ctx)
	check(err)
	if !reflect.DeepEqual(made, one) || !reflect.DeepEqual(all, map[string]control.Proxy{name: one}) ||
		one.Seed != 5 || one.Protocol != "tcp" || len(one.Toxics) != 2 || one.Toxics[1].Toxicity != chaos.Never {
		t.Errorf("made %+v, which is %+v, of %+v", made, one, all)
	}

	check(c.SetFaults(ctx, name, chaos.Fault{Behavior: chaos.Hang{}}))
	added, err := c.AddFault(ctx, name, chaos.Fault{Behavior: chaos.Hang{}, Direction: chaos.Upstream})
	check(err)
	faults, err := c.Faults(ctx, name)
	check(err)
	if len(faults) != 2 || !reflect.DeepEqual(faults[1], added) || added.Name != "hang_upstream" {
		t.Errorf("added %+v to make %+v", added, faults)
	}
	check(c.RemoveFault(ctx, name, "hang_upstream"))
	if behavior, err := c.Behavior(ctx, name); err != nil || behavior != "hang" {
		t.Errorf("the behavior is %q, %v", behavior, err)
	}
	check(c.SetBehavior(ctx, "", "delay", map[string]any{"sleep": 2}))
	if behavior, err := c.Behavior(ctx, ""); err != nil || behavior != "delay" {
		t.Errorf("the first proxy's behavior is %q, %v", behavior, err)
	}
	if names, err := c.Behaviors(ctx); err != nil || len(names) != 7 || !slices.IsSorted(names) {
		t.Errorf("the behaviors are %q, %v", names, err)
	}
	check(c.SetBackend(ctx, name, "127.0.0.1:1"))
	if got, err := c.Backend(ctx, name); err != nil || got != "127.0.0.1:1" {
		t.Errorf("the backend is %q, %v", got, err)
	}
	check(c.SetBackend(ctx, name, backend))
	check(c.Enable(ctx, name, false))
	up(t, one.Listen, false)
	check(c.Reset(ctx))
	up(t, one.Listen, true)
	check(c.Delete(ctx, name))
	up(t, one.Listen, false)
}

func TestARefusalHasItsStatusAndField(t *testing.T) {
	s, _ := withProxy(t)
	c := &control.Client{URL: s.URL()}
	ctx := t.Context()
	for _, r := range []struct {
		err    error
		status int
		field  string
	}{
		{c.Delete(ctx, "nobody"), 404, ""},
		{c.SetBehavior(ctx, "", "nothing", nil), 400, "name"},
		{c.SetBehavior(ctx, "", "delay", map[string]any{"sleep": "x"}), 400, "sleep"},
		{c.SetFaults(ctx, "nobody"), 404, ""},
		{func() error {
			_, err := c.Create(ctx, control.Proxy{Name: "x", Upstream: "a:1", Protocol: "pop3"})
			return err
		}(), 400, "protocol"},
		{(&control.Client{URL: s.URL() + "/nothing"}).Reset(ctx), 404, ""},
	} {
		var e *control.Error
		if !errors.As(r.err, &e) || e.Status != r.status || e.Field != r.field || e.Message == "" {
			t.Errorf("%v: %+v, want %d of %q", r.err, e, r.status, r.field)
		}
	}
	if _, err := c.AddFault(ctx, "db", chaos.Fault{}); err == nil {
		t.Error("a fault without a behavior was sent")
	}
	if err := c.SetFaults(ctx, "db", chaos.Fault{}); err == nil {
		t.Error("a fault without a behavior was set")
	}
	if err := (&control.Client{URL: "a b"}).Reset(ctx); err == nil || !strings.Contains(err.Error(), "Client.URL") {
		t.Errorf("a URL that is none: %v", err)
	}
}

// What answers may be no server of ours at all.
func TestAnAnswerThatIsNone(t *testing.T) {
	for _, answer := range []string{"", "<html>", `{"proxies":7}`, "null x", strings.Repeat("[", 100_000)} {
		for _, status := range []int{200, 502} {
			other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(status)
				w.Write([]byte(answer))
			}))
			c := &control.Client{URL: other.URL}
			_, err := c.Proxies(t.Context())
			var e *control.Error
			if isError := errors.As(err, &e); err == nil || isError != (status == 502) || len(err.Error()) > 1000 {
				t.Errorf("%d %.20q: %v", status, answer, err)
			}
			for _, err = range c.Events(t.Context(), "") {
			}
			if (err == nil) != (status == 200) {
				t.Errorf("events from %d %.20q: %v", status, answer, err)
			}
			other.Close()
		}
	}
}

func TestWithPutsBackWhatWasThere(t *testing.T) {
	s, p := withProxy(t)
	c := &control.Client{URL: s.URL()}
	before := []chaos.Fault{
		{Name: "slow", Behavior: chaos.Latency{Latency: time.Second}, Direction: chaos.Upstream, Share: 0.25},
		{Name: "mix", Behavior: chaos.Mix{{Percent: 5, Behavior: chaos.Error{}}}},
	}
	if err := p.SetFaults(before...); err != nil {
		t.Fatal(err)
	}
	hangs := func() {
		t.Helper()
		if faults := p.Faults(); len(faults) != 1 || faults[0].Behavior != chaos.Behavior(chaos.Hang{}) {
			t.Errorf("inside there are %+v", faults)
		}
	}
	failed := errors.New("failed")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, f := range map[string]func() error{
		"returns":   func() error { hangs(); return failed },
		"panics":    func() error { hangs(); panic("x") },
		"exits":     func() error { hangs(); runtime.Goexit(); return nil },
		"cancelled": func() error { hangs(); cancel(); return failed },
	} {
		ctx := ctx
		if name != "cancelled" {
			ctx = t.Context()
		}
		done := make(chan error, 1)
		go func() {
			defer close(done)
			defer func() { recover() }()
			done <- c.With(ctx, "db", f, chaos.Fault{Behavior: chaos.Hang{}})
		}()
		if err := <-done; err != nil && !errors.Is(err, failed) || err == nil && (name == "returns" || name == "cancelled") {
			t.Errorf("%s: %v", name, err)
		}
		if after := p.Faults(); !reflect.DeepEqual(after, before) {
			t.Errorf("%s: it has put back %+v, want %+v", name, after, before)
		}
	}
	called := func() error { t.Error("called without its faults"); return nil }
	if err := c.With(t.Context(), "db", called, chaos.Fault{Behavior: chaos.Latency{Latency: -1}}); err == nil {
		t.Error("a wrong fault was set")
	}
	if err := c.With(t.Context(), "nobody", called); err == nil {
		t.Error("nobody has got faults")
	}
}

func TestEventsEndWithTheirContextAndWithTheServer(t *testing.T) {
	s, _ := withProxy(t)
	c := &control.Client{URL: s.URL()}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, err := range c.Events(ctx, "") {
		if err != nil {
			t.Error(err)
		}
		cancel()
	}
	for _, err := range c.Events(t.Context(), "") {
		if err != nil {
			t.Error(err)
		}
		go s.Shutdown(context.Background())
	}
}
