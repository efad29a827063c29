package main

import (
	"bytes"
	"net/http"
	"os"
	"strings"
	"testing"
)

// TestMain lets the test binary stand in for the command where it starts itself anew.
func TestMain(m *testing.M) {
	if asked, err := answerAsChild(os.Stdin, os.Stdout); asked {
		exitOn(err)
		return
	}
	os.Exit(m.Run())
}

func BenchmarkWriter(b *testing.B)   { benchmark(b, onWriter) }
func BenchmarkLoopback(b *testing.B) { benchmark(b, overLoopback) }

// benchmark is for profiles of one subject; comparisons are the command's, which takes turns.
func benchmark(b *testing.B, bench func(http.Handler) func(*testing.B)) {
	for _, s := range subjects() {
		for _, h := range handlers() {
			b.Run(s.name+"/"+h.name, bench(s.wrap(h.serve)))
		}
	}
}

func BenchmarkBreaker(b *testing.B) {
	for _, l := range loads() {
		for _, one := range l.under(guards()) {
			b.Run(one.subject+"/"+l.name, one.bench)
		}
	}
}

func TestTheQuickRunPrintsEveryRow(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out, quick, ""); err != nil {
		t.Fatal(err)
	}
	tables := len(places()) * len(handlers())
	for _, s := range subjects() {
		if got := strings.Count(out.String(), "| "+s.name+" "); got != tables {
			t.Errorf("%d rows of %q, want %d", got, s.name, tables)
		}
	}
	for _, g := range guards() {
		if got, want := strings.Count(out.String(), "| "+g.name+" "), len(loads()); got < want {
			t.Errorf("%d rows of %q, want %d", got, g.name, want)
		}
	}
	for _, c := range contenders() {
		if got, want := strings.Count(out.String(), "| "+c.name+" "), len(contests()); got != want {
			t.Errorf("%d rows of %q, want %d", got, c.name, want)
		}
	}
	for _, way := range socketWays() {
		if got, want := strings.Count(out.String(), "| "+way.name+" "), len(chains()); got != want {
			t.Errorf("%d rows of %q, want %d", got, way.name, want)
		}
	}
	for _, k := range keepers() {
		if got := strings.Count(out.String(), "| "+k.name+" "); got != 1 {
			t.Errorf("%d rows of %q, want 1", got, k.name)
		}
	}
	for _, head := range []string{"allocs/op", "ratio", "runtime.Stack(all)", "| 100 ", "others held up for", "p99 µs", "of toxiproxy", "of the one file"} {
		if !strings.Contains(out.String(), head) {
			t.Errorf("nothing says %q", head)
		}
	}
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestAWrongFlagIsRefused(t *testing.T) {
	for _, c := range []struct {
		p          plan
		only, want string
	}{
		{quick, "stalls", "want cost, breaker, stall, profile, chaos, sockets, spool or queue"},
		{plan{rounds: 0}, "", "want at least 1"},
	} {
		if err := run(&bytes.Buffer{}, c.p, c.only); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one that says %q", err, c.want)
		}
	}
}
