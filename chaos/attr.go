package chaos

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// An Attribute is a field of a behavior that the API, files and flags can set: one with a tag
//
//	Sleep time.Duration `attr:"sleep" unit:"s" help:"how long"`
//
// It is a time.Duration, an int, an int64, a float64, a bool or a string; with any other type it is a
// programmer's mistake, and a panic.
type Attribute struct {
	Name string // "sleep"
	Type string // "time", "whole number", "number", "boolean" or "text"

	// Unit is what a bare number counts: "s", "ms" or "us" for times, "KB/s" for 1000 bytes a second,
	// "B" for bytes. Empty: nothing else.
	Unit string

	Value string // as flags and files take it
	Help  string
}

// Attributes lists the attributes of a behavior, with their values.
func Attributes(b Behavior) []Attribute {
	var all []Attribute
	eachAttribute(reflect.Indirect(reflect.ValueOf(b)), func(a Attribute, v reflect.Value) {
		all = append(all, a)
	})
	return all
}

// EncodeAttributes gives the attributes of a behavior as a JSON object.
func EncodeAttributes(b Behavior) json.RawMessage {
	var buf bytes.Buffer
	buf.WriteByte('{')
	for i, a := range Attributes(b) {
		if i > 0 {
			buf.WriteByte(',')
		}
		value := a.Value
		if a.Type == "text" {
			quoted, _ := json.Marshal(value) // a string cannot fail
			value = string(quoted)
		}
		fmt.Fprintf(&buf, "%q:%s", a.Name, value)
	}
	buf.WriteByte('}')
	return buf.Bytes()
}

// DecodeAttributes gives the behavior with those attributes changed that a JSON object names. Numbers
// count the attribute's unit; names may be in any case, and the exact one wins; strings are read as ParseAttributes does, so that a time may be "300ms"
// too; null changes nothing, and neither does an object that is null or missing. An attribute that the
// behavior does not have is an error if strict, else it is ignored: Vaurien's and toxiproxy's clients
// may send such.
//
// Whether the values are in range is left to Validate, which a proxy asks. An error about a single
// attribute is an [AttributeError].
func DecodeAttributes(b Behavior, object []byte, strict bool) (Behavior, error) {
	object = bytes.TrimSpace(object)
	if len(object) == 0 {
		return b, nil
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(object, &raw); err != nil {
		return nil, fmt.Errorf("chaos: %s: its attributes are %.60q, want a JSON object: %w", b.Name(), object, err)
	}
	known := Attributes(b)
	values := map[string]string{}
	for _, given := range slices.Sorted(maps.Keys(raw)) {
		name, value := given, raw[given]
		i := slices.IndexFunc(known, func(a Attribute) bool { return strings.EqualFold(a.Name, given) })
		if i >= 0 {
			name = known[i].Name
		}
		if _, exact := raw[name]; exact && name != given {
			continue
		}
		switch value[0] {
		case 'n': // null
		case '"':
			var s string
			if err := json.Unmarshal(value, &s); err != nil {
				return nil, &AttributeError{b.Name(), name, fmt.Sprintf("%.60s", value), "a JSON string"}
			}
			values[name] = s
		default:
			values[name] = string(value)
		}
	}
	return setAttributes(b, values, strict)
}

// ParseAttributes gives the behavior with some attributes changed, as flags and files have them: times
// and rates are numbers that count the attribute's unit, times may have another one, "300ms", booleans
// are true, yes, y, on or 1, or their opposites. An attribute that the behavior does not have is an
// error; so is an [AttributeError].
//
// Whether the values are in range is left to Validate, which a proxy asks.
func ParseAttributes(b Behavior, values map[string]string) (Behavior, error) {
	return setAttributes(b, values, true)
}

func setAttributes(b Behavior, values map[string]string, strict bool) (Behavior, error) {
	from := reflect.ValueOf(b)
	to := reflect.New(reflect.Indirect(from).Type())
	to.Elem().Set(reflect.Indirect(from))
	var (
		known []string
		err   error
	)
	eachAttribute(to.Elem(), func(a Attribute, field reflect.Value) {
		known = append(known, a.Name)
		text, ok := values[a.Name]
		if !ok || err != nil {
			return
		}
		if want := parseValue(field, text, a.Unit); want != "" {
			err = &AttributeError{b.Name(), a.Name, fmt.Sprintf("%.60q", text), want}
		}
	})
	if err == nil && strict {
		err = unknown(b, values, known)
	}
	switch {
	case err != nil:
		return nil, err
	case from.Kind() == reflect.Pointer:
		return to.Interface().(Behavior), nil
	}
	return to.Elem().Interface().(Behavior), nil
}

// unknown complains of the first value that is for none of the attributes.
func unknown(b Behavior, values map[string]string, known []string) error {
	var others []string
	for name := range values {
		if !slices.Contains(known, name) {
			others = append(others, name)
		}
	}
	if len(others) == 0 {
		return nil
	}
	want := "no attributes at all"
	if len(known) > 0 {
		want = "one of " + strings.Join(known, ", ")
	}
	return &AttributeError{b.Name(), slices.Min(others), "not an attribute", want}
}

// eachAttribute calls f for the fields of a struct, also of those in it, that are attributes.
func eachAttribute(v reflect.Value, f func(Attribute, reflect.Value)) {
	if v.Kind() != reflect.Struct {
		return
	}
	for _, field := range reflect.VisibleFields(v.Type()) {
		name, ok := field.Tag.Lookup("attr")
		if !ok {
			continue
		}
		value := v.FieldByIndex(field.Index)
		unit := field.Tag.Get("unit")
		f(Attribute{name, typeName(value), unit, formatValue(value, unit), field.Tag.Get("help")}, value)
	}
}
