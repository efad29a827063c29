package faults_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/internal/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

const (
	patience = 2 * time.Second  // of a client, while there is a fault
	enough   = 20 * time.Second // without
	delay    = 200 * time.Millisecond
)

// A cell is what a client has seen of a fault.
type cell struct {
	saw  string // of the fault
	next string // the connection of the next request, without it: kept or renewed
}

const (
	kept    = "kept"
	renewed = "new" // at once, or after one more error
)

func TestEachFaultOnEachProtocol(t *testing.T) {
	all := backends(t)
	results := make([]column, len(all))
	t.Run("with", func(t *testing.T) {
		for i, b := range all {
			t.Run(b.name, func(t *testing.T) {
				t.Parallel()
				results[i] = measure(t, b)
			})
		}
	})
	if !t.Failed() {
		compare(t, page(t, all, results))
	}
}

// A column is what one client has seen.
type column struct{ standing, connecting []cell }

// measure tries all faults on a protocol, some at a time.
func measure(t *testing.T, b backend) (c column) {
	c.standing, c.connecting = make([]cell, len(standing)), make([]cell, len(connecting))
	room := make(chan struct{}, 2)
	var trying sync.WaitGroup
	try := func(to *cell, r row, warm bool) {
		room <- struct{}{}
		trying.Go(func() {
			defer func() { <-room }()
			*to = attempt(t, b, r, warm)
			expect(t, b, r, *to)
		})
	}
	for i, r := range standing {
		try(&c.standing[i], r, true)
	}
	for i, r := range connecting {
		try(&c.connecting[i], r, false)
	}
	trying.Wait()
	return c
}

// attempt lets a client meet a fault.
func attempt(t *testing.T, b backend, r row, warm bool) cell {
	if b.mute && r.coded {
		return cell{"not accepted", kept}
	}
	p := &chaos.Proxy{Name: b.name, Backend: b.addr, Protocol: b.protocol, Seed: 1}
	if err := p.Start(); err != nil {
		t.Error(err)
		return cell{}
	}
	c := b.open(t, p.Addr())
	defer func() { c.close() }()
	defer p.Close() // first: pgx would wait for a last word on a connection that hangs
	if warm {
		if err := call(c, enough); err != nil {
			t.Errorf("%s before %s: %v", b.name, r.name(), err)
		}
	}
	if err := p.SetFaults(r.faults(b)...); err != nil {
		t.Errorf("%s: %s: %v", b.name, r.name(), err)
	}
	var saw []string
	for range max(r.calls, 1) {
		began := time.Now()
		err := call(c, patience)
		saw = append(saw, r.word(b, err, time.Since(began)))
	}
	before := p.Stats().Total
	if err := p.SetFaults(); err != nil {
		t.Error(err)
	}
	return cell{summary(saw), b.recover(t, r, c, func() bool { return p.Stats().Total == before })}
}

// recover asks until there is a good answer, and tells what that took.
func (b backend) recover(t *testing.T, r row, c *client, same func() bool) string {
	err := call(c, enough)
	switch {
	case err == nil && same():
		return kept
	case err == nil:
		return renewed
	}
	for end := time.Now().Add(enough); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if call(c, enough) == nil {
			return renewed
		}
	}
	t.Errorf("%s after %s: %v", b.name, r.name(), err)
	return "lost for good"
}

// summary puts equal words together.
func summary(words []string) string {
	text := words[0]
	for i, w := range words[1:] {
		if w != words[i] {
			text += ", then " + w
		}
	}
	return text
}

func call(c *client, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.call(ctx)
}
