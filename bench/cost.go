package main

import (
	"cmp"
	"flag"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"
)

// A place is where a subject is measured.
type place struct {
	name string
	// bench makes the body of a benchmark for one wrapped handler.
	bench func(http.Handler) func(*testing.B)
}

func places() []place {
	return []place{
		{"an allocation-free writer", onWriter},
		{"a loopback connection", overLoopback},
	}
}

// onWriter calls the handler with a shared request and a writer that allocates nothing.
func onWriter(h http.Handler) func(*testing.B) {
	return func(b *testing.B) {
		w := newDiscard()
		r, cancel := newRequest()
		defer cancel()
		b.ReportAllocs()
		for b.Loop() {
			w.reset()
			h.ServeHTTP(w, r)
		}
	}
}

// overLoopback sends requests one after another over a kept connection. What is counted is the
// client's and the server's work together; the client allocates nothing.
func overLoopback(h http.Handler) func(*testing.B) {
	return func(b *testing.B) {
		l, err := newLoopback(h)
		if err != nil {
			b.Fatal(err)
		}
		defer l.close()
		b.ReportAllocs()
		for b.Loop() {
			if err := l.roundTrip(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// A cost is what one subject took, over all rounds.
type cost struct {
	subject string
	results []testing.BenchmarkResult // one for each round
}

// nanoseconds gives the subject's time for one request in each round.
func (c cost) nanoseconds() []float64 {
	ns := make([]float64, len(c.results))
	for i, r := range c.results {
		ns[i] = float64(r.T.Nanoseconds()) / float64(r.N)
	}
	return ns
}

// over gives the subject's time as a ratio to another's of the same round: what disturbs the machine
// for longer than a round disturbs both.
func (c cost) over(other cost) []float64 {
	ratios, base := c.nanoseconds(), other.nanoseconds()
	for i := range ratios {
		ratios[i] /= base[i]
	}
	return ratios
}

// bytes and allocs give the medians for one request.
func (c cost) bytes() float64 {
	return c.median(func(r testing.BenchmarkResult) float64 { return float64(r.AllocedBytesPerOp()) })
}

func (c cost) allocs() float64 {
	return c.median(func(r testing.BenchmarkResult) float64 { return float64(r.AllocsPerOp()) })
}

func (c cost) median(of func(testing.BenchmarkResult) float64) float64 {
	values := make([]float64, len(c.results))
	for i, r := range c.results {
		values[i] = of(r)
	}
	return median(values)
}

// heap is what the process keeps in use while it measures, as a small server does. With the 4 MB that
// Go begins with, the garbage is collected every two thousand requests or so, hundreds of times a
// second, and all who allocate look about a third slower than they are in any server.
const heap = 32 << 20

// A trial is what is measured of one subject.
type trial struct {
	subject string
	bench   func(*testing.B)
}

// around makes the trials of all subjects around one handler, in one place.
func around(h handler, p place) []trial {
	var trials []trial
	for _, s := range subjects() {
		trials = append(trials, trial{s.name, p.bench(s.wrap(h.serve))})
	}
	return trials
}

// measure runs every subject once a round, each round beginning with another, so that no subject is
// always the one that runs on a warm or a throttled machine. The caller has called testing.Init.
func measure(all []trial, rounds int, each time.Duration) ([]cost, error) {
	benchtime := flag.Lookup("test.benchtime").Value
	before := benchtime.String()
	if err := benchtime.Set(each.String()); err != nil {
		return nil, err
	}
	defer benchtime.Set(before)
	live := make([]byte, heap)
	defer runtime.KeepAlive(live)
	costs := make([]cost, len(all))
	for round := range rounds {
		for i := range all {
			turn := (round + i) % len(all)
			costs[turn].subject = all[turn].subject
			result := testing.Benchmark(all[turn].bench)
			if result.N == 0 {
				return nil, fmt.Errorf("bench: %s failed", all[turn].subject)
			}
			costs[turn].results = append(costs[turn].results, result)
		}
	}
	return costs, nil
}

// median gives the middle value, or the upper of the two in the middle.
func median[T cmp.Ordered](values []T) T { return quantile(values, 0.5) }

// quantile gives the value below which the share q of the values lies.
func quantile[T cmp.Ordered](values []T, q float64) T {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
