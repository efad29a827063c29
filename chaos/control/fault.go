package control

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// MaxToxics is how many faults a client can give one proxy: each of them is asked about everything.
const MaxToxics = 256

func tooMany(field string) *Error {
	return refusal(http.StatusBadRequest, field, "a proxy has at most %d toxics", MaxToxics)
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

// fault makes what a client wants of the behaviors that are known.
func (t toxicInput) fault(known []chaos.Behavior, protocol wire.Protocol) (chaos.Fault, error) {
	if err := checkName(t.Name, ""); err != nil {
		return chaos.Fault{}, err
	}
	direction, err := chaos.ParseDirection(strings.ToLower(t.Stream)) // Toxiproxy.Net writes UpStream
	if err != nil {
		return chaos.Fault{}, refusal(http.StatusBadRequest, "stream",
			"stream was invalid, can be either upstream or downstream")
	}
	behavior := behaviorNamed(known, t.Type)
	if behavior == nil {
		return chaos.Fault{}, refusal(http.StatusBadRequest, "type", "invalid toxic type %.60q, want one of %s",
			t.Type, strings.Join(names(known), ", "))
	}
	f := chaos.Fault{Name: t.Name, Behavior: behavior, Direction: direction}
	if err := t.change(&f, known, protocol); err != nil {
		return chaos.Fault{}, err
	}
	if f.Name == "" {
		f.Name = t.Type + "_" + direction.String()
	}
	return f, nil
}

// change makes a fault what a client wants, as far as that says anything.
func (t toxicInput) change(f *chaos.Fault, known []chaos.Behavior, protocol wire.Protocol) error {
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
	b, err := decodeAttributes(f.Behavior, t.Attributes, known, "attributes", 0)
	if err != nil {
		return err
	}
	f.Behavior = b
	if err := checkBehavior(b, "attributes", protocol); err != nil {
		return err
	}
	return checkSchedule(f.Schedule)
}

// checkBehavior says which of its attributes is not accepted; field is where they are.
func checkBehavior(b chaos.Behavior, field string, protocol wire.Protocol) *Error {
	if mix, ok := b.(chaos.Mix); ok {
		return checkMix(mix, field, protocol)
	}
	if v, ok := b.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			return badAttribute(err, field)
		}
	}
	c, ok := b.(interface{ CheckProtocol(wire.Protocol) error })
	if !ok {
		return nil
	}
	if err := c.CheckProtocol(cmp.Or(protocol, wire.TCP)); err != nil {
		e := badAttribute(err, field)
		hasCode := func(a chaos.Attribute) bool { return a.Name == "code" }
		if e.Field == field && slices.ContainsFunc(chaos.Attributes(b), hasCode) {
			e.Field = inside(field, "code")
			e.Message = apiNames.Replace(e.Message)
		}
		return e
	}
	return nil
}

// apiNames are what the API calls the fields of wire.Why, which errors of protocols are about.
var apiNames = strings.NewReplacer("Code", "code", "Message", "message")

// checkSchedule says which time of it is not accepted.
func checkSchedule(s chaos.Schedule) error {
	err := s.Validate()
	var wrong *chaos.ScheduleError
	if errors.As(err, &wrong) {
		field := "schedule." + strings.ToLower(wrong.Field)
		return refusal(http.StatusBadRequest, field, "%s is %v, want %s", field, wrong.Got, strings.ToLower(wrong.Want))
	}
	return err
}

// badAttribute says which attribute is wrong; field is where the attributes are.
func badAttribute(err error, field string) *Error {
	var refused *Error
	if errors.As(err, &refused) {
		return refused
	}
	e := refusal(http.StatusBadRequest, field, "bad request body: %v", err)
	var attribute *chaos.AttributeError
	if errors.As(err, &attribute) {
		e.Field = inside(field, attribute.Attribute)
	}
	return e
}

// inside is the path of a field in another one.
func inside(outer, field string) string {
	if outer == "" || field == "" {
		return outer + field
	}
	return outer + "." + field
}

// faults makes a list of faults, all of them or none.
func (s *Server) faults(toxics []json.RawMessage, protocol wire.Protocol) ([]chaos.Fault, error) {
	if len(toxics) > MaxToxics {
		return nil, tooMany("toxics")
	}
	var all []chaos.Fault
	known, seen := s.behaviors(), map[string]bool{}
	for i, data := range toxics {
		var (
			t toxicInput
			f chaos.Fault
		)
		err := readJSON(data, &t)
		if err == nil {
			f, err = t.fault(known, protocol)
		}
		if err == nil && seen[f.Name] {
			e := exists("toxic")
			e.Field, err = "name", e
		}
		if err != nil {
			e := asError(err)
			e.Field = inside(fmt.Sprintf("toxics[%d]", i), e.Field)
			return nil, e
		}
		seen[f.Name] = true
		all = append(all, f)
	}
	return all, nil
}

// setFaults sets faults that are good, and says what is wrong with them if they are not, or else that the
// proxy cannot listen again.
func setFaults(p *chaos.Proxy, faults []chaos.Fault) error {
	err := p.SetFaults(faults...)
	var system *net.OpError
	if err == nil || errors.As(err, &system) {
		return err
	}
	return badAttribute(err, "")
}

// behaviorNamed finds a behavior, or a mix. It is nil if there is none.
func behaviorNamed(known []chaos.Behavior, name string) chaos.Behavior {
	if name == mixName {
		return chaos.Mix{}
	}
	return chaos.ByName(known, name)
}

// names are those of behaviors, in order.
func names(known []chaos.Behavior) []string {
	all := []string{mixName}
	for _, b := range known {
		all = append(all, b.Name())
	}
	slices.Sort(all)
	return all
}
