package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/redact"
	"github.com/heeler-go/heeler/offpath/journal"
)

// A script is what the shell is to do with an entry.
type script string

// The exit codes of a script that do not speak against the entry: sysexits.h's EX_TEMPFAIL, and what a shell
// says of a command that it cannot run, or cannot find.
const (
	tryLater  = 75
	cannotRun = 126
	notFound  = 127
)

// post runs the script with the entry on its standard input. Its exit code decides.
func (s script) post(ctx context.Context, r journal.Record) error {
	entry, err := asJSON(r)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", string(s))
	var said tail
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(entry), &said, &said
	cmd.WaitDelay = time.Second // for what the script may leave behind
	ownGroup(cmd)
	err = cmd.Run()
	if cmd.ProcessState == nil {
		return &alert.LaterError{Err: fmt.Errorf("--exec cannot be run: %w", err)}
	}
	code := cmd.ProcessState.ExitCode()
	if ctx.Err() != nil && code != 0 {
		return &alert.LaterError{Err: fmt.Errorf("--exec is not done: %w%s", ctx.Err(), said.line())}
	}
	switch code {
	case 0:
		return nil
	case tryLater, cannotRun, notFound:
		return &alert.LaterError{Err: fmt.Errorf("--exec: %v%s", cmd.ProcessState, said.line())}
	}
	return errors.New("--exec: " + cmd.ProcessState.String() + said.line())
}

// A tail is the end of what a command prints.
type tail []byte

const maxTail = 2 << 10

func (t *tail) Write(p []byte) (int, error) {
	*t = append(*t, p...)
	if extra := len(*t) - maxTail; extra > 0 {
		*t = append((*t)[:0], (*t)[extra:]...)
	}
	return len(p), nil
}

// line is the end of it on one line, without secrets: it is for the log.
func (t *tail) line() string {
	text := alert.OneLine(redact.List{}.Text(string(*t)), maxTail)
	if text == "" {
		return ""
	}
	return ": " + text
}

// asJSON is the entry as journalctl prints it with --output=json --all: a value is a string, or an array of its
// bytes where it is not UTF-8; a field with several values is an array of those.
func asJSON(r journal.Record) ([]byte, error) {
	entry := map[string]any{}
	for name, values := range r.Fields {
		all := make([]any, len(values))
		for i, value := range values {
			all[i] = value
			if !utf8.ValidString(value) {
				all[i] = bytesOf(value)
			}
		}
		entry[name] = all
		if len(all) == 1 {
			entry[name] = all[0]
		}
	}
	if r.Truncated {
		entry["__TRUNCATED"] = "1"
	}
	entry["__CURSOR"] = r.Cursor
	entry["__REALTIME_TIMESTAMP"] = strconv.FormatInt(r.Time.UnixMicro(), 10)
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(entry)
	return b.Bytes(), err
}

// bytesOf are a string's bytes as numbers, which JSON would make base64 of.
func bytesOf(s string) []int {
	numbers := make([]int, len(s))
	for i := range len(s) {
		numbers[i] = int(s[i])
	}
	return numbers
}
