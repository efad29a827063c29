package control_test

import (
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
)

func TestVaurienAsRecorded(t *testing.T) {
	s, p := withProxy(t)
	for _, step := range []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"GET", "/behaviors", "", 200,
			`{"behaviors":["abort","blackout","delay","dummy","error","hang","transient"]}`},
		{"GET", "/behavior", "", 200, `{"behavior":"dummy"}`},
		{"PUT", "/behavior", `{"name":"delay","sleep":3}`, 200, `{"status":"ok"}`},
		{"GET", "/behavior", "", 200, `{"behavior":"delay"}`},
		{"PUT", "/behavior", `{"name":"delay","foo":"bar","baz":"babar"}`, 200, `{"status":"ok"}`},
		{"PUT", "/behavior", `{"name":"x"}`, 400,
			`{"status":"error","errors":[{"location":"body","name":"name","description":"the 'x' behavior does not exist"}]}`},
		{"PUT", "/behavior", `x`, 400,
			`{"status":"error","errors":[{"location":"body","name":"","description":"the value is not a valid json object"}]}`},
		{"PUT", "/behavior", `null`, 400,
			`{"status":"error","errors":[{"location":"body","name":"","description":"the value is not a valid json object"}]}`},
		{"PUT", "/behavior", `{}`, 400,
			`{"status":"error","errors":[{"location":"body","name":"name","description":"the value should contain a \"name\" key"}]}`},
		{"GET", "/behavior", "", 200, `{"behavior":"delay"}`},
		{"GET", "/proxies/db/behavior", "", 200, `{"behavior":"delay"}`},
		{"GET", "/backend", "", 200, `{"backend":"` + p.Backend + `"}`},
		{"PUT", "/backend", `{"backend":"127.0.0.1:1"}`, 200, `{"status":"ok"}`},
		{"GET", "/backend", "", 200, `{"backend":"127.0.0.1:1"}`},
		{"PUT", "/backend", `{"backend":"nowhere"}`, 400,
			`{"status":"error","errors":[{"location":"body","name":"backend","description":"the backend is \"nowhere\", want host:port or unix:/path"}]}`},
	} {
		if status, answer := ask(t, s, step.method, step.path, step.body); status != step.status || !sameJSON(t, answer, step.answer) {
			t.Errorf("%s %s %s: %d %s, want %d %s", step.method, step.path, step.body, status, answer, step.status, step.answer)
		}
	}
}

func TestABehaviorStrikes(t *testing.T) {
	s, p := withProxy(t)
	up(t, p.Addr(), true)
	must(t, s, 200, "PUT", "/behavior", `{"name":"blackout"}`)
	up(t, p.Addr(), false)
	must(t, s, 200, "PUT", "/behavior", `{"name":"dummy"}`)
	up(t, p.Addr(), true)
	if faults := p.Faults(); len(faults) != 0 {
		t.Errorf("dummy left %v", faults)
	}
}

func TestOptionsStick(t *testing.T) {
	s, p := withProxy(t)
	sleeps := func(want time.Duration) {
		t.Helper()
		faults := p.Faults()
		if len(faults) != 1 || faults[0].Behavior.(chaos.Delay).Sleep != want {
			t.Errorf("the faults are %+v, want a delay of %v", faults, want)
		}
	}
	must(t, s, 200, "PUT", "/behavior", `{"name":"delay"}`)
	sleeps(time.Second)
	must(t, s, 200, "PUT", "/behavior", `{"name":"delay","sleep":3}`)
	sleeps(3 * time.Second)
	must(t, s, 200, "PUT", "/behavior", `{"name":"hang"}`)
	must(t, s, 200, "PUT", "/behavior", `{"name":"delay"}`)
	sleeps(3 * time.Second)
	must(t, s, 200, "PUT", "/behavior", `{"name":"delay","before":false}`)
	sleeps(3 * time.Second)
}

func TestPercentagesAreAMix(t *testing.T) {
	s, p := withProxy(t)
	must(t, s, 200, "PUT", "/behavior", `{"name":"20:delay,5:error","sleep":2}`)
	mix, ok := p.Faults()[0].Behavior.(chaos.Mix)
	if !ok || len(mix) != 2 || mix[0].Percent != 20 || mix[0].Behavior.(chaos.Delay).Sleep != 2*time.Second {
		t.Errorf("the faults are %+v", p.Faults())
	}
	if got := must(t, s, 200, "GET", "/behavior", ""); !sameJSON(t, got, `{"behavior":"20:delay,5:error"}`) {
		t.Errorf("the behavior is %s", got)
	}
	for _, bad := range []string{"60:delay,50:error", "x:delay", "-1:delay", "5:nothing", "NaN:delay", "5:"} {
		answer := must(t, s, 400, "PUT", "/behavior", `{"name":"`+bad+`"}`)
		if !strings.Contains(answer, `"name":"name"`) {
			t.Errorf("%s: %s", bad, answer)
		}
	}
}

// with_behavior of Vaurien's client asks for the behavior, and sets what it was told, without options.
func TestWhatAClientPutsBackIsAllOfIt(t *testing.T) {
	s, p := withProxy(t)
	faults := []chaos.Fault{
		{Name: "one", Behavior: chaos.Latency{Latency: time.Second}, Direction: chaos.Upstream, Share: 0.5},
		{Name: "two", Behavior: chaos.SlowClose{}},
	}
	if err := p.SetFaults(faults...); err != nil {
		t.Fatal(err)
	}
	was := must(t, s, 200, "GET", "/behavior", "")
	must(t, s, 200, "PUT", "/behavior", `{"name":"hang"}`)
	must(t, s, 200, "PUT", "/behavior", `{"name":"error","inject":true}`)
	must(t, s, 200, "PUT", "/behavior", `{"name":`+strings.TrimPrefix(was, `{"behavior":`))
	if got := p.Faults(); len(got) != 2 || got[0] != faults[0] || got[1] != faults[1] {
		t.Errorf("%s put back %+v", was, got)
	}
}

func TestAWrongOptionIsNamed(t *testing.T) {
	s, p := withProxy(t)
	for _, bad := range []string{`"x"`, `-1`, `1e99`, `[]`, `{}`, `true`} {
		answer := must(t, s, 400, "PUT", "/behavior", `{"name":"delay","sleep":`+bad+`}`)
		if !strings.Contains(answer, `"name":"sleep"`) || len(p.Faults()) != 0 {
			t.Errorf("sleep %s: %s, %v", bad, answer, p.Faults())
		}
	}
}

func TestWithoutAProxyVaurienHasNothingToSay(t *testing.T) {
	s := start(t, &control.Server{})
	must(t, s, 200, "GET", "/behaviors", "")
	for _, path := range []string{"/behavior", "/backend", "/proxies/x/behavior"} {
		if answer := must(t, s, 404, "GET", path, ""); !strings.Contains(answer, `"status":"error"`) {
			t.Errorf("%s: %s", path, answer)
		}
	}
}
