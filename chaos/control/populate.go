package control

import (
	"cmp"
	"context"
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
// has none for it. One that is to listen or to connect elsewhere is moved, and has the toxics of the list
// and no others; its connections end only if its upstream is another one. Its protocol and seed cannot
// change: delete it first. If anything fails, all is as it was before, and no connection has ended.
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
	if err := readJSON(data, &wishes); err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	for i := range wishes {
		w, where := &wishes[i], fmt.Sprintf(" at proxy %d", i+1)
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
	var changes []*change
	for i, w := range wishes {
		c, err := s.plan(w)
		if err != nil {
			e := asError(err)
			return nil, refusal(e.Status, e.Field, "%s (proxy %d, %q)", e.Message, i+1, w.Name)
		}
		changes = append(changes, c)
	}
	if err := s.apply(changes); err != nil {
		return nil, err
	}
	all := []Proxy{}
	for _, c := range changes {
		if c.created {
			s.entries = append(s.entries, c.entry)
		}
		all = append(all, c.entry.json())
	}
	return all, nil
}

// A change is what a wish makes of a proxy.
type change struct {
	entry     *entry
	created   bool // it is a new one
	on        bool
	listen    string        // empty: where it does
	upstream  string        // empty: where it is
	setFaults bool          // to these:
	faults    []chaos.Fault // all good
}

// plan finds out what has to change for the proxy of that name. Nothing does yet.
func (s *Server) plan(w wish) (*change, error) {
	e, err := s.find(w.Name)
	if err != nil {
		e, err := s.build(w)
		return &change{entry: e, created: true, on: w.on()}, err
	}
	c, err := w.change(e)
	if err != nil {
		return nil, err
	}
	c.on = w.on()
	c.setFaults = len(w.Toxics) > 0 || c.listen != "" || c.upstream != ""
	c.faults, err = s.faults(w.Toxics, e.proxy.Protocol)
	return c, err
}

// change finds out where a proxy is to be moved.
func (w *wish) change(e *entry) (*change, error) {
	if err := w.checkFixed(e); err != nil {
		return nil, err
	}
	c := &change{entry: e, on: e.proxy.Running()}
	if w.elsewhere(e.proxy) {
		c.listen = w.Listen
	}
	if w.Upstream != e.proxy.Target() {
		c.upstream = w.Upstream
	}
	return c, nil
}

// apply makes changes, or none of them. What ends connections comes last: it cannot be taken back.
func (s *Server) apply(changes []*change) error {
	var undo []func()
	for _, step := range []func(*change) (back func(), err error){s.move, s.begin, s.setAll, s.finish} {
		for _, c := range changes {
			back, err := step(c)
			undo = append(undo, back)
			if err == nil {
				continue
			}
			for _, back := range slices.Backward(undo) {
				back()
			}
			return err
		}
	}
	return nil
}

// move lets a proxy listen elsewhere.
func (s *Server) move(c *change) (back func(), err error) {
	if c.listen == "" {
		return func() {}, nil
	}
	from := cmp.Or(c.entry.proxy.Addr(), "127.0.0.1:0")
	return func() { s.moveListener(c.entry, from) }, s.moveListener(c.entry, c.listen)
}

// begin starts a proxy that does not listen yet. Before that it gets its backend and its faults.
func (s *Server) begin(c *change) (back func(), err error) {
	p := c.entry.proxy
	if !c.on || p.Running() {
		return func() {}, nil
	}
	before, target := p.Faults(), p.Target()
	back = func() { p.Close(); p.SetFaults(before...); p.SetBackend(target) }
	if c.upstream != "" {
		if err := p.SetBackend(c.upstream); err != nil {
			return back, err
		}
		c.upstream = ""
	}
	if _, err := s.setAll(c); err != nil {
		return back, err
	}
	c.setFaults = false
	return back, s.enable(c.entry, true)
}

// setAll sets the faults.
func (s *Server) setAll(c *change) (back func(), err error) {
	if !c.setFaults {
		return func() {}, nil
	}
	before := c.entry.proxy.Faults()
	return func() { c.entry.proxy.SetFaults(before...) }, setFaults(c.entry.proxy, c.faults)
}

// finish ends connections: all, or those to a backend that the proxy is to have no longer.
func (s *Server) finish(c *change) (back func(), err error) {
	p, target := c.entry.proxy, c.entry.proxy.Target()
	if !c.on {
		p.Close()
	}
	if c.upstream != "" {
		err = s.moveBackend(c.entry, c.upstream)
	}
	return func() { p.SetBackend(target); s.enable(c.entry, c.on) }, err
}
