package chaos_test

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// What clients of Vaurien and of toxiproxy send, and what they get to see.
func TestAttributesAreThoseThatClientsKnow(t *testing.T) {
	tests := []struct {
		name, object string
		want         chaos.Behavior
		encoded      string
	}{
		{"delay", ``, chaos.Delay{Sleep: second, Before: true}, `{"sleep":1,"before":true}`},
		{"delay", `{"sleep":3}`, chaos.Delay{Sleep: 3 * second, Before: true}, `{"sleep":3,"before":true}`},
		{"delay", `{"sleep":0.25,"before":false}`, chaos.Delay{Sleep: second / 4}, `{"sleep":0.25,"before":false}`},
		{"delay", `{"sleep":"2","before":"no"}`, chaos.Delay{Sleep: 2 * second}, `{"sleep":2,"before":false}`},
		{"error", ``, chaos.Error{}, `{"code":"","message":"","inject":false,"warmup":0}`},
		{"error", `{"code":503,"message":"go \"away\"","inject":"y","warmup":5}`,
			chaos.Error{Code: "503", Message: `go "away"`, Inject: true, Warmup: 5}, `{"code":"503","message":"go \"away\"","inject":true,"warmup":5}`},
		{"transient", ``, chaos.Transient{Agitate: 1}, `{"agitate":1,"code":"","message":"","inject":false,"warmup":0}`},
		{"transient", `{"agitate":7,"code":"LOADING"}`, chaos.Transient{Agitate: 7, Error: chaos.Error{Code: "LOADING"}},
			`{"agitate":7,"code":"LOADING","message":"","inject":false,"warmup":0}`},
		{"hang", `null`, chaos.Hang{}, `{}`},
		{"latency", ` {"latency":1000, "jitter":10} `, chaos.Latency{Latency: second, Jitter: 10 * time.Millisecond}, `{"latency":1000,"jitter":10}`},
		{"latency", `{"latency":"1m30s","jitter":0.001}`, chaos.Latency{Latency: 90 * second, Jitter: time.Microsecond}, `{"latency":90000,"jitter":0.001}`},
		{"bandwidth", `{"rate":100}`, chaos.Bandwidth{Rate: 100_000}, `{"rate":100}`},
		{"bandwidth", `{"rate":0.05}`, chaos.Bandwidth{Rate: 50}, `{"rate":0.05}`},
		{"slow_close", `{"delay":100}`, chaos.SlowClose{Delay: second / 10}, `{"delay":100}`},
		{"timeout", `{"timeout":5000}`, chaos.Timeout{Timeout: 5 * second}, `{"timeout":5000}`},
		{"reset_peer", `{"timeout":5}`, chaos.ResetPeer{After: 5 * time.Millisecond}, `{"timeout":5}`},
		{"slicer", `{"average_size":64,"size_variation":32,"delay":10}`,
			chaos.Slicer{AverageSize: 64, SizeVariation: 32, Delay: 10 * time.Microsecond}, `{"average_size":64,"size_variation":32,"delay":10}`},
		{"limit_data", `{"bytes":1e3}`, chaos.LimitData{Bytes: 1000}, `{"bytes":1000}`},
		{"noop", `{}`, chaos.Noop{}, `{}`},
		{"cut", `{"bytes":5,"after":10,"reset":true}`, chaos.Cut{Bytes: 5, After: 10 * time.Millisecond, Reset: true}, `{"bytes":5,"after":10,"reset":true}`},
		{"corrupt", `{"rate":0.00001}`, chaos.Corrupt{Rate: 0.00001}, `{"rate":1e-05}`},
	}
	for _, test := range tests {
		got, err := chaos.DecodeAttributes(chaos.ByName(chaos.Behaviors(), test.name), []byte(test.object), true)
		if err != nil || got != test.want {
			t.Errorf("%s %s: %+v, %v, want %+v", test.name, test.object, got, err, test.want)
			continue
		}
		if encoded := chaos.EncodeAttributes(got); string(encoded) != test.encoded || !json.Valid(encoded) {
			t.Errorf("%+v is encoded as %s, want %s", got, encoded, test.encoded)
		}
	}
}

func TestAttributesThatAreNotNamedStay(t *testing.T) {
	was := chaos.Slicer{AverageSize: 10, SizeVariation: 5, Delay: second}
	got, err := chaos.DecodeAttributes(was, []byte(`{"average_size":20,"delay":null}`), true)
	if want := (chaos.Slicer{AverageSize: 20, SizeVariation: 5, Delay: second}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if was.AverageSize != 10 {
		t.Error("the behavior itself has changed")
	}
}

func TestAttributesThatCannotBe(t *testing.T) {
	const boolean, whole = "true or false", "a whole number of at most 1000000000000000"
	seconds, ms := "a number of s, or a time such as 300ms, of at most 1000h0m0s", "a number of ms, or a time such as 300ms, of at most 1000h0m0s"
	tests := []struct{ name, object, attribute, want string }{
		{"delay", `{"sleep":"soon"}`, "sleep", `"soon", want ` + seconds},
		{"delay", `{"sleep":true}`, "sleep", `"true", want ` + seconds},
		{"delay", `{"sleep":[1]}`, "sleep", `"[1]", want ` + seconds},
		{"delay", `{"sleep":"NaN"}`, "sleep", `"NaN", want ` + seconds},
		{"delay", `{"sleep":"1001h"}`, "sleep", `"1001h", want ` + seconds},
		{"delay", `{"sleep":1e300}`, "sleep", `"1e300", want ` + seconds},
		{"delay", `{"sleep":1e999}`, "sleep", `"1e999", want ` + seconds},
		{"latency", `{"jitter":-1e300}`, "jitter", `"-1e300", want ` + ms},
		{"delay", `{"before":"perhaps"}`, "before", `"perhaps", want ` + boolean},
		{"delay", `{"before":2}`, "before", `"2", want ` + boolean},
		{"error", `{"warmup":1.5}`, "warmup", `"1.5", want ` + whole},
		{"error", `{"warmup":99999999999999999999}`, "warmup", `"99999999999999999999", want ` + whole},
		{"limit_data", `{"bytes":{}}`, "bytes", `"{}", want ` + whole},
		{"bandwidth", `{"rate":1e13}`, "rate", `"1e13", want a number of KB/s, of at most 1000000000000`},
		{"corrupt", `{"rate":"Inf"}`, "rate", `"Inf", want a number`},
		{"delay", `{"zzz":1,"slep":1}`, "slep", `not an attribute, want one of sleep, before`},
		{"hang", `{"long":true}`, "long", `not an attribute, want no attributes at all`},
	}
	for _, test := range tests {
		b, err := chaos.DecodeAttributes(chaos.ByName(chaos.Behaviors(), test.name), []byte(test.object), true)
		want := "chaos: " + test.name + ": " + test.attribute + " is " + test.want
		var field *chaos.AttributeError
		if b != nil || !errors.As(err, &field) || field.Attribute != test.attribute || err.Error() != want {
			t.Errorf("%s %s: %v, %v\nwant %s", test.name, test.object, b, err, want)
		}
	}
	for _, object := range []string{`[1]`, `"sleep"`, `{`, `{"sleep":1}x`, `7`} {
		if b, err := chaos.DecodeAttributes(chaos.Delay{}, []byte(object), false); b != nil || err == nil ||
			!strings.Contains(err.Error(), "want a JSON object") {
			t.Errorf("%s: %v, %v", object, b, err)
		}
	}
}

// Vaurien's and toxiproxy's APIs take options that a behavior does not have.
func TestUnknownAttributesCanBeIgnored(t *testing.T) {
	got, err := chaos.DecodeAttributes(chaos.Delay{}, []byte(`{"sleep":3,"color":{"red":1}}`), false)
	if want := (chaos.Delay{Sleep: 3 * second}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if _, err := chaos.DecodeAttributes(chaos.Delay{}, []byte(`{"sleep":"x","color":1}`), false); err == nil {
		t.Error("a known attribute can be anything")
	}
}

func TestAttributesOfFlags(t *testing.T) {
	got, err := chaos.ParseAttributes(chaos.Delay{}, map[string]string{"sleep": " 300ms", "before": "On"})
	if want := (chaos.Delay{Sleep: 300 * time.Millisecond, Before: true}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	if got, err := chaos.ParseAttributes(chaos.Delay{}, map[string]string{"wait": "1"}); err == nil {
		t.Errorf("an unknown one is accepted: %+v", got)
	}
}

func TestAttributesAreDescribed(t *testing.T) {
	want := []chaos.Attribute{
		{"sleep", "time", "s", "1", "how long"},
		{"before", "boolean", "", "true", "hold up the request, rather than the answer"},
	}
	if got := chaos.Attributes(chaos.ByName(chaos.Behaviors(), "delay")); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, b := range chaos.Behaviors() {
		for _, a := range chaos.Attributes(b) {
			if a.Help == "" || a.Type == "time" && a.Unit == "" {
				t.Errorf("%s: %+v", b.Name(), a)
			}
		}
	}
	if got := chaos.Attributes(chaos.Mix{{10, chaos.Delay{}}}); got != nil {
		t.Errorf("a mix has attributes: %v", got)
	}
}

// Odd is a behavior of a program's own, by pointer and with all the types there are.
type Odd struct {
	Wait  time.Duration `attr:"wait" unit:"us"`
	Count int           `attr:"count"`
	Big   int64         `attr:"big"`
	Part  float64       `attr:"part"`
	On    bool          `attr:"on"`
	Word  string        `attr:"word"`
	Other []string
}

func (*Odd) Name() string        { return "odd" }
func (*Odd) Strike(*chaos.Event) {}

func TestAttributesOfAProgramsOwnBehavior(t *testing.T) {
	mine := &Odd{Count: 1, Other: []string{"kept"}}
	got, err := chaos.DecodeAttributes(mine, []byte(`{"wait":-1.5,"big":-7,"part":-0.5,"on":1,"word":"w"}`), true)
	want := &Odd{Wait: -1500, Count: 1, Big: -7, Part: -0.5, On: true, Word: "w", Other: []string{"kept"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("%+v, %v, want %+v", got, err, want)
	}
	if mine.Big != 0 {
		t.Error("the behavior itself has changed")
	}
	if s := string(chaos.EncodeAttributes(got)); s != `{"wait":-1.5,"count":1,"big":-7,"part":-0.5,"on":true,"word":"w"}` {
		t.Error(s)
	}
}

type Broken struct {
	Odd
	List []string `attr:"list"`
}

func TestAnAttributeOfAnotherTypeIsAMistake(t *testing.T) {
	defer func() {
		if got, _ := recover().(string); !strings.Contains(got, "attribute of type []string, want a time.Duration") {
			t.Errorf("it says %q", got)
		}
	}()
	chaos.Attributes(&Broken{})
}

// Whatever is sent, it is refused with an error, or comes back as it was understood.
func FuzzAttributes(f *testing.F) {
	for _, object := range []string{`{}`, `null`, ``, `{"sleep":0.1,"before":"yes","latency":1e3,"rate":0.123}`, `{"sleep":"-3h"}`,
		`{"rate":1e-300,"bytes":-1}`, `{"average_size":9223372036854775807,"delay":0.0001}`, `{"code":"\u2028<","message":"\ud800"}`,
		`{"after":3599999999.999999}`, `{"sleep":3599999.999999999}`, `{"rate":999999999999.999}`} {
		f.Add([]byte(object))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		for _, b := range chaos.Behaviors() {
			got, err := chaos.DecodeAttributes(b, object, false)
			if err != nil {
				if got != nil || !strings.HasPrefix(err.Error(), "chaos: ") {
					t.Fatalf("%v and %q", got, err)
				}
				continue
			}
			encoded := chaos.EncodeAttributes(got)
			again, err := chaos.DecodeAttributes(b, encoded, true)
			if err != nil || again != got {
				t.Fatalf("%s: %s is %+v, that is written as %s, and that is read as %+v, %v", b.Name(), object, got, encoded, again, err)
			}
			if (chaos.Fault{Behavior: got}).Validate() != nil {
				continue
			}
			for m := chaos.Connect; m <= chaos.End; m++ { // none of them may panic
				struck(got, chaos.Event{Moment: m, Data: []byte("data"), Passed: math.MaxInt64 >> 1})
			}
		}
	})
}
