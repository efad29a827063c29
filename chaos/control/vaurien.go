package control

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/heeler-go/heeler/chaos"
)

// vaurienBehaviors are those that Vaurien 2.0 lists. Others can be set all the same.
var vaurienBehaviors = [...]string{"abort", "blackout", "delay", "dummy", "error", "hang", "transient"}

// vaurien serves an endpoint whose errors have Vaurien's form.
func vaurien(answer endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		status, body, err := answer(r)
		if err != nil {
			e := asError(err)
			status, body = e.Status, vaurienErrors{"error", []vaurienError{{"body", e.Field, e.Message}}}
		}
		writeJSON(w, status, body)
	}
}

type vaurienErrors struct {
	Status string         `json:"status"`
	Errors []vaurienError `json:"errors"`
}

type vaurienError struct {
	Location    string `json:"location"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

func (s *Server) listBehaviors(*http.Request) (int, any, error) {
	return http.StatusOK, map[string]any{"behaviors": vaurienBehaviors}, nil
}

func (s *Server) showBehavior(e *entry, _ *http.Request, _ []byte) (int, any, error) {
	return http.StatusOK, map[string]string{"behavior": behaviorOf(e.proxy.Faults())}, nil
}

// behaviorOf is what Vaurien's API calls faults: "delay", "20:delay,5:error".
func behaviorOf(faults []chaos.Fault) string {
	var all []string
	for _, f := range faults {
		name := f.Behavior.Name()
		if mix, ok := f.Behavior.(chaos.Mix); ok {
			name = mix.String()
		}
		switch f.Share {
		case 0, 1:
		case chaos.Never:
			name = "0:" + name
		default:
			name = strconv.FormatFloat(f.Share*100, 'g', 6, 64) + ":" + name
		}
		all = append(all, name)
	}
	if len(all) == 0 {
		return "dummy"
	}
	return strings.Join(all, ",")
}

// setBehavior makes a behavior all that the proxy does. Options that are not given are what they were
// when it was last set; those that a behavior does not have are passed over, as Vaurien does.
func (s *Server) setBehavior(e *entry, _ *http.Request, options []byte) (int, any, error) {
	name, err := vaurienValue(options, "name")
	if err != nil {
		return 0, nil, err
	}
	now := e.proxy.Faults()
	e.remember(now)
	faults, ok := e.before[name]
	if !ok {
		if faults, err = s.parseBehavior(name); err != nil {
			return 0, nil, err
		}
	}
	faults = slices.Clone(faults)
	for i := range faults {
		if faults[i].Behavior, err = withOptions(faults[i].Behavior, options); err != nil {
			return 0, nil, badOption(err)
		}
		if err := checkBehavior(faults[i].Behavior, "", e.proxy.Protocol); err != nil {
			err.Field = err.Field[strings.LastIndex(err.Field, ".")+1:] // one option is for all of a mix
			return 0, nil, err
		}
	}
	if err := setFaults(e.proxy, faults); err != nil {
		return 0, nil, err
	}
	e.remember(e.proxy.Faults())
	return http.StatusOK, map[string]string{"status": "ok"}, nil
}

// mostBefore bounds how many behaviors are remembered for one proxy.
const mostBefore = 64

// remember keeps faults, so that a client that puts back the behavior it found puts back all of it.
func (e *entry) remember(faults []chaos.Fault) {
	if e.before == nil || len(e.before) >= mostBefore {
		e.before = map[string][]chaos.Fault{}
	}
	e.before[behaviorOf(faults)] = faults
}

// vaurienValue reads one string of a JSON object.
func vaurienValue(object []byte, key string) (value string, err error) {
	var all map[string]json.RawMessage
	if json.Unmarshal(object, &all) != nil || all == nil {
		return "", refusal(http.StatusBadRequest, "", "the value is not a valid json object")
	}
	if json.Unmarshal(all[key], &value) != nil || value == "" {
		return "", refusal(http.StatusBadRequest, key, "the value should contain a %q key", key)
	}
	return value, nil
}

// parseBehavior reads "delay", and "20:delay,5:error": percentages, the rest being dummy.
func (s *Server) parseBehavior(name string) ([]chaos.Fault, error) {
	if name == "dummy" {
		return nil, nil
	}
	if strings.Contains(name, ":") {
		mix, err := chaos.ParsePercents(name, s.behaviors())
		if err != nil {
			return nil, refusal(http.StatusBadRequest, "name", "%v", err)
		}
		return []chaos.Fault{{Behavior: mix}}, nil
	}
	b := chaos.ByName(s.behaviors(), name)
	if b == nil {
		return nil, refusal(http.StatusBadRequest, "name", "the '%s' behavior does not exist", name)
	}
	return []chaos.Fault{{Behavior: b}}, nil
}

// withOptions gives a behavior, or those of a mix, the options that they have.
func withOptions(b chaos.Behavior, options []byte) (chaos.Behavior, error) {
	mix, ok := b.(chaos.Mix)
	if !ok {
		return chaos.DecodeAttributes(b, options, false)
	}
	mix = slices.Clone(mix)
	for i := range mix {
		with, err := chaos.DecodeAttributes(mix[i].Behavior, options, false)
		if err != nil {
			return nil, err
		}
		mix[i].Behavior = with
	}
	return mix, nil
}

// badOption says which option is wrong.
func badOption(err error) *Error {
	e := refusal(http.StatusBadRequest, "", "%v", err)
	var attribute *chaos.AttributeError
	if errors.As(err, &attribute) {
		e.Field = attribute.Attribute
	}
	return e
}

func (s *Server) showBackend(e *entry, _ *http.Request, _ []byte) (int, any, error) {
	return http.StatusOK, map[string]string{"backend": e.proxy.Target()}, nil
}

// setBackend makes new connections go to another backend. Those that stand stay, unlike with toxiproxy.
func (s *Server) setBackend(e *entry, _ *http.Request, body []byte) (int, any, error) {
	backend, err := vaurienValue(body, "backend")
	if err != nil {
		return 0, nil, err
	}
	if err := e.proxy.SetBackend(backend); err != nil {
		return 0, nil, refusal(http.StatusBadRequest, "backend", "the backend is %q, want host:port or unix:/path", backend)
	}
	return http.StatusOK, map[string]string{"status": "ok"}, nil
}
