package main

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// A score is what one contender reached in one round.
type score struct {
	figure float64 // in the contest's unit
	worst  float64 // in the same unit: the 99th percentile, where there is one
	times  float64 // how often what CPU time is counted for was done: megabytes, round trips, connections
	cpu    time.Duration
}

// A contest is one thing that all contenders are measured in.
type contest struct {
	name, title string
	figure      string // the heads of the table's columns
	worst       string // empty: there is no such column
	each        string // what CPU time is counted for
	less        bool   // whether less is better
	peer, plain float64
	run         func(addr string, t talk, least time.Duration) (score, error)
}

func contests() []contest {
	return []contest{
		{
			name: "download", title: "A long answer on one connection", figure: "MB/s", each: "MB",
			peer: 2, plain: 0.9, run: stream(func(t talk) exchange { return t.download }),
		},
		{
			name: "upload", title: "A long request on one connection", figure: "MB/s", each: "MB",
			peer: 2, plain: 0.9, run: stream(func(t talk) exchange { return t.upload }),
		},
		{
			name: "trip", title: "One round trip of some 64 bytes after another on one connection",
			figure: "p50 µs", worst: "p99 µs", each: "trip", less: true, peer: 0.5, run: roundTrips,
		},
		{
			name: "connect", title: fmt.Sprintf("Connections with one round trip each, %d at a time", atATime),
			figure: "per second", each: "connection", peer: 1.5, run: connections,
		},
	}
}

// stream repeats a long exchange.
func stream(of func(talk) exchange) func(string, talk, time.Duration) (score, error) {
	return func(addr string, t talk, least time.Duration) (s score, err error) {
		c, err := call(addr, t, make([]byte, 512))
		if err != nil {
			return s, err
		}
		defer c.hangUp()
		x := of(t)
		begin := time.Now()
		for time.Since(begin) < least {
			if err := c.ask(x); err != nil {
				return s, err
			}
			s.times += float64(x.request.size()+x.answer.size()) / 1e6
		}
		s.figure = s.times / time.Since(begin).Seconds()
		return s, nil
	}
}

// roundTrips repeats the small exchange.
func roundTrips(addr string, t talk, least time.Duration) (s score, err error) {
	c, err := call(addr, t, make([]byte, 512))
	if err != nil {
		return s, err
	}
	defer c.hangUp()
	var took []float64
	begin := time.Now()
	for last := begin; last.Sub(begin) < least; {
		if err := c.ask(t.small); err != nil {
			return s, err
		}
		now := time.Now()
		took = append(took, float64(now.Sub(last).Nanoseconds())/1e3)
		last = now
	}
	return score{figure: median(took), worst: quantile(took, 0.99), times: float64(len(took))}, nil
}

// atATime is how many clients connect at once.
const atATime = 8

// connections connects, asks once and hangs up, again and again.
func connections(addr string, t talk, least time.Duration) (score, error) {
	var (
		clients sync.WaitGroup
		counts  [atATime]int
		errs    [atATime]error
	)
	begin := time.Now()
	for i := range atATime {
		clients.Go(func() {
			buf := make([]byte, 512)
			for time.Since(begin) < least && errs[i] == nil {
				errs[i] = visit(addr, t, buf)
				counts[i]++
			}
		})
	}
	clients.Wait()
	took, all := time.Since(begin), 0
	for _, n := range counts {
		all += n
	}
	return score{figure: float64(all) / took.Seconds(), times: float64(all)}, errors.Join(errs[:]...)
}

func visit(addr string, t talk, buf []byte) error {
	c, err := call(addr, t, buf)
	if err != nil {
		return err
	}
	return errors.Join(c.ask(t.small), c.hangUp())
}
