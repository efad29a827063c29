package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
)

// What the process ends with.
const (
	fine   = 0
	failed = 1
	misuse = 2 // the command line, or a file that it names, is wrong
)

// A usageError is a mistake of whoever has called the command.
type usageError struct {
	text string
	help string // the command that tells more; empty: the file is wrong, not the command line
}

func (e *usageError) Error() string { return e.text }

// misused makes a usageError.
func misused(help, format string, args ...any) error {
	return &usageError{fmt.Sprintf(format, args...), help}
}

// A command is what the first argument names.
type command struct {
	name string
	run  func(args []string, stdout, stderr io.Writer) error
	help func(io.Writer)
}

func commands() []command {
	return []command{
		{"chaos", runChaos, helpChaos},
		{"ctl", runCtl, helpCtl},
		{"follow", runFollow, helpFollow},
		{"help", runHelp, helpAll},
		{"version", runVersion, helpAll},
	}
}

// aliases are other names of the program.
var aliases = map[string]string{"vaurien": "chaos", "vaurienctl": "ctl"}

// run is main, given what a process has. Args begin with the name of the program.
func run(args []string, stdout, stderr io.Writer) int {
	err := dispatch(args, stdout, stderr)
	if err == nil {
		return fine
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		fmt.Fprintln(stderr, "heeler:", printable(line))
	}
	var usage *usageError
	if !errors.As(err, &usage) {
		return failed
	}
	if usage.help != "" {
		fmt.Fprintf(stderr, "Run \"%s\" to see what there is.\n", usage.help)
	}
	return misuse
}

func dispatch(args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		args = []string{"heeler"}
	}
	program := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	name, args := aliases[program], args[1:]
	if name == "" {
		if len(args) == 0 {
			helpAll(stderr)
			return misused("", "a command is missing, want chaos, ctl or follow")
		}
		name, args = args[0], args[1:]
	}
	switch name {
	case "-h", "-help", "--help":
		name = "help"
	case "-version", "--version":
		name = "version"
	}
	var names []string
	for _, c := range commands() {
		if c.name != name {
			names = append(names, c.name)
			continue
		}
		if asks(args, "help", "h") {
			c.help(stdout)
			return nil
		}
		if asks(args, "version") {
			return runVersion(nil, stdout, stderr)
		}
		return c.run(args, stdout, stderr)
	}
	return misused("heeler help", "%q is no command, want %s", name, oneOf(names, name))
}

// asks says whether an argument is a flag of that name.
func asks(args []string, names ...string) bool {
	for _, arg := range args {
		for _, name := range names {
			if arg == "--"+name || arg == "-"+name {
				return true
			}
		}
	}
	return false
}
