package control

import (
	"net/http"
	"slices"

	"github.com/heeler-go/heeler/chaos"
)

// toxic finds the fault of the path. The lock is held.
func (s *Server) toxic(r *http.Request) (e *entry, faults []chaos.Fault, i int, err error) {
	if e, err = s.named(r); err != nil {
		return nil, nil, 0, err
	}
	faults = e.proxy.Faults()
	i = slices.IndexFunc(faults, func(f chaos.Fault) bool { return f.Name == r.PathValue("toxic") })
	if i < 0 {
		return nil, nil, 0, notFound("toxic")
	}
	return e, faults, i, nil
}

func (s *Server) listToxics(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.named(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, toxicsOf(e.proxy.Faults()), nil
}

func (s *Server) addToxic(r *http.Request) (int, any, error) {
	var t toxicInput
	if err := readJSON(r, &t); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.named(r)
	if err != nil {
		return 0, nil, err
	}
	f, err := t.fault(s.behaviors())
	if err != nil {
		return 0, nil, err
	}
	faults := e.proxy.Faults()
	if slices.ContainsFunc(faults, func(other chaos.Fault) bool { return other.Name == f.Name }) {
		return 0, nil, exists("toxic")
	}
	if err := setFaults(e.proxy, append(faults, f)); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, ToxicOf(f), nil
}

// setToxics sets all toxics of a proxy at once, or none. Toxiproxy has no such route.
func (s *Server) setToxics(r *http.Request) (int, any, error) {
	var toxics []toxicInput
	if err := readJSON(r, &toxics); err != nil {
		return 0, nil, err
	}
	faults, err := s.faults(toxics)
	if err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, err := s.named(r)
	if err != nil {
		return 0, nil, err
	}
	if err := setFaults(e.proxy, faults); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, toxicsOf(e.proxy.Faults()), nil
}

func (s *Server) showToxic(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, faults, i, err := s.toxic(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, ToxicOf(faults[i]), nil
}

// updateToxic changes those attributes that are given, and leaves the others. Its name, type and stream
// stay what they are.
func (s *Server) updateToxic(r *http.Request) (int, any, error) {
	var t toxicInput
	if err := readJSON(r, &t); err != nil {
		return 0, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, faults, i, err := s.toxic(r)
	if err != nil {
		return 0, nil, err
	}
	if err := t.change(&faults[i], s.behaviors()); err != nil {
		return 0, nil, err
	}
	if err := setFaults(e.proxy, faults); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, ToxicOf(faults[i]), nil
}

func (s *Server) deleteToxic(r *http.Request) (int, any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, faults, i, err := s.toxic(r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, e.proxy.SetFaults(slices.Delete(faults, i, i+1)...)
}
