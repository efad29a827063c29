package control_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
)

// tell puts a request to a server with one proxy that is not started, and gives the answer, which must be
// JSON.
func tell(t *testing.T, s *control.Server, method, path string, body []byte) (status int, answer map[string]any) {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(string(body)))
	r.Host = "localhost"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil && w.Code != 200 || w.Code >= 500 {
		t.Fatalf("%s %s %q: %d %q", method, path, body, w.Code, w.Body)
	}
	return w.Code, answer
}

// Whatever is sent to Vaurien's API is refused with a reason, or can be read back and sent again.
func FuzzVaurien(f *testing.F) {
	for _, seed := range []string{`{"name":"delay","sleep":3}`, `{"name":"20:delay,5:error","warmup":2}`, `{"name":"dummy"}`,
		`{"name":"error","inject":true,"code":"503"}`, `{"name":"transient","agitate":1e3}`, `{"name":null}`, `[]`,
		`{"name":"limit_connections","max":"1"}`, `{"name":"0:hang"}`, `{"backend":"127.0.0.1:1"}`, `{"backend":"unix:/x"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := &chaos.Proxy{Name: "db", Backend: "127.0.0.1:1", Seed: 1}
		s := &control.Server{Proxies: []*chaos.Proxy{p}}
		defer s.Close()
		tell(t, s, "PUT", "/backend", body)
		if status, answer := tell(t, s, "PUT", "/behavior", body); status != 200 {
			if errs, ok := answer["errors"].([]any); status != 413 && status != 400 || !ok || len(errs) != 1 {
				t.Fatalf("%q: %d %v", body, status, answer)
			}
			return
		}
		_, is := tell(t, s, "GET", "/behavior", nil)
		before, _ := json.Marshal(toxicsOf(p))
		again, _ := json.Marshal(map[string]any{"name": is["behavior"]})
		if status, answer := tell(t, s, "PUT", "/behavior", again); status != 200 {
			t.Fatalf("%q made %v, which is refused: %v", body, is, answer)
		}
		if after, _ := json.Marshal(toxicsOf(p)); string(after) != string(before) {
			t.Fatalf("%q made %s, which is put back as %s", body, before, after)
		}
	})
}

func toxicsOf(p *chaos.Proxy) (all []control.Toxic) {
	for _, fault := range p.Faults() {
		all = append(all, control.ToxicOf(fault))
	}
	return all
}

// Whatever is sent to toxiproxy's API is refused with a reason, or what it made can be sent again and
// makes the same.
func FuzzToxiproxy(f *testing.F) {
	for _, seed := range []string{
		`{"type":"latency","attributes":{"latency":100,"jitter":1.5},"toxicity":0.5}`,
		`{"type":"slicer","stream":"upstream","attributes":{"average_size":64,"delay":10}}`,
		`{"type":"mix","attributes":{"chances":[{"percent":20,"type":"error","attributes":{"code":"x"}}]}}`,
		`{"type":"delay","schedule":{"start":1,"end":"1m","every":1e6,"grow":"1s","shrink":0.5}}`,
		`{"type":"bandwidth","attributes":{"rate":1e300}}`, `null`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		p := &chaos.Proxy{Name: "db", Backend: "127.0.0.1:1", Seed: 1}
		s := &control.Server{Proxies: []*chaos.Proxy{p}}
		defer s.Close()
		tell(t, s, "PUT", "/proxies/db/toxics", body)
		tell(t, s, "PUT", "/proxies/db/toxics", []byte("[]"))
		status, made := tell(t, s, "POST", "/proxies/db/toxics", body)
		if status != 200 {
			if message, ok := made["error"].(string); !ok || message == "" || made["status"] != float64(status) {
				t.Fatalf("%q: %d %v", body, status, made)
			}
			return
		}
		tell(t, s, "PATCH", "/proxies/db/toxics/x", body)
		before, _ := json.Marshal(toxicsOf(p))
		if status, answer := tell(t, s, "PUT", "/proxies/db/toxics", before); status != 200 && len(answer) > 0 {
			t.Fatalf("%q made %s, which is refused: %v", body, before, answer)
		}
		if after, _ := json.Marshal(toxicsOf(p)); string(after) != string(before) {
			t.Fatalf("%q made %s, and then %s", body, before, after)
		}
	})
}

// A list of proxies is refused with a reason and without a trace, or what it made can be sent again and
// makes the same. Nothing listens, and no name is looked up.
func FuzzPopulate(f *testing.F) {
	for _, seed := range []string{
		`[{"name":"x","upstream":"127.0.0.1:1","toxics":[{"type":"noop"}],"seed":3,"protocol":"redis"}]`,
		`[{"name":"x","upstream":"127.0.0.1:1"},{"name":"y","upstream":"unix:/y","toxics":null}]`,
		`[{"name":"x","upstream":"127.0.0.1:1"},{"name":"x","upstream":":1"}]`, `[{"name":"x"},null,{}]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var list []map[string]any
		if json.Unmarshal(body, &list) != nil {
			return
		}
		for _, p := range list {
			for key := range p {
				if strings.EqualFold(key, "listen") || strings.EqualFold(key, "enabled") {
					delete(p, key)
				}
			}
			if p != nil {
				p["enabled"] = false
			}
		}
		body, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		s := &control.Server{}
		defer s.Close()
		status, made := tell(t, s, "POST", "/populate", body)
		_, all := tell(t, s, "GET", "/proxies", nil)
		if message, _ := made["error"].(string); status != 201 && (message == "" || len(all) != 0) {
			t.Fatalf("%q: %d %v, and %v", body, status, made, all)
		}
		if status != 201 {
			return
		}
		again, _ := json.Marshal(made["proxies"])
		if status, answer := tell(t, s, "POST", "/populate", again); status != 201 {
			t.Fatalf("%q made %s, which is refused: %v", body, again, answer)
		}
	})
}
