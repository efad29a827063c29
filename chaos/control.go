package chaos

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// SetFaults makes these the faults of the proxy, in this order, in the place of all that were set
// before: for new connections, and at once for those that stand. If one of them is not accepted nothing
// changes, and the error names the field. It never waits for a client or a backend.
//
// A fault that was set before, and is the same in all its fields, goes on: its schedule and what it has
// counted do not begin again.
//
// There is another error: the faults are set, and the proxy cannot listen again after [Refuse], because
// another program has taken the port meanwhile. The proxy goes on to try.
func (p *Proxy) SetFaults(faults ...Fault) error {
	if err := p.setFaults(faults); err != nil {
		return err
	}
	p.tellAll(true)
	p.notify(Notice{Kind: FaultsSet, Text: strings.Join(p.names(), ", ")})
	return p.listenOrRefuse()
}

func (p *Proxy) setFaults(faults []Fault) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.initLocked()
	before := p.plan.Load()
	active, err := activate(faults, before.faults, p.seed, p.Protocol)
	if err != nil {
		return err
	}
	next := &plan{faults: active, said: before.said}
	next.refuses() // a Behavior that panics does it here, where its owner sees it
	p.plan.Store(next)
	return nil
}

// tellAll lets all connections see what has changed.
func (p *Proxy) tellAll(changed bool) {
	for _, l := range p.standing(nil) {
		l.meet(changed)
	}
}

// Faults are those that are set, with their names.
func (p *Proxy) Faults() []Fault {
	if pl := p.plan.Load(); pl != nil {
		return pl.list()
	}
	return nil
}

func (p *Proxy) names() []string {
	var all []string
	for _, f := range p.Faults() {
		all = append(all, f.Name)
	}
	return all
}

// With sets faults, calls f, and sets again what was set before, however f ends: the schedules and counts
// of that begin again, and what others have set meanwhile is lost. If the faults cannot be set, f is not
// called.
func (p *Proxy) With(f func(), faults ...Fault) error {
	before := p.Faults()
	err := p.SetFaults(faults...)
	defer p.SetFaults(before...)
	if err == nil {
		f()
	}
	return err
}

// listenOrRefuse stops to listen, or begins again, where the faults want it and it is not so already.
func (p *Proxy) listenOrRefuse() error {
	changed, refuse, err := p.setRefuse()
	switch {
	case err != nil:
		return fmt.Errorf("chaos: the faults are set, but the proxy cannot listen again: %w", err)
	case changed && refuse:
		p.notify(Notice{Kind: Refusing, Text: p.Addr()})
	case changed:
		p.notify(Notice{Kind: Listening, Text: p.Addr()})
	}
	return nil
}

func (p *Proxy) setRefuse() (changed, refuse bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.run == nil || p.run.stopping {
		return false, false, nil
	}
	refuse = p.plan.Load().refuses()
	changed, err = p.run.listener.refuse(refuse)
	return changed, refuse, err
}

// beat is how exactly schedules are kept where nothing happens that faults could be asked about.
const beat = 50 * time.Millisecond

// keepTime does what schedules want of the listener, and of connections that stand.
func (p *Proxy) keepTime(ctx context.Context) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p.listenOrRefuse()
		if p.plan.Load().scheduled() {
			p.tellAll(false)
		}
	}
}

// A tap is somebody who listens.
type tap struct {
	f       func(Said)
	stopped atomic.Bool
}

// Tap lets f hear what both sides say, from now on until stop is called. It is called by many
// goroutines, and while the bytes wait: it should be quick. The bytes of one direction of a connection
// come in order. No call begins after stop, but one may still be going on.
func (p *Proxy) Tap(f func(Said)) (stop func()) {
	t := &tap{f: f}
	p.setTaps(func() { p.taps[t] = struct{}{} })
	return func() {
		t.stopped.Store(true)
		p.setTaps(func() { delete(p.taps, t) })
	}
}

// setTaps changes who listens. Connections see it as soon as something is said.
func (p *Proxy) setTaps(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.initLocked()
	if p.taps == nil {
		p.taps = map[*tap]struct{}{}
	}
	change()
	var said func(Said)
	if taps := slices.Collect(maps.Keys(p.taps)); len(taps) > 0 {
		said = func(s Said) {
			for _, t := range taps {
				if !t.stopped.Load() {
					t.f(s)
				}
			}
		}
	}
	p.plan.Store(&plan{faults: p.plan.Load().faults, said: said})
}

// Stats are the proxy's figures.
func (p *Proxy) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.initLocked()
	s := p.gone
	s.Seed, s.Total, s.Failed = p.seed, p.total.Load(), p.failed.Load()
	var links map[uint64]*link
	if p.run != nil {
		links = p.run.links
	}
	s.Open = len(links)
	for _, l := range links {
		s.Up += l.up.out.Load()
		s.Down += l.down.out.Load()
		s.Requests += l.requests.Load()
	}
	s.Struck = map[string]uint64{}
	for _, a := range p.plan.Load().faults {
		s.Struck[a.Name] = a.struck.Load()
	}
	return s
}

// Links are the connections that stand, in the order in which they came.
func (p *Proxy) Links() []Link {
	var all []Link
	for _, l := range p.standing(nil) {
		all = append(all, Link{
			ID: l.id, Client: l.client.RemoteAddr().String(), Since: l.opened,
			Up: l.up.out.Load(), Down: l.down.out.Load(), Requests: l.requests.Load(),
		})
	}
	slices.SortFunc(all, func(a, b Link) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
