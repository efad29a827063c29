package problem

import (
	"strconv"
	"strings"
)

// What is read of an Accept header: more than any client sends, and little enough
// that refusing stays cheap.
const (
	maxAccept = 2 << 10 // bytes; who sends more gets text
	maxRanges = 50      // those that follow have no say
)

// A claim is how much an Accept header wants one kind of body.
type claim struct {
	q     float64 // 0 is not at all
	exact int     // of the range that decides: 0 is */*, 1 is type/*, 2 a name, 3 the very name; -1 is none
	place int     // of that range in the header
}

// prefersJSON reports whether a client would rather have JSON than text, by the
// rules of RFC 9110, section 12.5.1: the most exact range decides for a type,
// and then the higher weight. Of two alike the one that is named wins over one
// that is only covered by a wildcard, then the one that is named first; whoever
// does not care gets text, which a person can read.
//
// Any JSON counts as a name for it, since a client that takes JSON can read a
// problem; so does HTML for text, since whoever shows HTML shows text.
func prefersJSON(accept []string) bool {
	length := 0
	for _, line := range accept {
		length += len(line)
	}
	switch {
	case length == 0 || length > maxAccept:
		return false
	case len(accept) == 1 && accept[0] == "*/*":
		return false
	case len(accept) == 1 && accept[0] == "application/json":
		return true
	}
	json, text := claim{exact: -1}, claim{exact: -1}
	place := 0
	for _, line := range accept {
		for line != "" && place < maxRanges {
			var element string
			element, line = next(line, ',')
			place++
			kind, q, ok := parseRange(element)
			if !ok {
				continue
			}
			json.consider(exactJSON(kind), q, place)
			text.consider(exactText(kind), q, place)
		}
	}
	if json.q != text.q {
		return json.q > text.q
	}
	if j, t := min(json.exact, 2), min(text.exact, 2); j != t {
		return j > t && json.q > 0
	}
	return json.place < text.place && json.q > 0
}

// consider takes the range if it is more exact than the one before, or as
// exact and weightier.
func (c *claim) consider(exact int, q float64, place int) {
	if exact > c.exact || exact >= 0 && exact == c.exact && q > c.q {
		*c = claim{q, exact, place}
	}
}

func exactJSON(kind string) int {
	switch {
	case kind == mediaJSON:
		return 3
	case kind == "application/json", strings.HasSuffix(kind, "+json"):
		return 2
	case kind == "application/*":
		return 1
	case kind == "*/*":
		return 0
	}
	return -1
}

func exactText(kind string) int {
	switch kind {
	case "text/plain":
		return 3
	case "text/html":
		return 2
	case "text/*":
		return 1
	case "*/*":
		return 0
	}
	return -1
}

// parseRange takes a media range apart. It is not ok if it is empty or its
// weight is not from 0 to 1.
func parseRange(element string) (kind string, q float64, ok bool) {
	kind, rest := next(element, ';')
	kind, q = strings.ToLower(strings.TrimSpace(kind)), 1
	for rest != "" {
		var param string
		param, rest = next(rest, ';')
		name, value, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		w, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(w >= 0 && w <= 1) { // which NaN is not, either
			return "", 0, false
		}
		q = w
	}
	return kind, q, kind != ""
}

// next cuts s at the first sep that is not in a quoted string.
func next(s string, sep byte) (before, after string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == sep && !quoted:
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}
