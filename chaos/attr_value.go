package chaos

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

var durationType = reflect.TypeFor[time.Duration]()

// typeName is what people call the type of an attribute.
func typeName(v reflect.Value) string {
	switch {
	case v.Type() == durationType:
		return "time"
	case v.Kind() == reflect.Bool:
		return "boolean"
	case v.Kind() == reflect.String:
		return "text"
	case v.Kind() == reflect.Float64:
		return "number"
	case v.Kind() == reflect.Int, v.Kind() == reflect.Int64:
		return "whole number"
	}
	panic(fmt.Sprintf("chaos: an attribute of type %v, want a time.Duration, int, int64, float64, bool or string", v.Type()))
}

// perUnit is how many of what a field counts, nanoseconds or bytes, are one of the unit.
func perUnit(unit string) int64 {
	switch unit {
	case "s":
		return 1e9
	case "ms":
		return 1e6
	case "us", "KB/s":
		return 1e3
	}
	return 1
}

// formatValue writes a value so that parseValue reads the same.
func formatValue(v reflect.Value, unit string) string {
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.String:
		return v.String()
	case reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	}
	per := perUnit(unit)
	whole, part := v.Int()/per, v.Int()%per
	if part == 0 {
		return strconv.FormatInt(whole, 10)
	}
	sign := ""
	if v.Int() < 0 {
		sign, whole, part = "-", -whole, -part
	}
	digits := strconv.FormatInt(per+part, 10)[1:]
	return sign + strconv.FormatInt(whole, 10) + "." + strings.TrimRight(digits, "0")
}

// parseValue sets a field to what a text says. If it cannot, it tells what it wants.
func parseValue(v reflect.Value, text, unit string) (want string) {
	text = strings.TrimSpace(text)
	switch typeName(v) {
	case "text":
		v.SetString(text)
	case "boolean":
		b, ok := parseBool(text)
		if !ok {
			return "true or false"
		}
		v.SetBool(b)
	case "time":
		d, err := time.ParseDuration(text)
		if n, ok := parseNumber(text, unit, int64(Longest)); ok {
			d = time.Duration(n)
		} else if err != nil || d < -Longest || d > Longest {
			return fmt.Sprintf("a number of %s, or a time such as 300ms, of at most %v", unit, Longest)
		}
		v.SetInt(int64(d))
	case "number":
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return "a number"
		}
		v.SetFloat(f)
	case "whole number":
		n, ok := parseNumber(text, unit, mostBytes)
		if !ok && perUnit(unit) == 1 {
			return fmt.Sprintf("a whole number of at most %d", int64(mostBytes))
		} else if !ok {
			return fmt.Sprintf("a number of %s, of at most %d", unit, mostBytes/perUnit(unit))
		}
		v.SetInt(n)
	}
	return ""
}

// parseNumber reads a number that counts a unit. What is smaller than a nanosecond or a byte is
// rounded; a number without a unit must be whole.
func parseNumber(text, unit string, most int64) (int64, bool) {
	f, err := strconv.ParseFloat(text, 64)
	per := perUnit(unit)
	if err != nil || per == 1 && f != math.Trunc(f) {
		return 0, false
	}
	n := math.Round(f * float64(per))
	if !(n >= -float64(most) && n <= float64(most)) {
		return 0, false
	}
	return int64(n), true
}

// parseBool reads what people, and Vaurien, take for a boolean.
func parseBool(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "yes", "y", "on", "1":
		return true, true
	case "false", "no", "n", "off", "0":
		return false, true
	}
	return false, false
}
