package main

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/heeler-go/heeler/chaos"
)

// printable escapes what would move a terminal's cursor, or worse, as %q does: names come from others.
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		quoted := strconv.QuoteRune(r)
		b.WriteString(quoted[1 : len(quoted)-1])
	}
	return b.String()
}

// packages are where errors come from, which is nothing to somebody at a command line.
var packages = strings.NewReplacer("chaos: mix: ", "", "chaos/control: ", "", "chaos/wire: ", "", "chaos: ", "", "wire: ", "")

// plain is the text of an error for people.
func plain(text string) string { return packages.Replace(text) }

// behaviorsIn are the names in "delay" or "20:delay,5:error".
func behaviorsIn(text string) []string {
	var all []string
	for part := range strings.SplitSeq(text, ",") {
		_, name, ok := strings.Cut(part, ":")
		if !ok {
			name = part
		}
		all = append(all, strings.TrimSpace(name))
	}
	return all
}

// namesOf are the names of behaviors.
func namesOf(all []chaos.Behavior) []string {
	var names []string
	for _, b := range all {
		names = append(names, b.Name())
	}
	return names
}

// meantBehavior guesses what somebody wanted to write where the first behavior that is not known stands.
func meantBehavior(text string, known []chaos.Behavior) string {
	for _, name := range behaviorsIn(text) {
		if chaos.ByName(known, name) == nil {
			return meant(name, namesOf(known))
		}
	}
	return ""
}
