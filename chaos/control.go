package chaos

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"
)

// SetFaults makes these the faults of the proxy, in this order, in the place of all that were set
// before: for new connections, and at once for those that stand. If one of them is not accepted nothing
// changes, and the error names the field. It never waits for a client or a backend.
//
// A fault that was set before, and is the same in all its fields, goes on: its schedule and what it has
// counted do not begin again.
func (p *Proxy) SetFaults(faults ...Fault) error {
	p.mu.Lock()
	p.initLocked()
	before := p.plan.Load()
	active, err := activate(faults, before.faults, p.seed, p.Protocol)
	if err != nil {
		p.mu.Unlock()
		return err
	}
	p.plan.Store(&plan{faults: active, said: before.said})
	err = p.refuseLocked(p.refuses())
	p.mu.Unlock()

	p.tellAll(true)
	p.notify(Notice{Kind: FaultsSet, Text: strings.Join(p.names(), ", ")})
	return err
}

// tellAll lets all connections see what has changed.
func (p *Proxy) tellAll(changed bool) {
	for _, l := range p.standing() {
		l.meet(changed)
	}
}

// Faults are those that are set, with their names.
func (p *Proxy) Faults() []Fault {
	var all []Fault
	if pl := p.plan.Load(); pl != nil {
		for _, a := range pl.faults {
			all = append(all, a.Fault)
		}
	}
	return all
}

func (p *Proxy) names() []string {
	var all []string
	for _, f := range p.Faults() {
		all = append(all, f.Name)
	}
	return all
}

// With sets faults, calls f, and sets again what was set before, however f ends.
func (p *Proxy) With(f func(), faults ...Fault) error {
	before := p.Faults()
	if err := p.SetFaults(faults...); err != nil {
		return err
	}
	defer p.SetFaults(before...)
	f()
	return nil
}

// refuses says whether a fault wants that nobody listens.
func (p *Proxy) refuses() bool {
	e := Event{Moment: Connect}
	for _, a := range p.plan.Load().faults {
		a.strike(&e, time.Time{})
		if e.Fate != Pass {
			break
		}
	}
	return e.Fate == Unlisten
}

// refuseLocked stops to listen, or begins again, where that is not so already.
func (p *Proxy) refuseLocked(refuse bool) error {
	if p.listener == nil {
		return nil
	}
	changed, err := p.listener.refuse(refuse)
	if !changed || err != nil {
		return err
	}
	kind := Listening
	if refuse {
		kind = Refusing
	}
	p.notify(Notice{Kind: kind, Text: p.addr})
	return nil
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
		if !p.plan.Load().scheduled() {
			continue
		}
		p.mu.Lock()
		p.refuseLocked(p.refuses())
		p.mu.Unlock()
		p.tellAll(false)
	}
}

// Tap lets f hear what both sides say, from now on until stop is called. It is called by many
// goroutines, and while the bytes wait: it should be quick. The bytes of a connection come in order.
func (p *Proxy) Tap(f func(Said)) (stop func()) {
	key := &f
	p.setTaps(func() { p.taps[key] = struct{}{} })
	return func() { p.setTaps(func() { delete(p.taps, key) }) }
}

// setTaps changes who listens, and lets all connections see it.
func (p *Proxy) setTaps(change func()) {
	p.mu.Lock()
	p.initLocked()
	if p.taps == nil {
		p.taps = map[*func(Said)]struct{}{}
	}
	change()
	var said func(Said)
	if taps := slices.Collect(maps.Keys(p.taps)); len(taps) > 0 {
		said = func(s Said) {
			for _, f := range taps {
				(*f)(s)
			}
		}
	}
	p.plan.Store(&plan{faults: p.plan.Load().faults, said: said})
	p.mu.Unlock()
	p.tellAll(true)
}

// Stats are the proxy's figures.
func (p *Proxy) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.initLocked()
	s := p.gone
	s.Seed, s.Open, s.Total, s.Failed = p.seed, p.open(), p.total.Load(), p.failed.Load()
	for _, l := range p.links {
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
	for _, l := range p.standing() {
		all = append(all, Link{
			ID: l.id, Client: l.client.RemoteAddr().String(), Since: l.opened,
			Up: l.up.out.Load(), Down: l.down.out.Load(), Requests: l.requests.Load(),
		})
	}
	slices.SortFunc(all, func(a, b Link) int { return cmp.Compare(a.ID, b.ID) })
	return all
}
