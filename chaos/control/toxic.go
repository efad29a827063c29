package control

import (
	"encoding/json"

	"github.com/heeler-go/heeler/chaos"
)

// A Toxic is a fault as JSON has it: as a toxic of toxiproxy's, and its schedule.
type Toxic struct {
	Attributes json.RawMessage `json:"attributes"` // of its behavior, an object: see chaos.EncodeAttributes
	Name       string          `json:"name"`       // empty, where one is added: its type and stream
	Type       string          `json:"type"`       // the name of its behavior
	Stream     string          `json:"stream"`     // "upstream" or "downstream"

	// Toxicity is how much is struck, from 0 to 1, as a chaos.Fault's Share: the zero value is all of
	// it, which is 1 in JSON, and chaos.Never is none, which is 0 there.
	Toxicity float64  `json:"toxicity"`
	Schedule Schedule `json:"schedule,omitzero"` // zero is always
}

// plainToxic is a Toxic whose JSON is that of its fields.
type plainToxic Toxic

// MarshalJSON writes what toxiproxy's clients read.
func (t Toxic) MarshalJSON() ([]byte, error) {
	switch t.Toxicity {
	case 0:
		t.Toxicity = 1
	case chaos.Never:
		t.Toxicity = 0
	}
	return json.Marshal(plainToxic(t))
}

// UnmarshalJSON reads what MarshalJSON writes. Without a toxicity it is 1.
func (t *Toxic) UnmarshalJSON(data []byte) error {
	all := plainToxic(*t)
	all.Toxicity = 1
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	if *t = Toxic(all); t.Toxicity == 0 {
		t.Toxicity = chaos.Never
	}
	return nil
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
	if f.Share == 0 {
		t.Toxicity = 1
	}
	return t
}
