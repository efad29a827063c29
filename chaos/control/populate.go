package control

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/heeler-go/heeler/chaos"
)

// populate answers with the proxies, also where an error is told beside them.
func (s *Server) populate(w http.ResponseWriter, r *http.Request) {
	answer := struct {
		*Error
		Proxies []Proxy `json:"proxies"`
	}{Proxies: []Proxy{}}
	status := http.StatusCreated
	data, err := readBody(r)
	if err == nil {
		answer.Proxies, err = s.load(r.Context(), data)
	}
	if err != nil {
		answer.Error, answer.Proxies = asError(err), []Proxy{}
		status = answer.Status
	}
	writeJSON(w, status, answer)
}

// Load makes the proxies of a file of toxiproxy's, a list as POST /populate takes it, with their toxics:
//
//	[{"name": "mysql", "listen": "127.0.0.1:3307", "upstream": "127.0.0.1:3306", "protocol": "mysql",
//	  "toxics": [{"type": "error", "toxicity": 0.2}]}]
//
// A proxy that is there already and the same stays, with its connections, and with its toxics if the list
// has none for it; one that differs is replaced. If anything fails, all is as it was before.
func (s *Server) Load(ctx context.Context, data []byte) error {
	s.init()
	if s.bad != nil {
		return s.bad
	}
	_, err := s.load(ctx, data)
	return err
}

func (s *Server) load(ctx context.Context, data []byte) ([]Proxy, error) {
	var wishes []wish
	if err := json.Unmarshal(data, &wishes); err != nil {
		return nil, badBody(err)
	}
	seen := map[string]bool{}
	for i, w := range wishes {
		where := fmt.Sprintf(" at proxy %d", i+1)
		if err := w.check(ctx, where); err != nil {
			return nil, err
		}
		if seen[w.Name] {
			return nil, refusal(http.StatusBadRequest, "name", "name%s is %q again, want one of its own", where, w.Name)
		}
		seen[w.Name] = true
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	var next []*entry
	for i, w := range wishes {
		e, err := s.keepOrBuild(w)
		if err != nil {
			e := asError(err)
			return nil, refusal(e.Status, e.Field, "%s (proxy %d, %q)", e.Message, i+1, w.Name)
		}
		next = append(next, e)
	}
	if err := s.change(wishes, next); err != nil {
		return nil, err
	}
	all := []Proxy{}
	for _, e := range next {
		all = append(all, e.json())
	}
	return all, nil
}

// keepOrBuild gives the proxy that is there already, if it is as one wants it, or else a new one.
func (s *Server) keepOrBuild(w wish) (*entry, error) {
	e, err := s.find(w.Name)
	if err != nil || elsewhere(e.proxy, w.Listen) || w.Upstream != e.upstream ||
		w.Protocol != "" && w.Protocol != e.json().Protocol || w.Seed != 0 && w.Seed != e.proxy.Stats().Seed {
		return s.build(w)
	}
	_, err = s.faults(w.Toxics)
	return e, err
}

// change puts proxies into the place of those with the same names, and goes back all the way if that
// fails.
func (s *Server) change(wishes []wish, next []*entry) (err error) {
	var undo []func()
	defer func() {
		if err != nil {
			for _, back := range slices.Backward(undo) {
				back()
			}
		}
	}()
	entries := slices.Clone(s.entries)
	for _, e := range next { // first of all, what is replaced gives its address free
		i := slices.IndexFunc(entries, func(old *entry) bool { return old.proxy.Name == e.proxy.Name })
		if i < 0 {
			entries = append(entries, e)
			continue
		}
		old := entries[i]
		if old == e {
			continue
		}
		was := old.proxy.Running()
		undo = append(undo, func() { s.enable(old, was) })
		if err := s.enable(old, false); err != nil {
			return err
		}
		entries[i] = e
	}
	for i, e := range next {
		was, before := e.proxy.Running(), e.proxy.Faults()
		undo = append(undo, func() { s.enable(e, was); e.proxy.SetFaults(before...) })
		if err := s.rewish(e, wishes[i]); err != nil {
			return err
		}
	}
	s.entries = entries
	return nil
}

// rewish gives a proxy its faults, if there are any to be set, and lets it listen, or not.
func (s *Server) rewish(e *entry, w wish) error {
	if len(w.Toxics) > 0 {
		var faults []chaos.Fault
		faults, err := s.faults(w.Toxics)
		if err != nil {
			return err
		}
		if err := setFaults(e.proxy, faults); err != nil {
			return err
		}
	}
	return s.enable(e, w.on())
}
