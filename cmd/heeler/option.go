package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An option is a flag of the command line, and a key of a file.
type option struct {
	name  string // "http-port"
	value string // what the help calls its value; empty: it is a switch, whose value is "true"; "X …": it may be there several times
	help  string
	first string // what it is unless it is set, if the help is to tell

	// set takes a value. Its error goes on where the option's name ends: "is 99999, want …".
	set func(value string) error
}

// A setting is an option that somebody has given a value.
type setting struct {
	name  string
	value string
	where string // how errors call it: "--http-port", or "vaurien.ini:3: http_port"
}

// normal is the name of an option as it is looked up: Vaurien writes some with underscores.
func normal(name string) string { return strings.ReplaceAll(name, "_", "-") }

// find looks for an option by its name; nil if there is none.
func find(all []option, name string) *option {
	i := slices.IndexFunc(all, func(o option) bool { return normal(o.name) == normal(name) })
	if i < 0 {
		return nil
	}
	return &all[i]
}

// parseFlags takes a command line apart: "--x v", "--x=v" and, for switches, "--x", in any order, with one
// dash or two, and other arguments between them. Behind "--" there are only those. It sets nothing.
func parseFlags(args []string, all []option, help string) (flags []setting, rest []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if arg == "--" {
			return flags, append(rest, args...), nil
		}
		if !strings.HasPrefix(arg, "-") || arg == "-" {
			rest = append(rest, arg)
			continue
		}
		name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
		o := find(all, name)
		switch {
		case o == nil:
			return nil, nil, misused(help, "there is no flag %q%s", "--"+shorten(name), meantFlag(name, all))
		case ok:
		case o.value == "":
			value = "true"
		case len(args) == 0 || strings.HasPrefix(args[0], "--"):
			return nil, nil, misused(help, "--%s needs a value: --%s %s", o.name, o.name, strings.TrimSuffix(o.value, " …"))
		default:
			value, args = args[0], args[1:]
		}
		if !strings.HasSuffix(o.value, "…") && slices.ContainsFunc(flags, func(f setting) bool { return f.name == o.name }) {
			return nil, nil, misused(help, "--%s is there twice, want it once", o.name)
		}
		flags = append(flags, setting{o.name, value, "--" + o.name})
	}
	return flags, rest, nil
}

// apply sets options, and notes where that was said. An error says which, and what is accepted.
func apply(settings []setting, all []option, said map[string]string, help string) error {
	for _, s := range settings {
		o := find(all, s.name)
		if o == nil {
			return misused(help, "%s is not known%s", s.where, meantFlag(s.name, all))
		}
		if err := o.set(s.value); err != nil {
			return misused(help, "%s %v", s.where, err)
		}
		said[normal(o.name)] = s.where
	}
	return nil
}

// bad is the error of an option's set.
func bad(value, want string) error { return fmt.Errorf("is %q, want %s", shorten(value), want) }

// shorten keeps errors readable.
func shorten(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// oneOf says what is wanted where a name is none of those known, and which one was perhaps meant.
func oneOf(known []string, name string) string {
	return "one of " + strings.Join(known, ", ") + meant(name, known)
}

// meant guesses which of some names somebody wanted to write; empty if none is near.
func meant(name string, known []string) string {
	near := slices.MinFunc(append([]string{""}, known...), func(a, b string) int {
		return cmp.Compare(distance(name, a), distance(name, b))
	})
	if near == "" || distance(name, near) > 2+len(near)/8 {
		return ""
	}
	return fmt.Sprintf("; did you mean %s?", near)
}

func meantFlag(name string, all []option) string {
	var known []string
	for _, o := range all {
		known = append(known, "--"+o.name)
	}
	return meant("--"+normal(name), known)
}

// distance counts the letters to insert, delete or replace to make a word of another. It looks at no more
// than anybody names a flag.
func distance(a, b string) int {
	const most = 64
	a, b = a[:min(len(a), most)], b[:min(len(b), most)]
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
