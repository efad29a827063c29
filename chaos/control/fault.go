package control

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/heeler-go/heeler/chaos"
)

// A Toxic is a fault as JSON has it: as a toxic of toxiproxy's, and its schedule.
type Toxic struct {
	Attributes json.RawMessage `json:"attributes"`
	Name       string          `json:"name"`
	Type       string          `json:"type"`              // the name of its behavior
	Stream     string          `json:"stream"`            // "upstream" or "downstream"
	Toxicity   float64         `json:"toxicity"`          // from 0 to 1
	Schedule   Schedule        `json:"schedule,omitzero"` // zero is always
}

// toxicInput is a toxic as a client wants it. What is not there has a default.
type toxicInput struct {
	Attributes json.RawMessage `json:"attributes"`
	Name       string          `json:"name"`
	Type       string          `json:"type"`
	Stream     string          `json:"stream"`
	Toxicity   *float64        `json:"toxicity"`
	Schedule   *Schedule       `json:"schedule"`
}

// toxicsOf shows faults.
func toxicsOf(faults []chaos.Fault) []Toxic {
	all := []Toxic{}
	for _, f := range faults {
		all = append(all, ToxicOf(f))
	}
	return all
}

// ToxicOf shows a fault.
func ToxicOf(f chaos.Fault) Toxic {
	t := Toxic{
		Attributes: encodeAttributes(f.Behavior), Name: f.Name, Type: f.Behavior.Name(),
		Stream: f.Direction.String(), Toxicity: f.Share, Schedule: Schedule(f.Schedule),
	}
	switch f.Share {
	case 0:
		t.Toxicity = 1
	case chaos.Never:
		t.Toxicity = 0
	}
	return t
}

// fault makes what a client wants of the behaviors that are known.
func (t toxicInput) fault(known []chaos.Behavior) (chaos.Fault, error) {
	direction, err := chaos.ParseDirection(t.Stream)
	if err != nil {
		return chaos.Fault{}, refusal(http.StatusBadRequest, "stream",
			"stream was invalid, can be either upstream or downstream")
	}
	behavior := chaos.ByName(known, t.Type)
	if t.Type == mixName {
		behavior = chaos.Mix{}
	}
	if behavior == nil {
		return chaos.Fault{}, refusal(http.StatusBadRequest, "type", "invalid toxic type %q, want one of %s",
			t.Type, strings.Join(names(known), ", "))
	}
	f := chaos.Fault{Name: t.Name, Behavior: behavior, Direction: direction}
	if err := t.change(&f, known); err != nil {
		return chaos.Fault{}, err
	}
	if f.Name == "" {
		f.Name = t.Type + "_" + direction.String()
	}
	return f, nil
}

// change makes a fault what a client wants, as far as that says anything.
func (t toxicInput) change(f *chaos.Fault, known []chaos.Behavior) error {
	if t.Toxicity != nil {
		if !(*t.Toxicity >= 0 && *t.Toxicity <= 1) {
			return refusal(http.StatusBadRequest, "toxicity", "toxicity is %v, want a number from 0 to 1", *t.Toxicity)
		}
		switch f.Share = *t.Toxicity; f.Share {
		case 0:
			f.Share = chaos.Never
		case 1:
			f.Share = 0 // which is all
		}
	}
	if t.Schedule != nil {
		f.Schedule = chaos.Schedule(*t.Schedule)
	}
	b, err := decodeAttributes(f.Behavior, t.Attributes, known)
	if err == nil {
		f.Behavior = b
		err = f.Validate()
	}
	if err != nil {
		return badFault(err)
	}
	return nil
}

// faults makes a list of faults, all of them or none.
func (s *Server) faults(toxics []toxicInput) ([]chaos.Fault, error) {
	var all []chaos.Fault
	for _, t := range toxics {
		f, err := t.fault(s.behaviors())
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(all, func(other chaos.Fault) bool { return other.Name == f.Name }) {
			return nil, exists("toxic")
		}
		all = append(all, f)
	}
	return all, nil
}

// setFaults sets faults, and says which attribute is wrong if one is.
func setFaults(p *chaos.Proxy, faults []chaos.Fault) error {
	if err := p.SetFaults(faults...); err != nil {
		return badFault(err)
	}
	return nil
}

// badFault says which attribute of a fault is wrong.
func badFault(err error) *Error {
	var refused *Error
	if errors.As(err, &refused) {
		return refused
	}
	e := refusal(http.StatusBadRequest, "", "bad request body: %v", err)
	var attribute *chaos.AttributeError
	if errors.As(err, &attribute) {
		e.Field = "attributes." + attribute.Attribute
	}
	return e
}

// names are those of behaviors, in order.
func names(known []chaos.Behavior) []string {
	var all []string
	for _, b := range known {
		all = append(all, b.Name())
	}
	slices.Sort(all)
	return all
}
