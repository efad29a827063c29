package request

import (
	"context"
	"runtime/trace"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"
)

// While an execution trace is taken, each call of a backend is in it, as two
// logs of runtime/trace with these categories, the first on the goroutine that
// makes the call. Their messages are what [ParseTraceCall] and [ParseTraceDone]
// read.
const (
	TraceCall = "heeler.call" // a call begins
	TraceDone = "heeler.done" // it has ended, or turned out to be none
)

// A message of a trace is cut off after 1024 bytes, so both quoted texts of a
// call must be shorter.
const (
	maxTracedBackend   = 300
	maxTracedStatement = 500
)

var traced atomic.Uint64 // numbers the calls of the process that are in a trace

// traceBegin notes the call in the execution trace, if one is being taken.
func (c *Call) traceBegin() {
	if !trace.IsEnabled() {
		return
	}
	c.traced = traced.Add(1)
	message := strconv.FormatUint(c.traced, 10) + " " + quoted(c.Backend, maxTracedBackend) + " " + quoted(c.Statement, maxTracedStatement)
	trace.Log(context.Background(), TraceCall, message)
}

// traceEnd notes the end of a call whose begin was noted.
func (c *Call) traceEnd() {
	if c.traced == 0 {
		return
	}
	trace.Log(context.Background(), TraceDone, strconv.FormatUint(c.traced, 10))
	c.traced = 0
}

// quoted is s as strconv.Quote has it, in at most the given number of bytes:
// the end of s is left out if it is too long.
func quoted(s string, most int) string {
	for n := most - len(`""`); ; n -= max(1, n/8) {
		if q := strconv.Quote(cut(s, n)); len(q) <= most {
			return q
		}
	}
}

// cut is at most n bytes of s, none of a rune that is not there whole.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for back := range utf8.UTFMax {
		if back <= n && utf8.RuneStart(s[n-back]) {
			return s[:n-back]
		}
	}
	return s[:n] // it is no UTF-8
}

// ParseTraceCall reads the message of a TraceCall log: the call's number, which
// no other call of the process has, the backend's name and the statement, without
// values, or "". Both may have been cut short. It is not ok if the message is
// none of this package's: an application may log under any category.
func ParseTraceCall(message string) (number uint64, backend, statement string, ok bool) {
	digits, rest, _ := strings.Cut(message, " ")
	number, ok = ParseTraceDone(digits)
	if !ok {
		return 0, "", "", false
	}
	backend, rest, ok = unquoted(rest)
	if !ok || !strings.HasPrefix(rest, " ") {
		return 0, "", "", false
	}
	statement, rest, ok = unquoted(rest[1:])
	if !ok || rest != "" {
		return 0, "", "", false
	}
	return number, backend, statement, true
}

// ParseTraceDone reads the message of a TraceDone log: the number of the call
// that has ended. It is not ok if the message is none of this package's.
func ParseTraceDone(message string) (number uint64, ok bool) {
	number, err := strconv.ParseUint(message, 10, 64)
	if err != nil || message[0] == '0' {
		return 0, false
	}
	return number, true
}

// unquoted splits what strconv.Quote has made off the front of s.
func unquoted(s string) (text, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		return "", "", false
	}
	q, err := strconv.QuotedPrefix(s)
	if err != nil {
		return "", "", false
	}
	text, err = strconv.Unquote(q)
	return text, s[len(q):], err == nil
}
