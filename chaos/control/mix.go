package control

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
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

// deepest is how many mixes may be in one another.
const deepest = 8

// decodeAttributes gives the behavior with the attributes that a client names; field is where they are.
func decodeAttributes(b chaos.Behavior, attributes json.RawMessage, known []chaos.Behavior, field string, depth int) (chaos.Behavior, error) {
	if data := bytes.TrimSpace(attributes); len(data) > 0 && data[0] != '{' && data[0] != 'n' {
		return nil, refusal(http.StatusBadRequest, field, "bad request body: %s is %.40s, want an object", field, data)
	}
	if _, ok := b.(chaos.Mix); ok {
		return decodeMix(b, attributes, known, field, depth)
	}
	b, err := chaos.DecodeAttributes(b, attributes, true)
	if err != nil {
		return nil, badAttribute(err, field)
	}
	return b, nil
}

func decodeMix(b chaos.Behavior, attributes json.RawMessage, known []chaos.Behavior, field string, depth int) (chaos.Behavior, error) {
	if depth == deepest {
		return nil, refusal(http.StatusBadRequest, field, "more than %d mixes are in one another", deepest)
	}
	given, err := object(attributes, field, "chances")
	if err != nil {
		return nil, err
	}
	field += ".chances"
	var chances []json.RawMessage
	if data := given["chances"]; data == nil || string(data) == "null" {
		return b, nil
	} else if json.Unmarshal(data, &chances) != nil {
		return nil, refusal(http.StatusBadRequest, field, "%s is %.40s, want a list", field, data)
	}
	if len(chances) > MaxToxics {
		return nil, refusal(http.StatusBadRequest, field, "%s are %d, want at most %d", field, len(chances), MaxToxics)
	}
	mix := chaos.Mix{}
	for i, data := range chances {
		c, err := decodeChance(data, known, fmt.Sprintf("%s[%d]", field, i), depth)
		if err != nil {
			return nil, err
		}
		mix = append(mix, c)
	}
	return mix, nil
}

func decodeChance(data json.RawMessage, known []chaos.Behavior, field string, depth int) (c chaos.Chance, err error) {
	given, err := object(data, field, "percent", "type", "attributes")
	if err != nil {
		return c, err
	}
	var name string
	if json.Unmarshal(given["percent"], &c.Percent) != nil {
		return c, refusal(http.StatusBadRequest, field+".percent", "%s.percent is %.40q, want a number from 0 to 100",
			field, given["percent"])
	}
	json.Unmarshal(given["type"], &name)
	if c.Behavior = behaviorNamed(known, name); c.Behavior == nil {
		return c, refusal(http.StatusBadRequest, field+".type", "invalid toxic type %.60q in a mix, want one of %s",
			name, strings.Join(names(known), ", "))
	}
	c.Behavior, err = decodeAttributes(c.Behavior, given["attributes"], known, field+".attributes", depth+1)
	return c, err
}

// object reads an object that has no other fields than these.
func object(data json.RawMessage, field string, want ...string) (map[string]json.RawMessage, error) {
	var given map[string]json.RawMessage
	if len(data) > 0 && json.Unmarshal(data, &given) != nil {
		return nil, refusal(http.StatusBadRequest, field, "%s is %.40s, want an object", field, data)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if !slices.Contains(want, name) {
			return nil, refusal(http.StatusBadRequest, inside(field, name), "%s is not known in %s, want one of %s",
				name, field, strings.Join(want, ", "))
		}
	}
	return given, nil
}

// checkMix says what is wrong with the percentages, or with a behavior in it.
func checkMix(mix chaos.Mix, field string, protocol wire.Protocol) *Error {
	field = inside(field, "chances")
	total := 0.0
	for i, c := range mix {
		field := fmt.Sprintf("%s[%d]", field, i)
		if !(c.Percent >= 0 && c.Percent <= 100) {
			return refusal(http.StatusBadRequest, field+".percent", "%s.percent is %v, want a number from 0 to 100", field, c.Percent)
		}
		if err := checkBehavior(c.Behavior, field+".attributes", protocol); err != nil {
			return err
		}
		total += c.Percent
	}
	if err := mix.Validate(); err != nil {
		return refusal(http.StatusBadRequest, field, "%s are %v percent in total, want no more than 100", field, total)
	}
	return nil
}
