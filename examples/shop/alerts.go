package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/breaker"
)

// An audience is who is told of trouble.
type audience struct {
	sinks   []alert.Sink         // of slow requests
	changed func(breaker.Change) // of breakers
}

// changes writes one line for each change of a breaker.
func changes(out io.Writer) func(breaker.Change) {
	return func(c breaker.Change) {
		fmt.Fprintf(out, "%s  %s\n", c.At.Format(time.TimeOnly), changeText(c))
	}
}

// changeText is the change in words: "the breaker of mysql is open for 1.1s: failures".
func changeText(c breaker.Change) string {
	text := fmt.Sprintf("the breaker of %s is %v", c.Name, c.To)
	if c.For > 0 {
		text += " for " + seconds(c.For)
	}
	if c.Reason != "" {
		text += ": " + c.Reason
	}
	return text
}

// sinks are where alerts go: their headlines to out, and all of them to a directory if the config
// names one.
func sinks(cfg config, out io.Writer) []alert.Sink {
	all := []alert.Sink{headlines{out}}
	if cfg.Reports != "" {
		all = append(all, alert.Dir{Path: cfg.Reports})
	}
	return all
}

// headlines is a sink that writes one line for each alert; the rest is on the page where the
// visitor broke something. This is all that it takes to be a sink.
type headlines struct{ out io.Writer }

// Send writes the line.
func (h headlines) Send(_ context.Context, a alert.Alert) error {
	alike := ""
	if a.Count > 1 {
		alike = fmt.Sprintf(" (%d alike)", a.Count)
	}
	_, err := fmt.Fprintf(h.out, "%s  %s%s\n", a.Time.Format(time.TimeOnly), a.Title, alike)
	return err
}
