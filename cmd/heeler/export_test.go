package main

import (
	"io"

	"github.com/heeler-go/heeler/chaos"
)

// What the tests outside look at: how a command line, and a file, are read.

// Setting is a flag as it was given.
type Setting = setting

// Section is a part of a file.
type Section = section

// ParseINI reads a file whose variables are those of a map.
func ParseINI(text string, variables map[string]string) ([]Section, error) {
	return parseINI(text, func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	})
}

// Keys are what a section says, in the order of its lines.
func (part section) Keys() (all [][2]string) {
	for _, e := range part.keys {
		all = append(all, [2]string{e.key, e.value})
	}
	return all
}

// Name is what stands in its brackets.
func (part section) Name() string { return part.name }

// ParseFlags takes a command line of "heeler chaos" apart and applies what is in it.
func ParseFlags(args []string) (flags []Setting, rest []string, err error) {
	s := newSettings()
	all := s.options()
	flags, rest, err = parseFlags(args, all, "")
	if err == nil {
		err = apply(flags, all, s.proxy.said, "")
	}
	return flags, rest, err
}

// NameValue is what a setting sets.
func (s setting) NameValue() (name, value string) { return s.name, s.value }

// ReadChaos gives the proxies that "heeler chaos" would start.
func ReadChaos(args []string) ([]*chaos.Proxy, error) {
	s := newSettings()
	if err := s.read(args); err != nil {
		return nil, err
	}
	var all []*chaos.Proxy
	for _, t := range s.targets() {
		p, err := t.build()
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// ReadCtl says whether "heeler ctl" would take a command line.
func ReadCtl(args []string) error {
	r := newRemote()
	flags, rest, err := parseFlags(args, r.all(), "")
	if err == nil {
		err = apply(flags, r.all(), r.said, "")
	}
	if err == nil {
		_, err = r.verb(rest)
	}
	return err
}

// Run is main, given what a process has.
func Run(args []string, stdout, stderr io.Writer) int { return run(args, stdout, stderr) }
