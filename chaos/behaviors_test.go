package chaos_test

import (
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

const second = time.Second

// struck is an event after a behavior has been asked.
func struck(b chaos.Behavior, e chaos.Event) chaos.Event {
	drawn := chaos.Drawn(1, e)
	b.Strike(drawn)
	return *drawn
}

// verdict is what can be seen of an event, in short.
func verdict(e chaos.Event) string {
	s := fmt.Sprintf("fate %d", e.Fate)
	if e.Until != 0 {
		s += fmt.Sprintf(" until %v", e.Until)
	}
	if e.Delay != 0 {
		s += fmt.Sprintf(" delay %v", e.Delay)
	}
	if e.Take != 0 {
		s += fmt.Sprintf(" take %d", e.Take)
	}
	if e.Pause != 0 {
		s += fmt.Sprintf(" pause %v", e.Pause)
	}
	if e.Rate != 0 {
		s += fmt.Sprintf(" rate %d", e.Rate)
	}
	return s
}

// Each behavior has its word at its moments; at all others nothing happens, which is checked too.
func TestABehaviorStrikesAtItsMoments(t *testing.T) {
	const requests, always = true, true
	tests := []struct {
		behavior chaos.Behavior
		requests bool
		always   bool
		want     map[chaos.Moment]string
	}{
		{chaos.Dummy{}, requests, always, nil},
		{chaos.Noop{}, requests, always, nil},
		{chaos.Delay{Sleep: second}, requests, always, map[chaos.Moment]string{chaos.Answer: "fate 0 delay 1s"}},
		{chaos.Delay{Sleep: second, Before: true}, requests, always, map[chaos.Moment]string{chaos.Request: "fate 0 delay 1s"}},
		{chaos.Delay{}, requests, always, nil},
		{chaos.Error{}, requests, always, map[chaos.Moment]string{chaos.Request: fate(chaos.Deny)}},
		{chaos.Transient{}, requests, always, nil},
		{chaos.Transient{Error: chaos.Error{Inject: true}}, requests, always, nil},
		{chaos.Transient{Agitate: 1}, requests, always, map[chaos.Moment]string{chaos.Request: fate(chaos.Deny)}},
		{chaos.Hang{}, requests, always, map[chaos.Moment]string{chaos.Request: fate(chaos.Swallow)}},
		{chaos.Abort{}, requests, always, map[chaos.Moment]string{chaos.Request: fate(chaos.Sever)}},
		{chaos.Blackout{}, requests, always, map[chaos.Moment]string{
			chaos.Connect: fate(chaos.Break), chaos.Open: fate(chaos.Break), chaos.Request: fate(chaos.Break)}},
		{chaos.Blackout{}, !requests, !always, map[chaos.Moment]string{
			chaos.Connect: fate(chaos.Break), chaos.Open: fate(chaos.Break), chaos.Request: fate(chaos.Break)}},
		{chaos.Blackout{}, requests, !always, map[chaos.Moment]string{chaos.Request: fate(chaos.Break)}},
		{chaos.Reset{}, requests, always, map[chaos.Moment]string{chaos.Open: fate(chaos.Break)}},
		{chaos.Reset{After: second}, requests, always, map[chaos.Moment]string{chaos.Open: fate(chaos.Break) + " until 1s"}},
		{chaos.ResetPeer{After: second}, requests, always, map[chaos.Moment]string{chaos.Open: fate(chaos.Break) + " until 1s"}},
		{chaos.Refuse{}, requests, always, map[chaos.Moment]string{chaos.Connect: fate(chaos.Unlisten), chaos.Open: fate(chaos.Break)}},
		{chaos.HalfOpen{}, requests, always, map[chaos.Moment]string{chaos.Connect: fate(chaos.Swallow)}},
		{chaos.SlowConnect{Delay: second}, requests, always, map[chaos.Moment]string{chaos.Connect: "fate 0 delay 1s"}},
		{chaos.SlowClose{Delay: second}, requests, always, map[chaos.Moment]string{chaos.End: "fate 0 delay 1s"}},
		{chaos.Latency{Latency: second}, requests, always, map[chaos.Moment]string{chaos.Read: "fate 0 delay 1s"}},
		{chaos.Timeout{}, requests, always, map[chaos.Moment]string{chaos.Write: fate(chaos.Swallow)}},
		{chaos.Timeout{Timeout: second}, requests, always, map[chaos.Moment]string{
			chaos.Write: fate(chaos.Swallow), chaos.Open: fate(chaos.Close) + " until 1s"}},
		{chaos.LimitConnections{Max: 2}, requests, always, map[chaos.Moment]string{chaos.Connect: fate(chaos.Break)}},
		{chaos.LimitConnections{Max: 3}, requests, always, nil},
		{chaos.Cut{}, requests, always, map[chaos.Moment]string{chaos.Open: fate(chaos.Close)}},
		{chaos.Cut{After: second, Reset: true}, requests, always, map[chaos.Moment]string{chaos.Open: fate(chaos.Break) + " until 1s"}},
		{chaos.Cut{Bytes: 4}, requests, always, map[chaos.Moment]string{chaos.Write: fate(chaos.Close) + " take 4"}},
		{chaos.Cut{Bytes: 4, Reset: true, After: second}, requests, always, map[chaos.Moment]string{
			chaos.Write: fate(chaos.Break) + " take 4", chaos.Open: fate(chaos.Break) + " until 1s"}},
		{chaos.LimitData{Bytes: 4}, requests, always, map[chaos.Moment]string{chaos.Write: fate(chaos.Close) + " take 4"}},
		{chaos.LimitData{}, requests, always, map[chaos.Moment]string{chaos.Write: fate(chaos.Close)}},
		{chaos.Bandwidth{Rate: 40}, requests, always, map[chaos.Moment]string{chaos.Write: "fate 0 take 4 rate 40"}},
		{chaos.Bandwidth{}, requests, always, map[chaos.Moment]string{chaos.Write: "fate 0 take -1 pause 100ms"}},
		{chaos.Slicer{AverageSize: 3, Delay: second}, requests, always, map[chaos.Moment]string{chaos.Write: "fate 0 take 3 pause 1s"}},
		{chaos.Corrupt{}, requests, always, nil},
	}
	for _, test := range tests {
		for m := chaos.Connect; m <= chaos.End; m++ {
			e := chaos.Event{Moment: m, Conn: 1, Requests: test.requests, Always: test.always, Open: 3}
			if m == chaos.Write {
				e.Data = []byte("0123456789")
			}
			want := test.want[m]
			if want == "" {
				want = fate(chaos.Pass)
			}
			if got := verdict(struck(test.behavior, e)); got != want {
				t.Errorf("%s %+v, requests %v, always %v, at %v: %s, want %s",
					test.behavior.Name(), test.behavior, test.requests, test.always, m, got, want)
			}
		}
	}
}

func fate(f chaos.Fate) string { return fmt.Sprintf("fate %d", f) }

// A fault that comes after others adds its delay to theirs, and cannot let go what they keep.
func TestBehaviorsLeaveWhatOthersHaveSaid(t *testing.T) {
	for _, b := range []chaos.Behavior{chaos.Delay{Sleep: second}, chaos.Delay{Sleep: second, Before: true},
		chaos.Latency{Latency: second}, chaos.SlowClose{Delay: second}, chaos.SlowConnect{Delay: second}} {
		for m := chaos.Connect; m <= chaos.End; m++ {
			got := struck(b, chaos.Event{Moment: m, Delay: time.Minute}).Delay
			if got != time.Minute && got != time.Minute+second {
				t.Errorf("%+v at %v: a delay of 1m becomes %v", b, m, got)
			}
		}
	}
	data := make([]byte, 100)
	for _, b := range []chaos.Behavior{chaos.Bandwidth{Rate: 500}, chaos.Slicer{AverageSize: 50},
		chaos.Cut{Bytes: 50}, chaos.LimitData{Bytes: 50}} {
		for _, take := range []int{-1, 20} {
			e := struck(b, chaos.Event{Moment: chaos.Write, Data: data, Take: take, Pause: time.Hour})
			if e.Take != take || e.Fate != chaos.Pass || e.Pause != time.Hour {
				t.Errorf("%+v: take %d becomes %s", b, take, verdict(e))
			}
		}
		if e := struck(b, chaos.Event{Moment: chaos.Write, Data: data, Take: 60}); e.Take != 50 {
			t.Errorf("%+v: take 60 becomes %s", b, verdict(e))
		}
	}
	for rate, want := range map[int64]int64{0: 500, 400: 400, 600: 500} {
		e := struck(chaos.Bandwidth{Rate: 500}, chaos.Event{Moment: chaos.Write, Data: data, Rate: rate})
		if e.Rate != want {
			t.Errorf("rate %d becomes %d, want %d", rate, e.Rate, want)
		}
	}
}

func TestTheNamesOfVaurienAndToxiproxyAreThere(t *testing.T) {
	all := chaos.Behaviors()
	var names []string
	for _, b := range all {
		names = append(names, b.Name())
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Errorf("not sorted, or a name twice: %v", names)
	}
	for _, want := range []string{
		"blackout", "delay", "dummy", "error", "hang", "abort", "transient", // Vaurien's
		"latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data", "noop", // toxiproxy's
		"reset", "refuse", "slow_connect", "corrupt", "cut", "limit_connections", "half_open",
	} {
		if b := chaos.ByName(all, want); b == nil || b.Name() != want {
			t.Errorf("%s is %v", want, b)
		}
	}
	if b := chaos.ByName(all, "nonsense"); b != nil {
		t.Errorf("nonsense is %v", b)
	}
}

// Whoever sets a behavior by its name alone gets one that works; only a slicer has to know its size.
func TestBehaviorsAreValidAsTheyAreListed(t *testing.T) {
	for _, b := range chaos.Behaviors() {
		err := chaos.Fault{Behavior: b}.Validate()
		if b.Name() == "slicer" {
			const want = "chaos: slicer: average_size is 0, want a number from 1 to 1000000000"
			if err == nil || err.Error() != want {
				t.Errorf("a bare slicer: %v, want %s", err, want)
			}
		} else if err != nil {
			t.Error(err)
		}
	}
}

func TestFieldsOutOfRangeAreNamed(t *testing.T) {
	const longest = "want a time from 0 to 1000h0m0s"
	tests := []struct {
		behavior chaos.Behavior
		want     string
	}{
		{chaos.Delay{Sleep: -second}, "delay: sleep is -1s, " + longest},
		{chaos.Delay{Sleep: 1001 * time.Hour}, "delay: sleep is 1001h0m0s, " + longest},
		{chaos.Latency{Latency: -1}, "latency: latency is -1ns, " + longest},
		{chaos.Latency{Jitter: -1}, "latency: jitter is -1ns, " + longest},
		{chaos.SlowClose{Delay: -1}, "slow_close: delay is -1ns, " + longest},
		{chaos.SlowConnect{Delay: -1}, "slow_connect: delay is -1ns, " + longest},
		{chaos.Timeout{Timeout: -1}, "timeout: timeout is -1ns, " + longest},
		{chaos.Reset{After: -1}, "reset: after is -1ns, " + longest},
		{chaos.ResetPeer{After: -1}, "reset_peer: timeout is -1ns, " + longest},
		{chaos.Cut{After: -1}, "cut: after is -1ns, " + longest},
		{chaos.Cut{Bytes: -1}, "cut: bytes is -1, want a number from 0 to 1000000000000000"},
		{chaos.LimitData{Bytes: -1}, "limit_data: bytes is -1, want a number from 0 to 1000000000000000"},
		{chaos.Bandwidth{Rate: -1}, "bandwidth: rate is -1, want a number from 0 to 1000000000000000"},
		{chaos.LimitConnections{Max: -1}, "limit_connections: max is -1, want a number from 0 to 1000000000"},
		{chaos.Error{Warmup: -1}, "error: warmup is -1, want a number from 0 to 1000000000"},
		{chaos.Transient{Agitate: -1}, "transient: agitate is -1, want a number from 0 to 1000000000"},
		{chaos.Transient{Error: chaos.Error{Warmup: -1}}, "transient: warmup is -1, want a number from 0 to 1000000000"},
		{chaos.Corrupt{Rate: 1.5}, "corrupt: rate is 1.5, want a number from 0 to 1"},
		{chaos.Slicer{AverageSize: 2e9}, "slicer: average_size is 2000000000, want a number from 1 to 1000000000"},
		{chaos.Slicer{AverageSize: 5, SizeVariation: 5}, "slicer: size_variation is 5, want a number from 0 to 4"},
		{chaos.Slicer{AverageSize: 5, Delay: -1}, "slicer: delay is -1ns, " + longest},
	}
	for _, test := range tests {
		err := chaos.Fault{Behavior: test.behavior}.Validate()
		if err == nil || err.Error() != "chaos: "+test.want {
			t.Errorf("%+v: %v, want %s", test.behavior, err, test.want)
		}
	}
}

func TestAWeakerForm(t *testing.T) {
	tests := []struct {
		behavior, want chaos.Scaled
	}{
		{chaos.Delay{Sleep: second, Before: true}, chaos.Delay{Sleep: second / 4, Before: true}},
		{chaos.Latency{Latency: second, Jitter: time.Minute}, chaos.Latency{Latency: second / 4, Jitter: 15 * second}},
		{chaos.SlowClose{Delay: second}, chaos.SlowClose{Delay: second / 4}},
		{chaos.SlowConnect{Delay: second}, chaos.SlowConnect{Delay: second / 4}},
		{chaos.Bandwidth{Rate: 1000}, chaos.Bandwidth{Rate: 4000}},
		{chaos.Bandwidth{}, chaos.Bandwidth{}},
		{chaos.Corrupt{Rate: 0.5}, chaos.Corrupt{Rate: 0.125}},
		{chaos.Mix{{20, chaos.Delay{Sleep: second}}, {40, chaos.Hang{}}}, chaos.Mix{{20, chaos.Delay{Sleep: second / 4}}, {10, chaos.Hang{}}}},
	}
	for _, test := range tests {
		if got := test.behavior.Scale(0.25); !reflect.DeepEqual(got, chaos.Behavior(test.want)) {
			t.Errorf("a quarter of %+v is %+v, want %+v", test.behavior, got, test.want)
		}
		for _, strength := range []float64{0, 1e-300, 1} {
			if err := (chaos.Fault{Behavior: test.behavior.Scale(strength)}).Validate(); err != nil {
				t.Errorf("at strength %v: %v", strength, err)
			}
		}
		if got := test.behavior.Scale(1); !reflect.DeepEqual(got, chaos.Behavior(test.behavior)) {
			t.Errorf("all of %+v is %+v", test.behavior, got)
		}
	}
}

func TestAnErrorIsRefusedWhereTheProtocolHasNone(t *testing.T) {
	type checker interface{ CheckProtocol(wire.Protocol) error }
	for _, b := range []checker{chaos.Error{Code: "503"}, chaos.Transient{Error: chaos.Error{Message: "no"}},
		chaos.Mix{{10, chaos.Dummy{}}, {10, chaos.Error{Code: "503"}}}} {
		if err := b.CheckProtocol(wire.TCP); err == nil {
			t.Errorf("%+v is accepted for tcp", b)
		}
	}
	for _, b := range []checker{chaos.Error{}, chaos.Transient{}, chaos.Mix{{10, chaos.Error{}}, {10, chaos.Hang{}}}} {
		if err := b.CheckProtocol(wire.TCP); err != nil {
			t.Errorf("%+v: %v", b, err)
		}
	}
}
