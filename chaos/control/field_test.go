package control_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/control"
)

func TestTheWrongFieldIsNamed(t *testing.T) {
	s, _ := withProxy(t)
	toxics := "/proxies/db/toxics"
	mix := func(chances string) string { return `{"type":"mix","attributes":{"chances":` + chances + `}}` }
	for _, c := range []struct{ method, path, body, field string }{
		{"POST", "/proxies", `{"name":"a","upstream":"foo"}`, "upstream"},
		{"POST", "/proxies", `{"name":"a","upstream":"a:1","listen":"127.0.0.1:99999"}`, "listen"},
		{"POST", "/proxies", `{"name":"a","upstream":"a:1","toxics":[{"type":"hang"},{"type":"x"}]}`, "toxics[1].type"},
		{"POST", "/proxies", `{"name":"a","upstream":"a:1","toxics":[{"type":"latency","attributes":{"jitter":-1}}]}`, "toxics[0].attributes.jitter"},
		{"POST", "/proxies", `{"name":"a","upstream":"a:1","toxics":[{"type":"hang","schedule":{"end":"x"}}]}`, "toxics[0].schedule.end"},
		{"POST", "/proxies", `{"name":"a","upstream":"a:1","seed":-1}`, "seed"},
		{"PATCH", "/proxies/db", `{"upstream":"foo"}`, "upstream"},
		{"PATCH", "/proxies/db", `{"listen":"foo"}`, "listen"},
		{"PATCH", "/proxies/db", `{"protocol":"mysql"}`, "protocol"},
		{"PATCH", "/proxies/db", `{"seed":77}`, "seed"},
		{"POST", "/populate", `[{"name":"a","upstream":"foo"}]`, "upstream"},
		{"POST", "/populate", `[{"name":"db","upstream":"a:1","protocol":"http"}]`, "protocol"},
		{"PUT", toxics, `[{"type":"latency"},{"type":"nope"}]`, "toxics[1].type"},
		{"POST", toxics, `{"type":"latency","schedule":{"start":"2s","end":"1s"}}`, "schedule.end"},
		{"POST", toxics, `{"type":"latency","schedule":{"grow":-1}}`, "schedule.grow"},
		{"POST", toxics, `{"type":"error","attributes":{"code":"x"}}`, "attributes.code"},
		{"POST", toxics, `{"type":"latency","toxicity":"1"}`, "toxicity"},
		{"POST", toxics, mix(`[{"percent":60,"type":"delay"},{"percent":60,"type":"error"}]`), "attributes.chances"},
		{"POST", toxics, mix(`[{"percent":160,"type":"delay"}]`), "attributes.chances[0].percent"},
		{"POST", toxics, mix(`[{"percent":"1","type":"delay"}]`), "attributes.chances[0].percent"},
		{"POST", toxics, mix(`[{"percent":1,"type":"delay","attributes":{"sleep":"x"}}]`), "attributes.chances[0].attributes.sleep"},
		{"POST", toxics, mix(`[{"percent":1,"type":"delay","attributes":{"sleep":-1}}]`), "attributes.chances[0].attributes.sleep"},
		{"POST", toxics, mix(`[{"percent":1,"type":"error","attributes":{"code":"x"}}]`), "attributes.chances[0].attributes.code"},
		{"POST", toxics, mix(`[{"percent":1,"type":"delay","sleep":1}]`), "attributes.chances[0].sleep"},
		{"POST", toxics, mix(`[{"percent":1,"type":"x"}]`), "attributes.chances[0].type"},
		{"POST", toxics, mix(`"x"`), "attributes.chances"},
		{"POST", toxics, `{"type":"mix","attributes":{"foo":"x"}}`, "attributes.foo"},
	} {
		answer := must(t, s, 400, c.method, c.path, c.body)
		var e struct{ Error, Field string }
		if json.Unmarshal([]byte(answer), &e); e.Field != c.field {
			t.Errorf("%s %s %s: %s, want the field %q", c.method, c.path, c.body, answer, c.field)
		}
		for _, goName := range []string{"Proxy.", "Schedule", "Backend", "toxicInput", "wish", "Code"} {
			if strings.Contains(e.Error, goName) {
				t.Errorf("%s %s %s: %s, which has Go's name %s", c.method, c.path, c.body, answer, goName)
			}
		}
	}
}

func TestAProxyHasOnlySoManyToxics(t *testing.T) {
	s, p := withProxy(t)
	list := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`{"type":"noop","name":"t%d"}`, i))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	must(t, s, 200, "PUT", "/proxies/db/toxics", list(control.MaxToxics))
	must(t, s, 400, "POST", "/proxies/db/toxics", `{"type":"hang"}`)
	must(t, s, 400, "PUT", "/proxies/db/toxics", list(control.MaxToxics+1))
	must(t, s, 400, "POST", "/proxies", `{"name":"x","upstream":"a:1","toxics":`+list(control.MaxToxics+1)+`}`)
	if n := len(p.Faults()); n != control.MaxToxics {
		t.Errorf("there are %d", n)
	}
	must(t, s, 400, "POST", "/proxies/db/toxics", strings.Repeat(`{"type":"mix","attributes":{"chances":[{"percent":1,`, 1)+
		strings.Repeat(`"type":"mix","attributes":{"chances":[{"percent":1,`, 9)+`"type":"hang"}]}`+strings.Repeat(`}]}`, 9)+`}`)
}

// As Toxiproxy.Net writes them.
func TestNamesInAnyCase(t *testing.T) {
	s, _ := withProxy(t)
	for _, c := range []struct{ body, answer string }{
		{`{"Name":"a","Type":"latency","Stream":"UpStream","Toxicity":1.0,"Attributes":{"Latency":5,"Jitter":1}}`,
			`{"attributes":{"latency":5,"jitter":1},"name":"a","type":"latency","stream":"upstream","toxicity":1}`},
		{`{"name":"b","type":"latency","attributes":{"Latency":5,"latency":7,"LATENCY":6}}`,
			`{"attributes":{"latency":7,"jitter":0},"name":"b","type":"latency","stream":"downstream","toxicity":1}`},
	} {
		if got := must(t, s, 200, "POST", "/proxies/db/toxics", c.body); !sameJSON(t, got, c.answer) {
			t.Errorf("%s: %s, want %s", c.body, got, c.answer)
		}
	}
}
