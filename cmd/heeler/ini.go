package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"
)

// A section is a part of an INI file: "[name]" and the lines below it.
type section struct {
	name string
	line int
	keys []entry
}

// An entry is a line "key = value".
type entry struct {
	key, value string
	line       int
}

// largest is how many bytes a file may have.
const largest = 1 << 20

// parseINI reads what Vaurien's files have: sections, "key = value" or "key: value", and comments, which
// begin with # or ; at the beginning of a line, or with ; after a blank. A value may be in double quotes,
// and have variables of the environment in it, "${HOME}".
//
// It is stricter than Python is: what it cannot read, and what is there twice, is an error with the number
// of the line.
func parseINI(text string, getenv func(string) (string, bool)) ([]section, error) {
	if len(text) > largest {
		return nil, fmt.Errorf("1: the file has more than %d bytes", largest)
	}
	var all []section
	lines := map[string]int{} // where a section, or a key in it, is
	once := func(what, id string, line int) error {
		if before, ok := lines[id]; ok {
			return fmt.Errorf("%d: %s is there twice: see line %d", line, what, before)
		}
		lines[id] = line
		return nil
	}
	n := 0
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		n++
		line = strings.TrimSuffix(line, "\r")
		bare := strings.TrimSpace(line)
		switch {
		case !utf8.ValidString(line) || strings.ContainsFunc(line, unprintable):
			return nil, fmt.Errorf("%d: %q is no text", n, shorten(line))
		case bare == "" || bare[0] == '#' || bare[0] == ';':
		case line[0] == ' ' || line[0] == '\t':
			return nil, fmt.Errorf("%d: %q is indented: a value must be on the line of its key", n, shorten(bare))
		case line[0] == '[':
			name, ok := strings.CutSuffix(comment(line[1:]), "]")
			if name = strings.TrimSpace(name); !ok || name == "" || strings.ContainsAny(name, "[]") {
				return nil, fmt.Errorf("%d: %q is no section, want [name]", n, shorten(line))
			}
			if err := once("["+name+"]", name, n); err != nil {
				return nil, err
			}
			all = append(all, section{name: name, line: n})
		case len(all) == 0:
			return nil, fmt.Errorf("%d: %q is before any section, want [vaurien] or another one above it", n, shorten(line))
		default:
			s := &all[len(all)-1]
			e, err := parseEntry(line, n, getenv)
			if err != nil {
				return nil, err
			}
			if err := once(e.key, s.name+"\n"+normal(e.key), n); err != nil {
				return nil, err
			}
			s.keys = append(s.keys, e)
		}
	}
	return all, nil
}

// unprintable says that a character has no place in a file.
func unprintable(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// comment takes the comment away from the end of a line.
func comment(line string) string {
	for i := 1; i < len(line); i++ {
		if line[i] == ';' && (line[i-1] == ' ' || line[i-1] == '\t') {
			line = line[:i]
		}
	}
	return strings.TrimSpace(line)
}

func parseEntry(line string, n int, getenv func(string) (string, bool)) (entry, error) {
	i := strings.IndexAny(line, "=:")
	if i <= 0 {
		return entry{}, fmt.Errorf("%d: %q is neither a section nor key = value", n, shorten(line))
	}
	e := entry{key: strings.TrimSpace(line[:i]), value: strings.TrimSpace(line[i+1:]), line: n}
	if strings.HasPrefix(e.value, `"`) {
		value, rest, ok := strings.Cut(e.value[1:], `"`)
		if !ok || comment(" "+rest) != "" {
			return entry{}, fmt.Errorf("%d: %s is %s, want one more double quote at the end, and none within", n, e.key, shorten(e.value))
		}
		e.value = value
		return e, nil
	}
	var missing string
	e.value = variable.ReplaceAllStringFunc(comment(" "+e.value), func(name string) string {
		value, ok := getenv(name[2 : len(name)-1])
		if !ok {
			missing = name
		}
		return value
	})
	if missing != "" {
		return entry{}, fmt.Errorf("%d: %s is %q, and %s is not set", n, e.key, shorten(line), missing)
	}
	return e, nil
}

var variable = regexp.MustCompile(`\$\{\w+\}`)

// readINI reads a file.
func readINI(file string) ([]section, error) {
	data, err := readFile(file)
	if err != nil {
		return nil, err
	}
	all, err := parseINI(string(data), os.LookupEnv)
	if err != nil {
		return nil, misused("", "%s:%v", file, err)
	}
	return all, nil
}

// readFile reads a file that the command line names.
func readFile(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, misused("", "%v", err)
	}
	return data, nil
}
