package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/sony/gobreaker/v2"

	"github.com/heeler-go/heeler/breaker"
)

// breakerYardstick is the breaker that the others are compared with.
const breakerYardstick = "gobreaker Execute"

// window is for how long each breaker's calls count, where it has a say.
const window = 10 * time.Second

// callTimeout bounds calls, where a breaker does that. None comes near it.
const callTimeout = time.Second

// A guard is one way to guard a call that does nothing.
type guard struct {
	name string
	// make makes a breaker, open if asked, and gives a function that makes one guarded call and says
	// whether it was let through.
	make func(open bool) (call func() bool)
}

func guards() []guard {
	return []guard{
		{breakerYardstick, func(open bool) func() bool {
			b := gobreaker.NewCircuitBreaker[struct{}](gobreakerSettings())
			if open {
				b.Execute(func() (struct{}, error) { return struct{}{}, errBackend })
			}
			return func() bool {
				_, err := b.Execute(func() (struct{}, error) { return struct{}{}, nil })
				return err == nil
			}
		}},
		{"gobreaker TwoStep", func(open bool) func() bool {
			b := gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreakerSettings())
			if done, err := b.Allow(); err == nil && open {
				done(errBackend)
			}
			return func() bool {
				done, err := b.Allow()
				if err != nil {
					return false
				}
				done(nil)
				return true
			}
		}},
		{"gobreaker Execute and context.WithTimeout", func(open bool) func() bool {
			b, ctx := gobreaker.NewCircuitBreaker[struct{}](gobreakerSettings()), context.Background()
			if open {
				b.Execute(func() (struct{}, error) { return struct{}{}, errBackend })
			}
			return func() bool {
				_, err := b.Execute(func() (struct{}, error) {
					bounded, cancel := context.WithTimeout(ctx, callTimeout)
					defer cancel()
					return struct{}{}, bounded.Err()
				})
				return err == nil
			}
		}},
		{"failsafe-go circuit breaker", func(open bool) func() bool {
			b := circuitbreaker.NewBuilder[any]().WithFailureRateThreshold(0.5, 20, window).WithDelay(time.Hour).Build()
			if open {
				b.Open()
			}
			guarded := failsafe.With(b)
			return func() bool { return guarded.Run(func() error { return nil }) == nil }
		}},
		{"heeler Do", func(open bool) func() bool {
			b, ctx := &breaker.Breaker{Name: "mysql", Timeout: callTimeout, Window: window}, context.Background()
			if open {
				b.Open(0)
			}
			return func() bool { return b.Do(ctx, func(context.Context) error { return nil }) == nil }
		}},
	}
}

var errBackend = errors.New("down")

// gobreakerSettings have a rolling window, as the others do, and open at the first failure.
func gobreakerSettings() gobreaker.Settings {
	return gobreaker.Settings{
		Interval: window, BucketPeriod: window / 10, Timeout: time.Hour,
		ReadyToTrip: func(gobreaker.Counts) bool { return true },
	}
}

// A load is what the breakers are measured under.
type load struct {
	name  string
	open  bool
	bench func(b *testing.B, call func() bool) // the call goes through unless the breaker is open
}

func loads() []load {
	return []load{
		{"One goroutine calls", false, oneAfterAnother},
		{"As many goroutines call as there are CPUs", false, atOnce},
		{"One goroutine is refused", true, oneAfterAnother},
	}
}

func oneAfterAnother(b *testing.B, call func() bool) {
	b.ReportAllocs()
	for b.Loop() {
		call()
	}
}

func atOnce(b *testing.B, call func() bool) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			call()
		}
	})
}

// under makes what is measured of the breakers under a load.
func (l load) under(all []guard) []trial {
	var trials []trial
	for _, g := range all {
		trials = append(trials, trial{g.name, func(b *testing.B) {
			call := g.make(l.open)
			if call() == l.open {
				b.Fatalf("%s: a call was let through: %v, want %v", g.name, l.open, !l.open)
			}
			l.bench(b, call)
		}})
	}
	return trials
}

func reportBreakers(w io.Writer, p plan) error {
	fmt.Fprintf(w, "\nThe cost of one call through a breaker: medians of %d rounds, with %d MB in use.\nThe ratio is to %s in the same round.\n",
		p.rounds, heap>>20, breakerYardstick)
	for _, l := range loads() {
		costs, err := measure(l.under(guards()), p.rounds, p.each)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "\n%s:\n\n", l.name)
		costTable(costs, breakerYardstick).writeTo(w)
	}
	return nil
}
