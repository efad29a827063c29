package chaos

import "time"

// chew judges the bytes that are kept and n more, and passes on or holds up what it can.
func (p *pump) chew(n int) error {
	p.in += int64(n)
	data := p.buf[:p.have+n]
	if len(data) == 0 {
		return nil
	}
	x := piece{came: time.Now()}
	if n > 0 {
		late, struck := p.latency()
		x.latency = late
		p.tally(struck)
	}
	passed, at := 0, 0 // data[passed:at] is to go at once
	for at < len(data) {
		v := p.judge(data[at:])
		p.link.notice(v.struck, v.moment, v.request)
		if v.fate != Pass {
			p.write(data[passed:at])
			p.link.end(v.fate)
			return errOver
		}
		if v.n == 0 {
			break
		}
		x.data = data[at : at+v.n]
		x.delay, x.by = v.delay, v.by
		p.tell(Said{Data: x.data, Secret: v.secret, Lost: v.lost})
		switch at += v.n; {
		case v.lost:
			if err := p.write(data[passed : at-v.n]); err != nil {
				return err
			}
			passed = at
		case x.delay+x.latency > 0, p.held():
			if err := p.write(data[passed : at-v.n]); err != nil {
				return err
			}
			passed = at
			p.hold(x)
		}
		if p.denies() {
			if err := p.write(data[passed:at]); err != nil {
				return err
			}
			passed = at
			p.answers()
		}
	}
	if err := p.write(data[passed:at]); err != nil {
		return err
	}
	p.have = copy(p.buf, data[at:])
	return nil
}

// held says that bytes cannot go at once: others wait, or a fault of bytes has a word in it.
func (p *pump) held() bool { return len(p.queue) > 0 || len(p.plan.faults) > 0 || p.denies() }

// denies says that the proxy has answers to give, and that one could stand here.
func (p *pump) denies() bool {
	return p.dir == Downstream && !p.more && p.link.denied.Load() > 0
}

func (p *pump) judge(data []byte) verdict {
	if p.dir == Upstream {
		return p.link.ofClient(data, p.plan)
	}
	v := p.link.ofBackend(data, p.plan)
	p.more = p.more && v.n == 0 || v.more
	return v
}

// latency asks for how long the bytes that have come in are held up.
func (p *pump) latency() (late time.Duration, struck []*active) {
	if len(p.plan.faults) == 0 {
		return 0, nil
	}
	e := Event{Moment: Read}
	struck = p.ask(&e, p.in)
	return max(e.Delay, 0), struck
}

// ask puts an event about bytes to the faults, and returns those that struck. Count is how many bytes
// have come so far.
func (p *pump) ask(e *Event, count int64) (struck []*active) {
	l := p.link
	e.Direction = p.dir
	l.about(e)
	for i, a := range p.plan.faults {
		e.Passed = count - p.since[i]
		if a.strike(e, l.opened) {
			struck = append(struck, a)
		}
		if e.Moment != Write {
			e.Fate = Pass // at Read and End nothing ends
		}
		if e.Fate != Pass {
			break
		}
	}
	return struck
}

// tally counts the faults whose verdict is carried out.
func (p *pump) tally(struck []*active) {
	for _, a := range struck {
		a.struck.Add(1)
	}
}

// tell lets those hear who listen what has been said.
func (p *pump) tell(s Said) {
	if p.plan.said == nil {
		return
	}
	s.Time, s.Conn, s.Direction = time.Now(), p.link.id, p.dir
	p.plan.said(s)
}
