package control_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
)

func TestAToxicWithoutAToxicityAlwaysStrikes(t *testing.T) {
	s := start(t, &control.Server{})
	c := &control.Client{URL: s.URL()}
	made, err := c.Create(t.Context(), control.Proxy{Name: "db", Upstream: "127.0.0.1:1", Toxics: []control.Toxic{
		{Type: "latency"}, {Type: "hang", Toxicity: chaos.Never}, {Type: "noop", Toxicity: 0.5},
	}})
	if err != nil || made.Toxics[0].Toxicity != 1 || made.Toxics[1].Toxicity != chaos.Never || made.Toxics[2].Toxicity != 0.5 {
		t.Errorf("%+v, %v", made.Toxics, err)
	}
	var none control.Toxic
	if err := json.Unmarshal([]byte(`{}`), &none); err != nil || none.Toxicity != 1 {
		t.Errorf("%+v, %v", none, err)
	}
	text := must(t, s, 200, "GET", "/proxies/db/toxics/hang_downstream", "")
	if !strings.Contains(text, `"toxicity":0`) {
		t.Error(text)
	}
}

func TestWithPutsBackAMixInAMix(t *testing.T) {
	s, p := withProxy(t)
	c := &control.Client{URL: s.URL()}
	nested := chaos.Mix{{Percent: 50, Behavior: chaos.Mix{{Percent: 50, Behavior: chaos.Latency{Jitter: time.Second}}}}}
	if err := p.SetFaults(chaos.Fault{Name: "nested", Behavior: nested}); err != nil {
		t.Fatal(err)
	}
	before := p.Faults()
	if err := c.With(t.Context(), "db", func() error { return nil }, chaos.Fault{Behavior: chaos.Hang{}}); err != nil {
		t.Error(err)
	}
	if after := p.Faults(); !reflect.DeepEqual(after, before) {
		t.Errorf("%+v has become %+v", before, after)
	}
}

// own is a behavior that the server has not been told of.
type own struct{ chaos.Dummy }

func (own) Name() string { return "own" }

func TestWithChangesNothingThatItCouldNotPutBack(t *testing.T) {
	s, p := withProxy(t)
	c := &control.Client{URL: s.URL()}
	if err := p.SetFaults(chaos.Fault{Behavior: own{}}); err != nil {
		t.Fatal(err)
	}
	before := p.Faults()
	called := func() error { t.Error("called"); return nil }
	if err := c.With(t.Context(), "db", called, chaos.Fault{Behavior: chaos.Hang{}}); err == nil {
		t.Error("it has promised to put back what it cannot")
	}
	if after := p.Faults(); !reflect.DeepEqual(after, before) {
		t.Errorf("%+v has become %+v", before, after)
	}
}

// A name that means something in a path is not to lead to another proxy.
func TestTheClientIsNotLedElsewhere(t *testing.T) {
	s, p := withProxy(t)
	c := &control.Client{URL: s.URL()}
	for _, name := range []string{".", "..", "../..", "db/.."} {
		if err := c.SetBehavior(t.Context(), name, "hang", nil); err == nil {
			t.Errorf("%q has got a behavior", name)
		}
		if err := c.RemoveFault(t.Context(), "db", name); err == nil {
			t.Errorf("the toxic %q was there", name)
		}
	}
	if len(p.Faults()) != 0 {
		t.Errorf("the first proxy has %+v", p.Faults())
	}
	elsewhere := httptest.NewServer(http.RedirectHandler(s.URL()+"/proxies", http.StatusTemporaryRedirect))
	defer elsewhere.Close()
	if all, err := (&control.Client{URL: elsewhere.URL}).Proxies(t.Context()); err == nil {
		t.Errorf("led elsewhere: %+v", all)
	}
}

func TestErrorsOfTheClientDoNotTellTheToken(t *testing.T) {
	for _, url := range []string{"http://:s3cret@127.0.0.1:1", "http://:s3cret@a b", "http://:s3/cret@a", ":s3cret@127.0.0.1:1"} {
		err := (&control.Client{URL: url}).Reset(t.Context())
		if err == nil || strings.Contains(err.Error(), "s3") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestATokenThatNobodyCouldSend(t *testing.T) {
	for _, token := range []string{"a\n", "\ta", " a", "a ", "a\x00b", "\u0085"} {
		if err := (&control.Server{Token: token}).Validate(); err == nil {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestTheClientHearsAConversation(t *testing.T) {
	s, p := withProxy(t)
	c := &control.Client{URL: s.URL()}
	for _, l := range []control.Log{{Max: 4, Piece: 2}, {Max: 4, Piece: 2, Hex: true}} {
		var log bytes.Buffer
		begun := writer(func(b []byte) (int, error) {
			if log.Len() == 0 {
				go says(p.Addr(), "ping")
			}
			return log.Write(b)
		})
		if err := c.Conversation(t.Context(), "db", l, begun); err != nil {
			t.Error(err)
		}
		if got := log.String(); !strings.Contains(got, "pi") || strings.Contains(got, "ping") ||
			strings.Contains(got, "|pi|") != l.Hex || !strings.Contains(got, "(and 2 bytes more)") {
			t.Errorf("%+v: %q", l, got)
		}
	}
	if err := c.Conversation(t.Context(), "nobody", control.Log{}, &bytes.Buffer{}); err == nil {
		t.Error("nobody has talked")
	}
}
