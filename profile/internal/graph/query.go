package graph

import (
	"errors"
	"fmt"
	"net/url"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/google/pprof/profile"
)

// maxQuery bounds the query of a page, in bytes. pprof's own pages put the names of all functions that are
// selected into it.
const maxQuery = 8 << 10

// maxSteps bounds what the regular expressions of one query may cost: their instructions times the bytes
// that they are matched with. The worst expressions were measured to take 2 to 5 ns for each, so that the worst page
// takes half of the time that the next one waits for it; a list of names takes far less.
const maxSteps = 1 << 30

// options are the parameters that the pages take, with the option of the driver that each sets. What is
// not here is dropped: it names files, or asks the driver to save something.
var options = map[string]string{
	"si": "sample_index", "mean": "mean", "unit": "unit", "n": "nodecount", "nf": "nodefraction",
	"ef": "edgefraction", "rel": "relative_percentages", "dropneg": "drop_negative", "calltree": "call_tree",
	"compact": "compact_labels", "noinlines": "noinlines", "showcolumns": "showcolumns",
	"sort": "sort", "g": "granularity",
	"f": "focus", "i": "ignore", "h": "hide", "s": "show", "sf": "show_from", "prunefrom": "prune_from",
	"tf": "tagfocus", "ti": "tagignore", "ts": "tagshow", "th": "taghide",
}

// filters are those of the parameters that are regular expressions.
var filters = []string{"f", "i", "h", "s", "sf", "prunefrom", "tf", "ti", "ts", "th"}

var errTooLong = fmt.Errorf("graph: the query is too long: at most %d bytes are accepted", maxQuery)

// parse reads a query, and keeps of it what the driver may see.
func parse(rawQuery string) (url.Values, error) {
	if len(rawQuery) > maxQuery {
		return nil, errTooLong
	}
	all, err := url.ParseQuery(rawQuery)
	if err != nil {
		return nil, fmt.Errorf("graph: the query: %w", err)
	}
	kept := url.Values{}
	for name := range options {
		if value := all.Get(name); value != "" {
			kept.Set(name, value)
		}
	}
	if unit := kept.Get("unit"); strings.ContainsFunc(unit, notLetter) {
		// It is put into the graph as it is.
		return nil, fmt.Errorf("graph: unit=%q: accepted are letters", unit)
	}
	return kept, nil
}

func notLetter(r rune) bool { return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') }

var errCostly = errors.New("graph: the filters are too complex for a profile of this size")

// affordable refuses filters that would keep the driver busy for longer than about five seconds. Go's regular
// expressions take time linear in their own length and in that of the text, but .{1000} is seven
// bytes and a thousand instructions.
func affordable(query url.Values, p *profile.Profile) error {
	instructions := 0
	for _, name := range filters {
		patterns := []string{query.Get(name)}
		if name == "tf" || name == "ti" { // key=regexp,regexp
			_, list, keyed := strings.Cut(patterns[0], "=")
			if !keyed {
				list = patterns[0]
			}
			patterns = strings.Split(list, ",")
		}
		for _, pattern := range patterns {
			instructions += cost(pattern)
		}
	}
	if instructions > 0 && instructions > maxSteps/matched(p) {
		return errCostly
	}
	return nil
}

// cost is how many instructions a regular expression is compiled to. One that is none costs nothing: the
// driver refuses it.
func cost(pattern string) int {
	if pattern == "" {
		return 0
	}
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return 0
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil {
		return 0
	}
	return len(program.Inst)
}

// matched is how many bytes of a profile a filter is matched with; at least one.
func matched(p *profile.Profile) int {
	bytes := 1
	for _, l := range p.Location {
		for _, line := range l.Line {
			bytes += len(line.Function.Name) + len(line.Function.Filename)
		}
		if l.Mapping != nil {
			bytes += len(l.Mapping.File)
		}
	}
	for _, s := range p.Sample {
		for key, values := range s.Label {
			for _, value := range values {
				bytes += len(key) + len(value)
			}
		}
	}
	return bytes
}

// maxNodes bounds a graph that is drawn. With so many and all their edges dot takes 0.5 s.
const maxNodes = 300

// forGraph makes of a query, which the driver has taken for another page, the settings of a graph that
// can be drawn.
func forGraph(query url.Values) settings {
	set := settings{}
	for name := range query {
		value := query.Get(name)
		switch name {
		case "sort": // a flag for each choice
			set["flat"], set[value] = "false", "true"
		case "g":
			set["functions"], set[value] = "false", "true"
		case "n":
			n, err := strconv.Atoi(value)
			switch {
			case err != nil || n == -1: // which is the driver's default
			case n <= 0 || n > maxNodes:
				set["nodecount"] = strconv.Itoa(maxNodes)
			default:
				set["nodecount"] = value
			}
		default:
			set[options[name]] = value
		}
	}
	return set
}
