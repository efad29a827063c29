package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/heeler-go/heeler/alert"
)

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
