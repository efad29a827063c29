package chaos_test

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// sequence is what a behavior does to 2,000 requests of ten connections.
func sequence(b chaos.Behavior, seed uint64) (all []chaos.Fate) {
	for i := range uint64(2000) {
		e := chaos.Drawn(seed, chaos.Event{Moment: chaos.Request, Conn: 1 + i%10, Request: 1 + i/10, Seen: i, Requests: true})
		b.Strike(e)
		all = append(all, e.Fate)
	}
	return all
}

// share is how much of a sequence has a fate, in percent.
func share(all []chaos.Fate, fate chaos.Fate) float64 {
	n := 0
	for _, f := range all {
		if f == fate {
			n++
		}
	}
	return 100 * float64(n) / float64(len(all))
}

func TestPercentagesAreKept(t *testing.T) {
	for seed := range uint64(20) {
		m, err := chaos.ParsePercents("50:dummy,20:error", chaos.Behaviors())
		if err != nil {
			t.Fatal(err)
		}
		all := sequence(m, seed)
		if got := share(all, chaos.Deny); math.Abs(got-20) > 3 {
			t.Errorf("seed %d: %.1f %% of the requests are struck, want 20 ± 3", seed, got)
		}
		if !slices.Equal(all, sequence(m, seed)) {
			t.Errorf("seed %d: the second time others are struck", seed)
		}
		if slices.Equal(all, sequence(m, seed+1)) {
			t.Errorf("seeds %d and %d strike the same", seed, seed+1)
		}
	}
}

func TestOneOfAMixStrikesAtMost(t *testing.T) {
	m := chaos.Mix{{30, chaos.Error{}}, {0, chaos.Abort{}}, {20, chaos.Hang{}}, {10, chaos.Delay{Sleep: second, Before: true}}}
	denied, swallowed, late := 0, 0, 0
	for n := range uint64(2000) {
		e := struck(m, chaos.Event{Moment: chaos.Request, Conn: 1, Request: n, Requests: true})
		switch {
		case e.Fate != chaos.Pass && e.Delay > 0, e.Fate == chaos.Sever:
			t.Fatalf("request %d: %s", n, verdict(e))
		case e.Fate == chaos.Deny:
			denied++
		case e.Fate == chaos.Swallow:
			swallowed++
		case e.Delay > 0:
			late++
		}
	}
	if math.Abs(float64(denied)-600) > 60 || math.Abs(float64(swallowed)-400) > 60 || math.Abs(float64(late)-200) > 60 {
		t.Errorf("%d denied, %d swallowed, %d late of 2000, want about 600, 400, 200", denied, swallowed, late)
	}
}

// A request that is picked for a slow answer is so at its beginning and at its answer.
func TestThePickIsTheSameAtEachMoment(t *testing.T) {
	m := chaos.Mix{{50, chaos.Delay{Sleep: second, Before: true}}, {50, chaos.Delay{Sleep: time.Minute}}}
	for n := range uint64(100) {
		e := chaos.Event{Moment: chaos.Request, Conn: 1, Request: n, Requests: true}
		before := struck(m, e).Delay
		e.Moment = chaos.Answer
		after := struck(m, e).Delay
		if !(before == second && after == 0 || before == 0 && after == time.Minute) {
			t.Fatalf("request %d: %v before and %v after", n, before, after)
		}
	}
}

func TestAMixInAMixDrawsForItself(t *testing.T) {
	m := chaos.Mix{{50, chaos.Mix{{50, chaos.Error{}}, {50, chaos.Hang{}}}}}
	all := sequence(m, 1)
	if d, s := share(all, chaos.Deny), share(all, chaos.Swallow); math.Abs(d-25) > 3 || math.Abs(s-25) > 3 {
		t.Errorf("%.1f %% denied, %.1f %% swallowed, want 25 and 25", d, s)
	}
}

// Only who refuses everybody can stop to listen, and only who cuts everybody off can do so at once.
func TestAPartOfAMixIsNotAlways(t *testing.T) {
	for _, test := range []struct {
		percent           float64
		refused, blackout chaos.Fate
	}{
		{100, chaos.Unlisten, chaos.Break},
		{99.99, chaos.Break, chaos.Pass},
	} {
		connect := chaos.Event{Moment: chaos.Connect, Requests: true, Always: true}
		if e := struck(chaos.Mix{{test.percent, chaos.Refuse{}}}, connect); e.Fate != test.refused || !e.Always {
			t.Errorf("%v percent refused: %s, always %v", test.percent, verdict(e), e.Always)
		}
		if e := struck(chaos.Mix{{test.percent, chaos.Blackout{}}}, connect); e.Fate != test.blackout {
			t.Errorf("%v percent blacked out: %s", test.percent, verdict(e))
		}
	}
}

func TestPercentagesThatCannotBe(t *testing.T) {
	const names = "abort, bandwidth, blackout, corrupt, cut, delay, dummy, error, half_open, hang, latency, limit_connections, " +
		"limit_data, noop, refuse, reset, reset_peer, slicer, slow_close, slow_connect, timeout, transient"
	tests := []struct{ text, want string }{
		{"", `behavior "", want percent:name, as in 20:delay,5:error`},
		{"delay", `behavior "delay", want percent:name, as in 20:delay,5:error`},
		{"20:delay,", `behavior "", want percent:name, as in 20:delay,5:error`},
		{"x:delay", `behavior "x:delay": "x" is not a percentage, want a number from 0 to 100`},
		{"-1:delay", `behavior "-1:delay": "-1" is not a percentage, want a number from 0 to 100`},
		{"NaN:delay", `behavior "NaN:delay": "NaN" is not a percentage, want a number from 0 to 100`},
		{"101:delay", `behavior "101:delay": "101" is not a percentage, want a number from 0 to 100`},
		{"20:delay:3", `behavior "delay:3" is not known, want one of ` + names},
		{"20:dealy", `behavior "dealy" is not known, want one of ` + names},
		{"60:delay,41:error", `mix: 60:delay,41:error is 101 percent in total, want no more than 100`},
		{"20:slicer", `slicer: average_size is 0, want a number from 1 to 1000000000`},
	}
	for _, test := range tests {
		m, err := chaos.ParsePercents(test.text, chaos.Behaviors())
		if m != nil || err == nil || err.Error() != "chaos: "+test.want {
			t.Errorf("%q: %v and %v\nwant %s", test.text, m, err, test.want)
		}
	}
	for _, m := range []chaos.Mix{{{10, nil}}, {{-1, chaos.Dummy{}}}, {{math.NaN(), chaos.Dummy{}}}} {
		if err := (chaos.Fault{Behavior: m}).Validate(); err == nil {
			t.Errorf("%v is accepted", []chaos.Chance(m))
		}
	}
}

func TestPercentagesAsTheyAreWritten(t *testing.T) {
	known := chaos.Behaviors()
	known[slices.IndexFunc(known, func(b chaos.Behavior) bool { return b.Name() == "delay" })] = chaos.Delay{Sleep: time.Minute}
	m, err := chaos.ParsePercents(" 20 : delay, 0.5:error,33.3:hang ,46.2:dummy", known)
	if err != nil || m.String() != "20:delay,0.5:error,33.3:hang,46.2:dummy" {
		t.Fatalf("%v, %v", m, err)
	}
	if d := m[0].Behavior.(chaos.Delay); d.Sleep != time.Minute {
		t.Errorf("the delay is not the one that is known: %+v", d)
	}
	if thirds, err := chaos.ParsePercents("33.3:hang,33.3:error,33.4:dummy", known); err != nil {
		t.Errorf("%v: %v", thirds, err)
	}
}

func FuzzPercents(f *testing.F) {
	for _, text := range []string{"20:delay,5:error", "100:dummy", "0:hang", "-1:x", "1e1:abort,,", "50:error,60:error"} {
		f.Add(text)
	}
	known := chaos.Behaviors()
	f.Fuzz(func(t *testing.T, text string) {
		m, err := chaos.ParsePercents(text, known)
		if err != nil {
			if m != nil || !strings.HasPrefix(err.Error(), "chaos: ") {
				t.Fatalf("%v and %q", m, err)
			}
			return
		}
		again, err := chaos.ParsePercents(m.String(), known)
		if err != nil || again.String() != m.String() {
			t.Fatalf("%q is read as %s, and that as %s, %v", text, m, again, err)
		}
		struck(m, chaos.Event{Moment: chaos.Request})
	})
}
