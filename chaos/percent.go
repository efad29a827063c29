package chaos

import (
	"fmt"
	"strconv"
	"strings"
)

// ParsePercents reads how often which behavior strikes, "20:delay,5:error": percent, colon, name, and a
// comma between two of them. The names are those of the known behaviors, which come with the
// attributes that they have there. The rest, up to 100 percent, is good.
func ParsePercents(text string, known []Behavior) (Mix, error) {
	var m Mix
	for part := range strings.SplitSeq(text, ",") {
		share, name, ok := strings.Cut(strings.TrimSpace(part), ":")
		if !ok {
			return nil, fmt.Errorf("chaos: behavior %.60q, want percent:name, as in 20:delay,5:error", part)
		}
		share, name = strings.TrimSpace(share), strings.TrimSpace(name)
		p, err := strconv.ParseFloat(share, 64)
		if err != nil || !(p >= 0 && p <= 100) {
			return nil, fmt.Errorf("chaos: behavior %.60q: %.20q is not a percentage, want a number from 0 to 100", part, share)
		}
		b := ByName(known, name)
		if b == nil {
			return nil, fmt.Errorf("chaos: behavior %.60q is not known, want one of %s", name, names(known))
		}
		m = append(m, Chance{p, b})
	}
	if err := m.Validate(); err != nil {
		return nil, err
	}
	return m, nil
}

// names lists the names of behaviors for an error.
func names(all []Behavior) string {
	var list []string
	for _, b := range all {
		list = append(list, b.Name())
	}
	return strings.Join(list, ", ")
}
