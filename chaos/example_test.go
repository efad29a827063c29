package chaos_test

import (
	"fmt"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// A delay that grows to three seconds over a minute, shrinks for another, and strikes a third of the
// requests.
func ExampleFault() {
	fault := chaos.Fault{
		Behavior: chaos.Delay{Sleep: 3 * time.Second},
		Share:    1.0 / 3,
		Schedule: chaos.Schedule{Grow: time.Minute, End: 2 * time.Minute, Shrink: time.Minute},
	}
	fmt.Println(fault.Validate())
	for _, since := range []time.Duration{20 * time.Second, time.Minute, 90 * time.Second, 2 * time.Minute} {
		fmt.Printf("after %v: %.0f %%\n", since, 100*fault.Schedule.Strength(since))
	}
	// Output:
	// <nil>
	// after 20s: 33 %
	// after 1m0s: 100 %
	// after 1m30s: 50 %
	// after 2m0s: 0 %
}

// Of a hundred requests twenty are late, five get an error, and the others nothing.
func ExampleMix() {
	mix := chaos.Mix{
		{Percent: 20, Behavior: chaos.Delay{Sleep: time.Second}},
		{Percent: 5, Behavior: chaos.Error{Code: "503"}},
	}
	fmt.Println(mix, mix.Validate())
	// Output: 20:delay,5:error <nil>
}

func ExampleParsePercents() {
	mix, err := chaos.ParsePercents("20:delay,5:error", chaos.Behaviors())
	fmt.Printf("%+v %v\n", mix[0], err)
	_, err = chaos.ParsePercents("20:delay,90:error", chaos.Behaviors())
	fmt.Println(err)
	// Output:
	// {Percent:20 Behavior:{Sleep:1s Before:true}} <nil>
	// chaos: mix: 20:delay,90:error is 110 percent in total, want no more than 100
}

func ExampleDecodeAttributes() {
	latency, err := chaos.DecodeAttributes(chaos.Latency{}, []byte(`{"latency": 1000, "jitter": "50ms"}`), true)
	fmt.Printf("%+v %v\n", latency, err)
	fmt.Printf("%s\n", chaos.EncodeAttributes(latency))
	_, err = chaos.DecodeAttributes(chaos.Latency{}, []byte(`{"latency": "soon"}`), true)
	fmt.Println(err)
	// Output:
	// {Latency:1s Jitter:50ms} <nil>
	// {"latency":1000,"jitter":50}
	// chaos: latency: latency is "soon", want a number of ms, or a time such as 300ms, of at most 1000h0m0s
}

// Late is a behavior of a program's own: it is one method that decides, and fields that can be set by
// name.
type Late struct {
	By time.Duration `attr:"by" unit:"ms" help:"how late the first request of a connection is"`
}

func (Late) Name() string { return "late" }

func (l Late) Strike(e *chaos.Event) {
	if e.Moment == chaos.Request && e.Request == 1 {
		e.Delay += l.By
	}
}

func ExampleBehavior() {
	all := append(chaos.Behaviors(), Late{By: time.Second})
	mix, err := chaos.ParsePercents("50:late", all)
	fmt.Println(mix, err)
	for _, a := range chaos.Attributes(Late{By: time.Second}) {
		fmt.Printf("%s: %s (%s in %s, %s)\n", a.Name, a.Help, a.Type, a.Unit, a.Value)
	}
	// Output:
	// 50:late <nil>
	// by: how late the first request of a connection is (time in ms, 1000)
}
