package control

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/heeler-go/heeler/chaos"
)

// A sample is a proxy's figures, and the labels that go with them.
type sample struct {
	name, listen, upstream string
	stats                  chaos.Stats
}

func (s *Server) samples() []sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []sample
	for _, e := range s.entries {
		all = append(all, sample{e.proxy.Name, e.proxy.Addr(), e.proxy.Target(), e.proxy.Stats()})
	}
	return all
}

// families are the metrics. That of bytes has toxiproxy's name and labels; what toxiproxy has received
// and what it has sent are two figures, and here there is one.
var families = []struct {
	name, kind, help string
	figures          func(sample) map[string]any // by their other labels
}{
	{"toxiproxy_proxy_sent_bytes_total", "counter", "Bytes that the backend (upstream) or its clients have got.",
		func(s sample) map[string]any {
			at := ",listener=" + label(s.listen) + ",upstream=" + label(s.upstream)
			return map[string]any{`,direction="upstream"` + at: s.stats.Up, `,direction="downstream"` + at: s.stats.Down}
		}},
	{"heeler_chaos_connections", "gauge", "Connections that stand.",
		func(s sample) map[string]any { return map[string]any{"": s.stats.Open} }},
	{"heeler_chaos_connections_total", "counter", "Connections that clients have made.",
		func(s sample) map[string]any { return map[string]any{"": s.stats.Total} }},
	{"heeler_chaos_dial_failures_total", "counter", "Connections whose backend could not be reached.",
		func(s sample) map[string]any { return map[string]any{"": s.stats.Failed} }},
	{"heeler_chaos_requests_total", "counter", "Requests that have begun, where the protocol has any.",
		func(s sample) map[string]any { return map[string]any{"": s.stats.Requests} }},
	{"heeler_chaos_struck_total", "counter", "Verdicts of each fault that is set.",
		func(s sample) map[string]any {
			all := map[string]any{}
			for fault, n := range s.stats.Struck {
				all[",fault="+label(fault)] = n
			}
			return all
		}},
}

// metrics writes the figures as Prometheus reads them, in its text format 0.0.4.
func (s *Server) metrics(w http.ResponseWriter, _ *http.Request) {
	samples := s.samples()
	var b strings.Builder
	for _, f := range families {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
		for _, sample := range samples {
			figures := f.figures(sample)
			for _, labels := range slices.Sorted(maps.Keys(figures)) {
				fmt.Fprintf(&b, "%s{proxy=%s%s} %d\n", f.name, label(sample.name), labels, figures[labels])
			}
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	w.Write([]byte(b.String()))
}

// escapes are those of a label's value.
var escapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

func label(value string) string { return `"` + escapes.Replace(value) + `"` }
