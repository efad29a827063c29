package graph_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

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
