package control_test

import (
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/internal/echo"
)

func TestToxicsAsRecorded(t *testing.T) {
	s, _ := withProxy(t)
	for _, step := range []struct {
		method, path, body string
		status             int
		answer             string // empty: none
	}{
		{"POST", "", `{"name":"foobar","type":"latency","stream":"downstream","toxicity":1,"attributes":{"latency":100,"jitter":10}}`, 200,
			`{"attributes":{"latency":100,"jitter":10},"name":"foobar","type":"latency","stream":"downstream","toxicity":1}`},
		{"POST", "", `{"type":"latency","stream":"upstream","attributes":null}`, 200,
			`{"attributes":{"latency":0,"jitter":0},"name":"latency_upstream","type":"latency","stream":"upstream","toxicity":1}`},
		{"POST", "", `{"type":"bandwidth","toxicity":0.2,"attributes":{"rate":10}}`, 200,
			`{"attributes":{"rate":10},"name":"bandwidth_downstream","type":"bandwidth","stream":"downstream","toxicity":0.2}`},
		{"POST", "", `{"type":"slow_close","toxicity":0,"attributes":{"delay":1}}`, 200,
			`{"attributes":{"delay":1},"name":"slow_close_downstream","type":"slow_close","stream":"downstream","toxicity":0}`},
		{"POST", "", `{"type":"timeout"}`, 200,
			`{"attributes":{"timeout":0},"name":"timeout_downstream","type":"timeout","stream":"downstream","toxicity":1}`},
		{"POST", "", `{"type":"reset_peer"}`, 200,
			`{"attributes":{"timeout":0},"name":"reset_peer_downstream","type":"reset_peer","stream":"downstream","toxicity":1}`},
		{"POST", "", `{"type":"slicer","attributes":{"average_size":64,"size_variation":32,"delay":10}}`, 200,
			`{"attributes":{"average_size":64,"size_variation":32,"delay":10},"name":"slicer_downstream","type":"slicer","stream":"downstream","toxicity":1}`},
		{"POST", "", `{"type":"limit_data","attributes":{"bytes":1000}}`, 200,
			`{"attributes":{"bytes":1000},"name":"limit_data_downstream","type":"limit_data","stream":"downstream","toxicity":1}`},
		{"POST", "", `{"name":"nothing","type":"noop","stream":""}`, 200,
			`{"attributes":{},"name":"nothing","type":"noop","stream":"downstream","toxicity":1}`},
		{"DELETE", "/timeout_downstream", "", 204, ""},
		{"DELETE", "/reset_peer_downstream", "", 204, ""},
		{"PATCH", "/foobar", `{"toxicity":0.5,"attributes":{"latency":1000}}`, 200,
			`{"attributes":{"latency":1000,"jitter":10},"name":"foobar","type":"latency","stream":"downstream","toxicity":0.5}`},
		{"POST", "/foobar", `{"attributes":{"latency":500},"name":"ignored","type":"ignored","stream":"ignored"}`, 200,
			`{"attributes":{"latency":500,"jitter":10},"name":"foobar","type":"latency","stream":"downstream","toxicity":0.5}`},
		{"GET", "/foobar", ``, 200,
			`{"attributes":{"latency":500,"jitter":10},"name":"foobar","type":"latency","stream":"downstream","toxicity":0.5}`},
		{"PUT", "", `[{"type":"mix","attributes":{"chances":[{"percent":20,"type":"delay","attributes":{"sleep":3}}]}},
			{"type":"error","schedule":{"start":1000,"end":"1m30s"}}]`, 200,
			`[{"attributes":{"chances":[{"percent":20,"type":"delay","attributes":{"sleep":3,"before":true}}]},
			 "name":"mix_downstream","type":"mix","stream":"downstream","toxicity":1},
			 {"attributes":{"code":"","message":"","inject":false,"warmup":0},
			 "name":"error_downstream","type":"error","stream":"downstream","toxicity":1,"schedule":{"start":"1s","end":"1m30s"}}]`},
		{"PATCH", "/mix_downstream", `{"attributes":{"chances":[{"percent":10,"type":"hang"}]}}`, 200,
			`{"attributes":{"chances":[{"percent":10,"type":"hang","attributes":{}}]},
			 "name":"mix_downstream","type":"mix","stream":"downstream","toxicity":1}`},
		{"PATCH", "/mix_downstream", `{"toxicity":0.5}`, 200,
			`{"attributes":{"chances":[{"percent":10,"type":"hang","attributes":{}}]},
			 "name":"mix_downstream","type":"mix","stream":"downstream","toxicity":0.5}`},
		{"PUT", "", `[]`, 200, `[]`},
	} {
		status, answer := ask(t, s, step.method, "/proxies/db/toxics"+step.path, step.body)
		if same := answer == step.answer || step.answer != "" && sameJSON(t, answer, step.answer); status != step.status || !same {
			t.Errorf("%s %s %s: %d %s, want %d %s", step.method, step.path, step.body, status, answer, step.status, step.answer)
		}
	}
}

func TestAScheduleIsSet(t *testing.T) {
	s, p := withProxy(t)
	must(t, s, 200, "POST", "/proxies/db/toxics",
		`{"type":"delay","schedule":{"start":"1s","end":"2m","every":180000,"grow":"30s","shrink":"10s"}}`)
	want := chaos.Schedule{
		Start: time.Second, End: 2 * time.Minute, Every: 3 * time.Minute, Grow: 30 * time.Second, Shrink: 10 * time.Second,
	}
	if got := p.Faults()[0].Schedule; got != want {
		t.Errorf("the schedule is %+v, want %+v", got, want)
	}
	must(t, s, 200, "PATCH", "/proxies/db/toxics/delay_downstream", `{"attributes":{"sleep":2}}`)
	if got := p.Faults()[0].Schedule; got != want {
		t.Errorf("another sleep makes the schedule %+v", got)
	}
	must(t, s, 200, "PATCH", "/proxies/db/toxics/delay_downstream", `{"schedule":{}}`)
	if got := p.Faults()[0].Schedule; got != (chaos.Schedule{}) {
		t.Errorf("an empty schedule is %+v", got)
	}
}

// Nobody listens at a proxy some of whose faults are refused: it never comes to be.
func TestAProxyComesWithAllItsFaultsOrNotAtAll(t *testing.T) {
	s, _ := withProxy(t)
	listen := free(t)
	wish := func(toxics string) string {
		return `{"name":"two","listen":"` + listen + `","upstream":"` + echo.Start(t) + `","toxics":` + toxics + `}`
	}
	must(t, s, 400, "POST", "/proxies", wish(`[{"type":"latency"},{"type":"latency","attributes":{"latency":-1}}]`))
	must(t, s, 409, "POST", "/proxies", wish(`[{"type":"latency"},{"type":"latency"}]`))
	up(t, listen, false)
	must(t, s, 404, "GET", "/proxies/two", "")
	must(t, s, 201, "POST", "/proxies", wish(`[{"type":"latency"},{"type":"blackout"}]`))
	up(t, listen, false)
	must(t, s, 204, "DELETE", "/proxies/two/toxics/blackout_downstream", "")
	up(t, listen, true)
}
