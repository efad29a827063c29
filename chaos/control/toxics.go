package control

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/heeler-go/heeler/chaos"
)

// faultAt finds the fault of the path.
func faultAt(e *entry, r *http.Request) (faults []chaos.Fault, i int, err error) {
	faults = e.proxy.Faults()
	i = slices.IndexFunc(faults, func(f chaos.Fault) bool { return f.Name == r.PathValue("toxic") })
	if i < 0 {
		return nil, 0, notFound("toxic")
	}
	return faults, i, nil
}

func (s *Server) listToxics(e *entry, _ *http.Request, _ []byte) (int, any, error) {
	return http.StatusOK, toxicsOf(e.proxy.Faults()), nil
}

func (s *Server) addToxic(e *entry, _ *http.Request, body []byte) (int, any, error) {
	var t toxicInput
	if err := readJSON(body, &t); err != nil {
		return 0, nil, err
	}
	f, err := t.fault(s.behaviors(), e.proxy.Protocol)
	if err != nil {
		return 0, nil, err
	}
	faults := e.proxy.Faults()
	if len(faults) >= MaxToxics {
		return 0, nil, tooMany("")
	}
	if slices.ContainsFunc(faults, func(other chaos.Fault) bool { return other.Name == f.Name }) {
		return 0, nil, exists("toxic")
	}
	if err := setFaults(e.proxy, append(faults, f)); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, ToxicOf(f), nil
}

// setToxics sets all toxics of a proxy at once, or none. Toxiproxy has no such route.
func (s *Server) setToxics(e *entry, _ *http.Request, body []byte) (int, any, error) {
	var toxics []json.RawMessage
	if err := readJSON(body, &toxics); err != nil {
		return 0, nil, err
	}
	faults, err := s.faults(toxics, e.proxy.Protocol)
	if err != nil {
		return 0, nil, err
	}
	if err := setFaults(e.proxy, faults); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, toxicsOf(e.proxy.Faults()), nil
}

func (s *Server) showToxic(e *entry, r *http.Request, _ []byte) (int, any, error) {
	faults, i, err := faultAt(e, r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusOK, ToxicOf(faults[i]), nil
}

// updateToxic changes those attributes that are given, and leaves the others. Its name, type and stream
// stay what they are.
func (s *Server) updateToxic(e *entry, r *http.Request, body []byte) (int, any, error) {
	faults, i, err := faultAt(e, r)
	if err != nil {
		return 0, nil, err
	}
	var t toxicInput
	if err := readJSON(body, &t); err != nil {
		return 0, nil, err
	}
	if err := t.change(&faults[i], s.behaviors(), e.proxy.Protocol); err != nil {
		return 0, nil, err
	}
	if err := setFaults(e.proxy, faults); err != nil {
		return 0, nil, err
	}
	return http.StatusOK, ToxicOf(faults[i]), nil
}

func (s *Server) deleteToxic(e *entry, r *http.Request, _ []byte) (int, any, error) {
	faults, i, err := faultAt(e, r)
	if err != nil {
		return 0, nil, err
	}
	return http.StatusNoContent, nil, setFaults(e.proxy, slices.Delete(faults, i, i+1))
}
