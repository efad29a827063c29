// Command bench measures, in one run, what heeler's guards cost a request beside their peers, what its
// breaker costs a call, how long slowlog's capture holds up everyone else, what it is to profile a request,
// what a chaos proxy costs those whom it lets through, how much memory an idle WebSocket takes behind the
// guards, how many requests a second a spool has on the disk, and what it costs to offer a value to a queue.
//
//	go run ./bench
//
// Times of one machine say little on another; the ratios, all taken in the same rounds, do. For a
// profile of one subject use the benchmarks of the package's test:
//
//	go test ./bench -run '^$' -bench 'Writer/slowlog' -cpuprofile cpu.prof
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"testing"
	"time"
)

// A plan says how much to measure.
type plan struct {
	rounds     int           // of every subject
	each       time.Duration // for one subject in one round
	goroutines []int         // in the process while a capture is taken
	captures   int           // at each number of goroutines
	flow       time.Duration // for one proxy in one round of one contest
	sockets    int           // idle WebSockets in the server at a time
	profiles   string        // the folder for the proxies' CPU profiles; empty: none are taken
}

var (
	full  = plan{rounds: 9, each: 150 * time.Millisecond, goroutines: []int{1_000, 10_000, 100_000}, captures: 5, flow: 750 * time.Millisecond, sockets: 10_000}
	quick = plan{rounds: 1, each: time.Millisecond, goroutines: []int{100}, captures: 1, flow: 10 * time.Millisecond, sockets: 50}
)

func main() {
	if asked, err := answerAsChild(os.Stdin, os.Stdout); asked {
		exitOn(err)
		return
	}
	testing.Init()
	var (
		isQuick  = flag.Bool("quick", false, "measure too little to tell anything: shows that all of it runs")
		only     = flag.String("only", "", `measure only "cost", "breaker", "stall", "profile", "chaos", "sockets", "spool" or "queue"`)
		rounds   = flag.Int("rounds", full.rounds, "measure every subject this `many` times")
		profiles = flag.String("cpuprofile", "", "write a CPU profile of each proxy in each contest to this `folder`")
	)
	flag.Usage = usage
	flag.Parse()
	p := full
	p.rounds = *rounds
	if *isQuick {
		p = quick
	}
	p.profiles = *profiles
	exitOn(run(os.Stdout, p, *only))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// usage lists our flags, without the many that package testing has.
func usage() {
	fmt.Fprintln(os.Stderr, "usage: bench [-quick] [-only cost|breaker|stall|profile|chaos|sockets|spool|queue] [-rounds n] [-cpuprofile folder]")
	for _, name := range []string{"quick", "only", "rounds", "cpuprofile"} {
		fmt.Fprintf(os.Stderr, "  -%s\t%s\n", name, flag.Lookup(name).Usage)
	}
}

// run measures and prints, a table at a time.
func run(w io.Writer, p plan, only string) error {
	parts := []struct {
		name   string
		report func(io.Writer, plan) error
	}{{"cost", reportCosts}, {"breaker", reportBreakers}, {"stall", reportStalls}, {"profile", reportProfiles}, {"chaos", reportProxies}, {"sockets", reportSockets}, {"spool", reportSpools}, {"queue", reportQueues}}
	known := only == ""
	for _, part := range parts {
		known = known || part.name == only
	}
	if !known {
		return fmt.Errorf("bench: -only %q, want cost, breaker, stall, profile, chaos, sockets, spool or queue", only)
	}
	if p.rounds < 1 {
		return fmt.Errorf("bench: -rounds %d, want at least 1", p.rounds)
	}
	fmt.Fprintf(w, "%s, %s/%s, %d CPUs\n", runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.GOMAXPROCS(0))
	for _, part := range parts {
		if only != "" && only != part.name {
			continue
		}
		if err := part.report(w, p); err != nil {
			return err
		}
	}
	return nil
}

func reportCosts(w io.Writer, p plan) error {
	fmt.Fprintf(w, "\nThe cost of one request: medians of %d rounds, with %d MB in use.\nThe ratio is to %s in the same round.\n",
		p.rounds, heap>>20, yardstick)
	for _, place := range places() {
		for _, h := range handlers() {
			costs, err := measure(around(h, place), p.rounds, p.each)
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "\nOn %s, a handler that %s:\n\n", place.name, h.name)
			costTable(costs, yardstick).writeTo(w)
		}
	}
	return nil
}
