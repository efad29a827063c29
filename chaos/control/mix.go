package control

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/heeler-go/heeler/chaos"
)

// mixName is the type of a toxic that is a chaos.Mix. Its only attribute are its chances:
//
//	{"type": "mix", "attributes": {"chances": [{"percent": 20, "type": "delay", "attributes": {"sleep": 3}}]}}
var mixName = chaos.Mix{}.Name()

type mixJSON struct {
	Chances []chanceJSON `json:"chances"`
}

type chanceJSON struct {
	Percent    float64         `json:"percent"`
	Type       string          `json:"type"`
	Attributes json.RawMessage `json:"attributes"`
}

// encodeAttributes writes the attributes of a behavior.
func encodeAttributes(b chaos.Behavior) json.RawMessage {
	mix, ok := b.(chaos.Mix)
	if !ok {
		return chaos.EncodeAttributes(b)
	}
	all := mixJSON{[]chanceJSON{}}
	for _, c := range mix {
		all.Chances = append(all.Chances, chanceJSON{c.Percent, c.Behavior.Name(), encodeAttributes(c.Behavior)})
	}
	data, err := json.Marshal(all)
	if err != nil {
		return json.RawMessage("{}") // a percentage that is not a number, which Validate refuses
	}
	return data
}

// decodeAttributes gives the behavior with the attributes that a client names.
func decodeAttributes(b chaos.Behavior, attributes json.RawMessage, known []chaos.Behavior) (chaos.Behavior, error) {
	if _, ok := b.(chaos.Mix); !ok {
		return chaos.DecodeAttributes(b, attributes, true)
	}
	var all mixJSON
	if len(attributes) > 0 {
		if err := json.Unmarshal(attributes, &all); err != nil {
			return nil, err
		}
	}
	if all.Chances == nil {
		return b, nil
	}
	mix := chaos.Mix{}
	for i, c := range all.Chances {
		field := fmt.Sprintf("attributes.chances[%d].type", i)
		b := chaos.ByName(known, c.Type)
		if b == nil {
			return nil, refusal(http.StatusBadRequest, field, "invalid toxic type %q in a mix", c.Type)
		}
		b, err := chaos.DecodeAttributes(b, c.Attributes, true)
		if err != nil {
			return nil, err
		}
		mix = append(mix, chaos.Chance{Percent: c.Percent, Behavior: b})
	}
	return mix, nil
}
