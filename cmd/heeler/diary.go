package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/heeler-go/heeler/chaos"
)

// levels are Vaurien's. Nothing here is critical: it silences the log.
var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "info": slog.LevelInfo, "warning": slog.LevelWarn, "error": slog.LevelError,
	"critical": slog.LevelError + 4,
}

// levelOf says how much a notice matters. Connections and requests come in masses.
func levelOf(kind chaos.NoticeKind) slog.Level {
	switch kind {
	case chaos.DialFailed:
		return slog.LevelWarn
	case chaos.FaultsSet, chaos.Refusing, chaos.Stopped:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// A diary writes notices to the log. No proxy waits for it: what comes too fast is counted only.
type diary struct {
	log     *slog.Logger
	meet    func(name string) // is told of each proxy that begins to listen
	met     map[string]string // where they listen, by their names; only write touches it
	queue   chan chaos.Notice
	dropped atomic.Uint64
	quit    chan struct{}
	writer  sync.WaitGroup
}

func newDiary(log *slog.Logger, meet func(name string)) *diary {
	d := &diary{log: log, meet: meet, met: map[string]string{}, queue: make(chan chaos.Notice, 1024), quit: make(chan struct{})}
	d.writer.Go(d.write)
	return d
}

// notify takes a notice.
func (d *diary) notify(n chaos.Notice) {
	if n.Kind != chaos.Listening && n.Kind != chaos.Stopped && !d.log.Enabled(context.Background(), levelOf(n.Kind)) {
		return
	}
	select {
	case d.queue <- n:
	default:
		d.dropped.Add(1)
	}
}

// write writes until the diary is closed, and then what is left.
func (d *diary) write() {
	for {
		select {
		case n := <-d.queue:
			d.entry(n)
			continue
		default:
		}
		select {
		case n := <-d.queue:
			d.entry(n)
		case <-d.quit:
			return
		}
	}
}

func (d *diary) entry(n chaos.Notice) {
	if dropped := d.dropped.Swap(0); dropped > 0 {
		d.log.Warn("more happened than could be written", "left out", dropped)
	}
	switch n.Kind {
	case chaos.Listening: // also when a fault is over that wanted nobody to listen
		if d.met[n.Proxy] != n.Text {
			d.met[n.Proxy] = n.Text
			d.meet(n.Proxy)
		}
	case chaos.Stopped:
		delete(d.met, n.Proxy)
	}
	args := []any{"name", n.Proxy}
	if n.Conn != 0 {
		args = append(args, "conn", n.Conn)
	}
	if n.Request != 0 {
		args = append(args, "request", n.Request)
	}
	if n.Fault != "" {
		args = append(args, "fault", n.Fault)
	}
	if n.Text != "" {
		args = append(args, "text", n.Text)
	}
	d.log.Log(context.Background(), levelOf(n.Kind), string(n.Kind), args...)
}

// close waits until all is written.
func (d *diary) close() {
	close(d.quit)
	d.writer.Wait()
}

// openOutput opens a file to write more to; "-" is the standard stream. What is in it may be secret.
func openOutput(file string, standard io.Writer) (io.WriteCloser, error) {
	if file == "-" {
		return unclosed{standard}, nil
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// unclosed is a stream that others need, too.
type unclosed struct{ io.Writer }

func (unclosed) Close() error { return nil }
