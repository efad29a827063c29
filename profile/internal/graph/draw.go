package graph

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// ErrNoDot is what Draw answers where Graphviz is not installed.
var ErrNoDot = errors.New("graph: there is no program dot on the PATH: install Graphviz")

// What one drawing may take. pprof's graph of 80 functions takes dot 0.2 s and gives 100 KB.
const (
	drawLimit = 20 * time.Second
	maxDrawn  = 32 << 20 // bytes
)

// drawing is held by two drawings at most, as each keeps a CPU busy that the program may need.
var drawing = make(chan struct{}, 2)

// Available says whether Draw has a dot to draw with.
func Available() bool {
	_, err := exec.LookPath("dot")
	return err == nil
}

// Draw has Graphviz's dot make a picture, format "svg" or "pdf", of a graph in its language. The graph must
// be one of DOT's: Graphviz reads files that a graph names.
//
// It gives up after 20 s, at 32 MiB, and when ctx ends; dot is then killed and the error wraps ctx's
// cause. Without dot the error is ErrNoDot. It is safe for concurrent use; two pictures are made at a time, and the
// wait for that counts.
func Draw(ctx context.Context, dot []byte, format string) ([]byte, error) {
	if format != "svg" && format != "pdf" {
		return nil, fmt.Errorf("graph: format %q: accepted are \"svg\" and \"pdf\"", format)
	}
	program, err := exec.LookPath("dot")
	if err != nil {
		return nil, ErrNoDot
	}
	ctx, stop := context.WithTimeoutCause(ctx, drawLimit, fmt.Errorf("over the limit of %v", drawLimit))
	defer stop()
	ctx, kill := context.WithCancelCause(ctx)
	defer kill(nil)

	select {
	case drawing <- struct{}{}:
		defer func() { <-drawing }()
	case <-ctx.Done():
		return nil, fmt.Errorf("graph: waiting for other drawings: %w", context.Cause(ctx))
	}

	command := exec.CommandContext(ctx, program, "-T"+format)
	over := func() { kill(fmt.Errorf("the picture is over the limit of %d bytes", maxDrawn)) }
	picture, complaint := bounded{limit: maxDrawn, over: over}, bounded{limit: 1 << 10}
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(dot), &picture, &complaint
	command.WaitDelay = time.Second
	// Fonts are looked for without leaving a cache in someone's home, and where SERVER_NAME is set Graphviz
	// opens no file that a graph names.
	command.Env = append(os.Environ(), "HOME="+os.DevNull, "XDG_CACHE_HOME="+os.DevNull, "SERVER_NAME=heeler")
	err = command.Run()
	if cause := context.Cause(ctx); cause != nil {
		return nil, fmt.Errorf("graph: dot: %w", cause)
	}
	if err != nil {
		return nil, fmt.Errorf("graph: dot: %w: %s", err, strings.TrimSpace(strings.ToValidUTF8(complaint.kept.String(), "\uFFFD")))
	}
	return picture.kept.Bytes(), nil
}

// bounded keeps what is written up to a limit, says once when that is over, and drops the rest.
type bounded struct {
	kept  bytes.Buffer
	limit int
	over  func()
}

func (b *bounded) Write(p []byte) (int, error) {
	keep := p[:min(len(p), b.limit-b.kept.Len())]
	b.kept.Write(keep)
	if len(keep) < len(p) && b.over != nil {
		b.over()
		b.over = nil
	}
	return len(p), nil
}
