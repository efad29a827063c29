package sentry

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/getsentry/sentry-go"

	"github.com/heeler-go/heeler/alert"
)

// addStacks makes the first stack the event's exception and all of them its
// threads.
func addStacks(e *sentry.Event, a alert.Alert) {
	for i, s := range a.Stacks[:min(len(a.Stacks), maxThreads)] {
		thread := sentry.Thread{ID: strconv.Itoa(i + 1), Name: s.Heading(), Current: i == 0}
		if i > 0 {
			thread.Stacktrace = stacktrace(s.Frames)
		}
		e.Threads = append(e.Threads, thread)
	}
	if len(a.Stacks) == 0 {
		return
	}
	kind, value := kind(a)
	handled := true
	e.Exception = []sentry.Exception{{
		Type: kind, Value: value, ThreadID: 1,
		Stacktrace: stacktrace(a.Stacks[0].Frames),
		Mechanism:  &sentry.Mechanism{Type: "heeler", Handled: &handled},
	}}
}

// stacktrace turns frames around: Sentry wants the outermost first. Of a very
// deep stack the innermost are kept.
func stacktrace(frames []alert.Frame) *sentry.Stacktrace {
	if len(frames) == 0 {
		return nil // Sentry discards an empty one with a complaint
	}
	out := make([]sentry.Frame, 0, min(len(frames), maxFrames))
	for _, f := range frames[:min(len(frames), maxFrames)] {
		out = append(out, frame(f))
	}
	slices.Reverse(out)
	return &sentry.Stacktrace{Frames: out}
}

func frame(f alert.Frame) sentry.Frame {
	module, function := splitFunc(f.Func)
	out := sentry.Frame{
		Function: function, Module: module, Lineno: max(f.Line, 0), ContextLine: f.Source, InApp: f.App,
	}
	file := strings.ReplaceAll(f.File, `\`, "/")
	switch {
	case file == "":
		out.Filename = "unknown"
	case path.IsAbs(file) || strings.Contains(file, ":/"):
		// The module's path and the file's name, as -trimpath would have it:
		// the same on every machine, which Sentry's code mappings need.
		out.AbsPath = f.File
		out.Filename = path.Join(module, path.Base(file))
	default:
		out.Filename = file
	}
	return out
}

// splitFunc cuts a function's full name into its package's path and its name
// in the package: github.com/acme/shop/cart and (*Store).Save.func1. The
// linker writes a dot in a path's last element as %2e (cmd/internal/objabi);
// type arguments may hold paths of their own.
func splitFunc(name string) (module, function string) {
	if strings.HasPrefix(name, "go:") || strings.HasPrefix(name, "type:") {
		return "", name // made by the compiler, of no package
	}
	head := name
	if i := strings.IndexByte(name, '['); i >= 0 {
		head = name[:i]
	}
	slash := strings.LastIndexByte(head, '/') + 1
	dot := strings.IndexByte(head[slash:], '.')
	if dot < 0 {
		return "", name
	}
	return strings.ReplaceAll(name[:slash+dot], "%2e", "."), name[slash+dot+1:]
}
