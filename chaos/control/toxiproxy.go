package control

import (
	"errors"
	"net/http"
	"runtime/debug"
	"slices"
)

// toxiproxyVersion is the version of toxiproxy whose API the server speaks.
const toxiproxyVersion = "2.12.0"

func (s *Server) version(*http.Request) (int, any, error) {
	ours := "(devel)"
	if info, ok := debug.ReadBuildInfo(); ok {
		ours = info.Main.Version
		for _, dep := range info.Deps {
			if dep.Path == "github.com/heeler-go/heeler" {
				ours = dep.Version
			}
		}
	}
	return http.StatusOK, map[string]string{"version": toxiproxyVersion, "heeler": ours}, nil
}

func (s *Server) listProxies(*http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]Proxy{}
	for _, e := range s.entries {
		all[e.proxy.Name] = e.json()
	}
	return http.StatusOK, all, nil
}

func (s *Server) showProxy(e *entry, _ *http.Request, _ []byte) (int, any, error) {
	return http.StatusOK, e.json(), nil
}

// createProxy makes a proxy, which listens only once all its faults are set.
func (s *Server) createProxy(r *http.Request) (int, any, error) {
	w, err := readWish(r)
	if err == nil {
		err = w.check(r.Context(), "")
	}
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.find(w.Name); err == nil {
		return 0, nil, exists("proxy")
	}
	e, err := s.build(w)
	if err != nil {
		return 0, nil, err
	}
	if err := s.enable(e, w.on()); err != nil {
		return 0, nil, err
	}
	s.entries = append(s.entries, e)
	return http.StatusCreated, e.json(), nil
}

// updateProxy changes where a proxy listens and connects, and whether it listens. Only a change of the
// upstream ends connections; toxiproxy ends them for another listener, too. It takes no toxics:
// toxiproxy's clients send those that they knew of when they last asked.
func (s *Server) updateProxy(r *http.Request) (int, any, error) {
	w, err := readWish(r)
	if err == nil {
		err = w.checkAddresses(r.Context(), "")
	}
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.addressed(r)
	if err != nil {
		return 0, nil, err
	}
	if w.Upstream == "" {
		w.Upstream = e.proxy.Target()
	}
	c, err := w.change(e)
	if err != nil {
		return 0, nil, err
	}
	if w.Enabled != nil {
		c.on = *w.Enabled
	}
	if err := s.apply([]*change{c}); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, e.json(), nil
}

func (s *Server) deleteProxy(e *entry, _ *http.Request, _ []byte) (int, any, error) {
	if err := e.proxy.Close(); err != nil {
		return 0, nil, err
	}
	close(e.deleted)
	s.entries = slices.DeleteFunc(s.entries, func(other *entry) bool { return other == e })
	return http.StatusNoContent, nil, nil
}

// reset makes all proxies listen, without any fault. One that cannot does not keep the others from it.
func (s *Server) reset(*http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, e := range s.entries {
		err = errors.Join(err, e.proxy.SetFaults(), s.enable(e, true))
	}
	return http.StatusNoContent, nil, err
}
