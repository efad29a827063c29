package graph_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/internal/graph"
)

// needDot skips a test where Graphviz is not installed. In CI it has to be.
func needDot(t *testing.T) {
	t.Helper()
	if graph.Available() {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("there is no dot: install graphviz")
	}
	t.Skip("there is no dot: install graphviz")
}

func TestDotDrawsTheGraph(t *testing.T) {
	needDot(t)
	dot, err := graph.DOT(t.Context(), shop(), "wall")
	if err != nil {
		t.Fatal(err)
	}
	for format, want := range map[string]string{"svg": "<svg", "pdf": "%PDF-"} {
		picture, err := graph.Draw(t.Context(), dot, format)
		if err != nil || !bytes.Contains(picture, []byte(want)) {
			t.Errorf("%s: %v, %.200q", format, err, picture)
		}
	}
}

func TestDotDrawsHostileNames(t *testing.T) {
	needDot(t)
	dot, err := graph.DOT(t.Context(), hostileShop(hostile...), "wall")
	if err != nil {
		t.Fatal(err)
	}
	svg, err := graph.Draw(t.Context(), dot, "svg")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "<image", "<img", "href"} {
		if bytes.Contains(svg, []byte(bad)) {
			t.Errorf("there is a %s in %s", bad, svg)
		}
	}
}

func TestOtherFormatsAreNotDrawn(t *testing.T) {
	_, err := graph.Draw(t.Context(), nil, "png:gd -o/tmp/x")
	const want = `graph: format "png:gd -o/tmp/x": accepted are "svg" and "pdf"`
	if err == nil || err.Error() != want {
		t.Errorf("%v, not %s", err, want)
	}
}

func TestWhatIsNoGraphIsAnErrorOfDot(t *testing.T) {
	needDot(t)
	_, err := graph.Draw(t.Context(), []byte("digraph {"), "svg")
	if err == nil || !strings.HasPrefix(err.Error(), "graph: dot: exit status") || !strings.Contains(err.Error(), "syntax error") {
		t.Error(err)
	}
}

func TestWithoutDotNothingIsDrawn(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if graph.Available() {
		t.Error("it is said to be available")
	}
	if _, err := graph.Draw(t.Context(), nil, "svg"); !errors.Is(err, graph.ErrNoDot) {
		t.Error(err)
	}
	response := get(t, shop(), "graph?f=cart")
	if to := response.Header.Get("Location"); response.StatusCode != 303 || to != "flamegraph?f=cart" {
		t.Errorf("%d to %q", response.StatusCode, to)
	}
	if text := body(t, get(t, shop(), "top")); strings.Contains(text, `href="./graph"`) {
		t.Error("the menu has the graph")
	}
}

// instead puts a script in dot's place.
func instead(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "dot"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

func TestDotIsKilledWithTheContext(t *testing.T) {
	instead(t, "exec sleep 60")
	gone := errors.New("the client has left")
	ctx, cancel := context.WithCancelCause(t.Context())
	time.AfterFunc(100*time.Millisecond, func() { cancel(gone) })
	began := time.Now()
	if _, err := graph.Draw(ctx, nil, "svg"); !errors.Is(err, gone) {
		t.Error(err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}

// Many who look at graphs at once must not take all CPUs from the program that they look at.
func TestTwoPicturesAreMadeAtATime(t *testing.T) {
	running := t.TempDir()
	instead(t, `touch "`+running+`/$$"; ls "`+running+`" | wc -l; sleep 0.05; rm "`+running+`/$$"`)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			count, err := graph.Draw(t.Context(), nil, "svg")
			if n := strings.TrimSpace(string(count)); err != nil || n != "1" && n != "2" {
				t.Errorf("%v, %s run", err, n)
			}
		})
	}
	wg.Wait()
}

func TestATooLargePictureIsGivenUp(t *testing.T) {
	instead(t, "exec cat /dev/zero")
	_, err := graph.Draw(t.Context(), nil, "svg")
	if err == nil || !strings.Contains(err.Error(), "the picture is over the limit of 33554432 bytes") {
		t.Error(err)
	}
}

func TestWhatDotComplainsAboutIsCutShort(t *testing.T) {
	instead(t, "head -c 100000 /dev/zero | tr '\\0' x >&2; exit 3")
	_, err := graph.Draw(t.Context(), nil, "svg")
	if err == nil || !strings.HasPrefix(err.Error(), "graph: dot: exit status 3: xxx") || len(err.Error()) > 2<<10 {
		t.Errorf("%.100v", err)
	}
}

func TestDotFailingIsAnErrorPage(t *testing.T) {
	instead(t, "exit 3")
	if status := get(t, shop(), "graph").StatusCode; status != 500 {
		t.Error(status)
	}
}

func TestThePageOfTheGraph(t *testing.T) {
	needDot(t)
	text := body(t, get(t, shop(), "graph?i=render&si=running"))
	for _, want := range []string{
		`<div id="graph"><svg `, `id="search"`, `href="./top"`,
		`viewer(new URL(window.location.href), ["","encoding/json.Marshal","main.main","main.cart"]);`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
	for _, bad := range []string{"main.render", "toptable\"", "<?xml"} {
		if strings.Contains(text, bad) {
			t.Errorf("there is a %s in\n%s", bad, text)
		}
	}
}

func TestThePageOfTheGraphTakesOptions(t *testing.T) {
	needDot(t)
	for query, want := range map[string]int{
		"": 200, "n=100000000": 200, "n=-1": 200, "n=0": 200, "sort=cum&g=lines": 200, "g=addresses&calltree=t": 200, "nf=0&ef=0": 200,
		"sort=x": 400, "g=focus": 400, "g=nodecount": 400, "n=x": 400, "f=(": 400, "mean=perhaps": 400, "nf=1e999": 400, "tf=99999999999999999999": 400,
	} {
		if status := get(t, hostileShop(hostile...), "graph?"+query).StatusCode; status != want {
			t.Errorf("%s: %d, not %d", query, status, want)
		}
	}
}

func TestThePageOfTheGraphHasABoundedNumberOfNodes(t *testing.T) {
	needDot(t)
	p := shop()
	for i := range 400 {
		add(p, []int64{1e6, 0, 0}, fmt.Sprint("main.f", i), "main.main").Label = nil // which would count as nodes
	}
	for query, want := range map[string]int{"nf=0&n=9999999": 300, "nf=0&n=-7": 300, "nf=0": 80, "nf=0&n=7": 7} {
		text := body(t, get(t, p, "graph?"+query))
		if got := len(regexp.MustCompile(`<g id="node[0-9]+" class="node">`).FindAllString(text, -1)); got > want || got < want*9/10 {
			t.Errorf("%s: %d nodes, not %d", query, got, want)
		}
	}
}
