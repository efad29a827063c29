package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"
)

// hold lets all contenders take turns in each round, as measure does, and gives the scores by name.
func (c contest) hold(p plan) (scores map[string][]score, err error) {
	var children []*child
	defer func() { err = errors.Join(err, stop(children...)) }()
	start := func(r role) (*child, error) {
		one, err := startChild(r)
		if err == nil {
			children = append(children, one)
		}
		return one, err
	}
	backends := make(map[string]string)
	for _, t := range talks() {
		backend, err := start(role{Part: partBackend, Talk: t.name})
		if err != nil {
			return nil, err
		}
		backends[t.name] = backend.addr
	}
	all := contenders()
	proxies := make([]*child, len(all))
	for i, one := range all {
		if proxies[i], err = start(role{one.name, "", backends[one.talk.name], c.profile(p, one.name)}); err != nil {
			return nil, err
		}
	}
	scores = make(map[string][]score)
	for round := range p.rounds {
		for i := range all {
			turn := (round + i) % len(all)
			s, err := c.turn(all[turn], proxies[turn], p.flow)
			if err != nil {
				return nil, fmt.Errorf("bench: %s: %s: %w", all[turn].name, c.name, err)
			}
			scores[all[turn].name] = append(scores[all[turn].name], s)
		}
	}
	return scores, nil
}

// turn is one contender's in one round.
func (c contest) turn(one contender, proxy *child, least time.Duration) (s score, err error) {
	before, err := proxy.cpu()
	if err != nil {
		return s, err
	}
	if s, err = c.run(proxy.addr, one.talk, least); err != nil {
		return s, err
	}
	after, err := proxy.cpu()
	s.cpu = after - before
	return s, err
}

// profile is the file for a contender's CPU profile; empty if none is asked for.
func (c contest) profile(p plan, contender string) string {
	if p.profiles == "" {
		return ""
	}
	return filepath.Join(p.profiles, c.name+"."+strings.NewReplacer(", ", "-", " ", "-").Replace(contender)+".pprof")
}

// table lays out what all contenders reached. The spread is that of the ratio to the peer: half of the
// rounds lie within it.
func (c contest) table(scores map[string][]score) *table {
	t := &table{head: []string{"contender", c.figure}}
	if c.worst != "" {
		t.head = append(t.head, c.worst)
	}
	t.head = append(t.head, "CPU µs a "+c.each, "of toxiproxy", "spread", "of plain", "wanted")
	for _, one := range contenders() {
		mine := scores[one.name]
		cells := []string{one.name, number(middle(mine, func(s score) float64 { return s.figure }))}
		if c.worst != "" {
			cells = append(cells, number(middle(mine, func(s score) float64 { return s.worst })))
		}
		peer, plain := over(mine, scores[peerProxy]), over(mine, scores[plainRelay])
		t.add(append(cells,
			number(middle(mine, func(s score) float64 { return float64(s.cpu.Microseconds()) / s.times })),
			fmt.Sprintf("%.2f", median(peer)),
			fmt.Sprintf("%.2f–%.2f", quantile(peer, 0.25), quantile(peer, 0.75)),
			fmt.Sprintf("%.2f", median(plain)),
			c.verdict(one, median(peer), median(plain)))...)
	}
	return t
}

// verdict says what was wanted of a contender and whether it was reached. Of one that follows a
// protocol it is wanted that it is no worse than the peer, which follows none.
func (c contest) verdict(one contender, peer, plain float64) string {
	if !one.ours {
		return ""
	}
	wanted, sign, met := c.peer, "≥", func(got, wanted float64) bool { return got >= wanted }
	if c.less {
		sign, met = "≤", func(got, wanted float64) bool { return got <= wanted }
	}
	parses := one.talk.name != plainTalk().name
	if parses {
		wanted = 1
	}
	text, all := fmt.Sprintf("%s %.1f toxiproxy", sign, wanted), met(peer, wanted)
	if c.plain != 0 && !parses {
		text, all = fmt.Sprintf("%s, %s %.1f plain", text, sign, c.plain), all && met(plain, c.plain)
	}
	if all {
		return text + ": yes"
	}
	return text + ": no"
}

// over gives the figures as ratios to those of another in the same rounds.
func over(mine, other []score) []float64 {
	ratios := make([]float64, len(mine))
	for i := range ratios {
		ratios[i] = mine[i].figure / other[i].figure
	}
	return ratios
}

func middle(all []score, of func(score) float64) float64 {
	values := make([]float64, len(all))
	for i, s := range all {
		values[i] = of(s)
	}
	return median(values)
}

// number writes small numbers with a decimal.
func number(f float64) string {
	if f < 100 {
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.0f", f)
}

func reportProxies(w io.Writer, p plan) error {
	fmt.Fprintf(w, "\nProxies that let everything through: medians of %d rounds. Client, proxy and backend are processes of their own.\n"+
		"Ratios are to figures of the same round.\n", p.rounds)
	for _, c := range contests() {
		scores, err := c.hold(p)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s:\n\n", c.title)
		c.table(scores).writeTo(w)
	}
	return nil
}
