package graph_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile/internal/graph"
)

func TestTheGraphIsOfOneSampleType(t *testing.T) {
	for sampleType, want := range map[string][]string{
		"wall":    {`tooltip="main.main (100ms)"`, `tooltip="main.(*Store).query (60ms)"`},
		"running": {`tooltip="main.main (40ms)"`, `tooltip="encoding/json.Marshal (30ms)"`},
		"network": {`tooltip="main.main (60ms)"`},
		"":        {"Type: wall"}, // the profile's own default
	} {
		dot, err := graph.DOT(t.Context(), shop(), sampleType)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range want {
			if !strings.Contains(string(dot), text) {
				t.Errorf("%q: there is no %s in\n%s", sampleType, text, dot)
			}
		}
	}
}

func TestTheLastSampleTypeIsTheDefaultOfAProfileWithout(t *testing.T) {
	p := shop()
	p.DefaultSampleType = ""
	dot, err := graph.DOT(t.Context(), p, "")
	if err != nil || !strings.Contains(string(dot), "Type: network") {
		t.Errorf("%v, %s", err, dot)
	}
}

func TestAnUnknownSampleTypeIsToldWhatIsAccepted(t *testing.T) {
	_, err := graph.DOT(t.Context(), shop(), "cpu")
	const want = `graph: sample type "cpu": accepted are "wall", "running", "network"`
	if err == nil || err.Error() != want {
		t.Errorf("%v, not %s", err, want)
	}
}

func TestWhatMattersLeastIsLeftOut(t *testing.T) {
	p := shop() // 100 ms
	add(p, []int64{600e3, 0, 0}, "main.above", "main.main")
	add(p, []int64{400e3, 0, 0}, "main.below", "main.main")
	add(p, []int64{150e3, 0, 0}, "main.cart", "main.rare", "main.render", "main.main")
	dot, err := graph.DOT(t.Context(), p, "wall")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(dot), "main.above") {
		t.Error("a node of 0.6 % is missing")
	}
	if strings.Contains(string(dot), "main.below") {
		t.Error("a node of 0.4 % is there")
	}
	if !strings.Contains(string(dot), "main.render ... main.cart") {
		t.Error("an edge of 0.15 % is missing")
	}
	add(p, []int64{50e3, 0, 0}, "main.(*Store).query", "main.render", "main.main")
	if dot, _ = graph.DOT(t.Context(), p, "wall"); strings.Contains(string(dot), "main.render -> main.(*Store).query") {
		t.Error("an edge of 0.05 % is there")
	}
}

func TestAnEmptyProfileHasAGraphWithoutNodes(t *testing.T) {
	p := shop()
	p.Sample = nil
	dot, err := graph.DOT(t.Context(), p, "wall")
	if err != nil || !strings.HasPrefix(string(dot), "digraph") || strings.Contains(string(dot), "N1") {
		t.Errorf("%v, %s", err, dot)
	}
}

func TestWhatIsNoProfileIsAnError(t *testing.T) {
	for want, broken := range map[string]func() *profile.Profile{
		"there is no profile":                 func() *profile.Profile { return nil },
		"the profile has no sample type":      func() *profile.Profile { return &profile.Profile{} },
		"sample type 0 of the profile is nil": func() *profile.Profile { return &profile.Profile{SampleType: make([]*profile.ValueType, 1)} },
		"sample 1 of the profile has a location that is nil": func() *profile.Profile {
			p := shop()
			p.Sample[1].Location[0] = nil
			return p
		},
		"sample 2 of the profile has not one value for each of 3 sample types": func() *profile.Profile {
			p := shop()
			p.Sample[2].Value = p.Sample[2].Value[:1]
			return p
		},
		"sample 0 of the profile has not one value": func() *profile.Profile {
			p := shop()
			p.Sample[0] = nil
			return p
		},
	} {
		if _, err := graph.DOT(t.Context(), broken(), ""); err == nil || !strings.HasPrefix(err.Error(), "graph: "+want) {
			t.Errorf("%v, not graph: %s", err, want)
		}
	}
}

func TestTheProfileStaysAsItIs(t *testing.T) {
	p := shop()
	p.Mapping = []*profile.Mapping{{ID: 1, File: "/srv/shop", BuildID: "4f1d"}}
	p.DocURL = "https://example.com/"
	before := fmt.Sprint(p.DocURL, p.Mapping[0].BuildID, p.Function[0].Filename, p.String())
	if _, err := graph.DOT(t.Context(), p, "wall"); err != nil {
		t.Fatal(err)
	}
	get(t, p, "flamegraph?f=cart&g=lines&noinlines=t")
	if after := fmt.Sprint(p.DocURL, p.Mapping[0].BuildID, p.Function[0].Filename, p.String()); after != before {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
}

func TestManyGraphsOfOneProfileAtOnce(t *testing.T) {
	p := shop()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			sampleType := p.SampleType[i%3].Type
			dot, err := graph.DOT(t.Context(), p, sampleType)
			if err != nil || !strings.Contains(string(dot), "Type: "+sampleType) {
				t.Errorf("%s: %v, %s", sampleType, err, dot)
			}
		})
	}
	wg.Wait()
}

// hostile are names that would break out of Graphviz's language, of a page, of a script, or of patience.
var hostile = []string{
	`<script>document.title="owned"</script>`, `</script><img src=x onerror=alert(1)>`, `"] x [URL="javascript:alert(1)`,
	`"; image="/etc/passwd`, `\`, `a\"b`, "two\nlines", "two\r\nlines\x00\x1b[31m", "\u2028\u2029", "é世界\u202eabc", "\xff\xfe",
	`{{.}}${x}` + "`", `-->`, `]]>`, `&amp;&lt;`, `(*)+[`, strings.Repeat("long", 25<<10), strings.Repeat("é", 1<<10), "",
}

// hostileShop has the names everywhere that a name may be.
func hostileShop(names ...string) *profile.Profile {
	p := shop()
	for i, name := range names {
		s := add(p, []int64{20e6, 1e6, 19e6}, name+fmt.Sprint(i), "main.main")
		s.Location[0].Line[0].Function.Filename = name
		s.Label = map[string][]string{name: {name, "b"}, "state": {name}}
		s.NumLabel = map[string][]int64{name: {1, 2}, "bytes": {math.MinInt64}}
		s.NumUnit = map[string][]string{name: {name, name}, "bytes": {name}}
		p.Comments = append(p.Comments, name)
	}
	last := names[len(names)-1]
	p.Mapping = []*profile.Mapping{{ID: 1, File: last, BuildID: last}}
	p.DocURL = last
	p.SampleType = append(p.SampleType, &profile.ValueType{Type: last, Unit: last})
	p.PeriodType = &profile.ValueType{Type: last, Unit: last}
	for _, s := range p.Sample {
		s.Value = append(s.Value, 1)
	}
	return p
}

func TestHostileNamesStayInTheirQuotes(t *testing.T) {
	for _, name := range hostile {
		p := hostileShop(name)
		for _, sampleType := range []string{"wall", name} {
			dot, err := graph.DOT(t.Context(), p, sampleType)
			if err != nil {
				t.Fatalf("%.40q: %v", name, err)
			}
			if len(dot) > 100<<10 {
				t.Errorf("%.40q: the graph has %d bytes", name, len(dot))
			}
			checkDOT(t, dot)
		}
	}
}

// checkDOT fails if a graph has an attribute, outside of the quotation marks, that pprof does not give it.
func checkDOT(t *testing.T, dot []byte) {
	t.Helper()
	var outside strings.Builder
	inside := false
	for i := 0; i < len(dot); i++ {
		switch {
		case inside && dot[i] == '\\':
			i++
		case dot[i] == '"':
			inside = !inside
		case !inside:
			outside.WriteByte(dot[i])
		case dot[i] < ' ':
			t.Errorf("there is a control character %q within quotation marks: %s", dot[i], dot)
		}
	}
	for _, word := range []string{"URL", "image", "javascript", "script"} {
		if inside || strings.Contains(outside.String(), word) {
			t.Errorf("something has left its quotation marks: %.2000s", dot)
			return
		}
	}
}

func FuzzDOTOfAnyNames(f *testing.F) {
	for _, name := range hostile {
		f.Add(name, "wall", int64(1))
	}
	f.Fuzz(func(t *testing.T, name, sampleType string, value int64) {
		p := hostileShop(name)
		p.Sample[0].Value[0] = value
		dot, err := graph.DOT(t.Context(), p, sampleType)
		if err == nil {
			checkDOT(t, dot)
		}
	})
}

func FuzzDOTOfAnyProfile(f *testing.F) {
	var b bytes.Buffer
	if err := shop().WriteUncompressed(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := profile.ParseUncompressed(data)
		if err != nil {
			return
		}
		if dot, err := graph.DOT(t.Context(), p, ""); err == nil {
			checkDOT(t, dot)
		}
		get(t, p, "flamegraph")
	})
}

// Labels would be nodes beside most functions, and take from the 80 that there are.
func TestTheGraphIsOfFunctionsOnly(t *testing.T) {
	p := shop()
	p.Sample[0].NumLabel = map[string][]int64{"bytes": {4096}}
	dot, err := graph.DOT(t.Context(), p, "wall")
	if err != nil || strings.Contains(string(dot), "main #1") || strings.Contains(string(dot), "4096") {
		t.Errorf("%v, %s", err, dot)
	}
	if p.Sample[0].Label == nil {
		t.Error("the profile itself has lost its labels")
	}
}

func TestTheGraphSaysEachTimeInTheUnitThatSuitsIt(t *testing.T) {
	p := shop()
	add(p, []int64{700e3, 0, 0}, "main.quick", "main.main")
	dot, err := graph.DOT(t.Context(), p, "wall")
	for _, want := range []string{"main.quick (700us)", "main.main (100.70ms)"} {
		if err != nil || !strings.Contains(string(dot), want) {
			t.Errorf("%v, there is no %s in\n%s", err, want, dot)
		}
	}
}

func TestAGraphIsNotMadeForWhoHasLeft(t *testing.T) {
	release := graph.HoldTurn()
	defer release()
	gone, leave := context.WithCancelCause(t.Context())
	left := errors.New("the client has left")
	leave(left)
	if _, err := graph.DOT(gone, shop(), "wall"); !errors.Is(err, left) {
		t.Error(err)
	}
}
