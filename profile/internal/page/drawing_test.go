package page_test

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
)

// A placed box is one of a drawing, in percent and pixels.
type placed struct {
	class, tip       string
	x, width, y, end float64
}

// boxes are those of a class, with the first line of their tooltips.
func boxes(t *testing.T, page []element, class string) []placed {
	t.Helper()
	number := func(s string) float64 {
		n, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
		if err != nil {
			t.Fatalf("a box is at %q", s)
		}
		return n
	}
	var found []placed
	for i, e := range page {
		if e.name == "svg" && strings.HasPrefix(e.attributes["class"], class+" ") {
			tip, _, _ := strings.Cut(page[i+1].text, "\n")
			b := placed{e.attributes["class"], tip, number(e.attributes["x"]), number(e.attributes["width"]), number(e.attributes["y"]), 0}
			b.end = b.x + b.width
			found = append(found, b)
		}
	}
	return found
}

func TestFunctionsOfHeelerArePale(t *testing.T) {
	res := repository(t, 0)
	res.Profile = profileOf(t, spent{"lock", ms, "github.com/heeler-go/heeler/timebox.(*handler).serve main.heeler sync.(*Mutex).Lock"})
	w := get(res, "")
	for _, b := range boxes(t, parse(t, w.Body.String()), "f") {
		pale := strings.HasPrefix(b.class, "f own ")
		if want := strings.HasPrefix(b.tip, "github.com/heeler-go/heeler/"); pale != want {
			t.Errorf("%s: class %q", b.tip, b.class)
		}
	}
	if says := "Functions of heeler are pale."; !strings.Contains(w.Body.String(), says) || strings.Contains(get(repository(t, 0), "").Body.String(), says) {
		t.Error("it is not said, or said where there are none")
	}
}

func TestFlamesAreWithinTheirCallers(t *testing.T) {
	all := boxes(t, parse(t, get(repository(t, 0), "").Body.String()), "f")
	if len(all) < 20 || all[0].tip != "all" || all[0].width != 100 {
		t.Fatalf("%d boxes, the first %+v", len(all), all[0])
	}
	above := map[float64]placed{}
	for i, b := range all {
		if i > 0 {
			if p := above[b.y-19]; b.x < p.x-0.001 || b.end > p.end+0.001 {
				t.Errorf("%+v is not within %+v", b, p)
			}
			if left, ok := above[b.y]; ok && b.x < left.end-0.001 {
				t.Errorf("%+v is over %+v", b, left)
			}
		}
		above[b.y] = b
	}
}

func TestFlamesHaveTheColourOfWhatMostOfThemWas(t *testing.T) {
	res := repository(t, 0)
	for target, want := range map[string]string{"": "f k-lock", "?by=lock": "f k-lock", "?by=network": ""} {
		got := ""
		for _, b := range boxes(t, parse(t, get(res, target).Body.String()), "f") {
			if b.tip == "sync.(*Mutex).Lock" {
				got = b.class
			}
		}
		if got != want {
			t.Errorf("%q: the class is %q, want %q", target, got, want)
		}
	}
}

func TestFlamesTooSmallToBeSeenAreLeftOut(t *testing.T) {
	res := repository(t, 0)
	res.Profile = profileOf(t, spent{"running", 100_000, "main.large"}, spent{"running", 101, "main.seen"}, spent{"running", 99, "main.unseen"})
	body := get(res, "").Body.String()
	all := boxes(t, parse(t, body), "f")
	if len(all) != 3 || all[1].tip != "main.large" || all[2].tip != "main.seen" || !strings.Contains(body, "1 box too small to be seen") {
		t.Errorf("boxes %+v", all)
	}
}

func TestFlamesThatAreAllAlikeAreDrawnAsFarAsThereIsRoom(t *testing.T) {
	var all []spent
	for i := range 900 {
		all = append(all, spent{"running", ms, strings.TrimSpace(strings.Repeat(fmt.Sprintf("main.wide%d ", i), 12))})
	}
	res := repository(t, 0)
	res.Profile = profileOf(t, all...)
	body := get(res, "").Body.String()
	if n := strings.Count(body, `<svg class="f `); n != 10_000 || !strings.Contains(body, "801 boxes too small") {
		t.Errorf("%d boxes of 10801", n)
	}
}

func TestARecursiveFunctionCountsOnce(t *testing.T) {
	res := repository(t, 0)
	res.Profile = profileOf(t, spent{"running", 6 * ms, "main.walk main.walk main.walk"}, spent{"running", 4 * ms, "main.walk"})
	cells := texts(parse(t, get(res, "").Body.String()), "td")
	if got := strings.Join(cells, "|"); !strings.Contains(got, "10.0 ms|100 %|10.0 ms|100 %") {
		t.Errorf("the cells are %s", got)
	}
}

func TestBarsAreWhereTheirTimesAre(t *testing.T) {
	res := &result.Result{State: result.Done, Timeline: result.Timeline{Rows: []result.Row{
		{ID: 1, Bars: []result.Bar{{From: 0, To: 50 * ms, State: "running"}, {From: 50 * ms, To: 200 * ms, State: "lock", Waker: "main.save"}},
			Calls: []result.CallBar{{From: 20 * ms, To: 30 * ms, Backend: "mysql", What: "SELECT 1"}}},
		{ID: 2, Parent: 1, Name: "example.com/app/cart.load", Bars: []result.Bar{{From: 150 * ms, To: 160 * ms, State: "new state"}}},
	}}, Pauses: []result.Pause{{From: 100 * ms, To: 110 * ms, What: "GC", World: true}}}
	body := get(res, "").Body.String()
	all := parse(t, body)
	var got []string
	for _, class := range []string{"bar", "call"} {
		for _, b := range boxes(t, all, class) {
			got = append(got, fmt.Sprintf("%s %g+%g at %g: %s", b.class, b.x, b.width, b.y, b.tip))
		}
	}
	want := []string{
		"bar k-running 0+25 at 3: 50.0 ms: running on a CPU",
		"bar k-lock 25+75 at 3: 150 ms: waiting for a lock",
		"bar k-other 75+5 at 36: 10.0 ms: new state",
		"call k-call 10+5 at 18: 10.0 ms: a call to mysql",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the boxes are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, want := range []string{
		`<rect class="pause world" y="0" height="100%" x="50%" width="5%"/>`, "the request <small>#1</small>", "cart.load <small>#2</small>",
		`<li class="d1"`, "ended by main.save", "2 goroutines", ">100 ms</text>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
}

func TestEveryStateHasItsOwnColourAndWords(t *testing.T) {
	var bars []result.Bar
	for i, state := range exectrace.States() {
		bars = append(bars, result.Bar{From: time.Duration(i) * ms, To: time.Duration(i+1) * ms, State: state.String()})
	}
	res := &result.Result{State: result.Done, Timeline: result.Timeline{Rows: []result.Row{{ID: 1, Bars: bars}}}}
	body := get(res, "").Body.String()
	for _, b := range boxes(t, parse(t, body), "bar") {
		class := strings.TrimPrefix(b.class, "bar ")
		if strings.Count(body, `<li><i class="swatch `+class+`"`) != 1 || strings.Count(body, "{ --k: var(--"+strings.TrimPrefix(class, "k-")+")") != 1 {
			t.Errorf("%s: one entry in the legend and one rule in the style are wanted", class)
		}
	}
	if n := strings.Count(body, `<li><i class="swatch k-`); n != len(bars) {
		t.Errorf("%d of %d states are in the legend", n, len(bars))
	}
}

// huge is a result with more of everything than a profiler keeps.
func huge(t testing.TB) *result.Result {
	res := repository(t, 0)
	bars := make([]result.Bar, 50)
	for i := range bars {
		bars[i] = result.Bar{From: time.Duration(i) * ms, To: time.Duration(i+1) * ms, State: "lock", What: strings.Repeat("a lock ", 500)}
	}
	for i := range 600 {
		res.Timeline.Rows = append(res.Timeline.Rows, result.Row{ID: int64(1000 + i), Parent: int64(999 + i), Name: "main.worker", Bars: bars})
	}
	for i := range 3000 {
		at := time.Duration(i) * time.Microsecond
		res.Pauses = append(res.Pauses, result.Pause{From: at, To: at + 1, What: fmt.Sprint("GC ", i%3)})
	}
	for i := range 1000 {
		res.Backends[0].Statements = append(res.Backends[0].Statements, result.Statement{Text: fmt.Sprint("SELECT ", i), Calls: 1})
	}
	var all []spent
	for i := range 4000 {
		all = append(all, spent{"running", ms, fmt.Sprintf("main.serve main.a%d main.b%d main.c%d main.d%d", i%10, i%100, i%1000, i)})
	}
	all = append(all, spent{"lock", 3 * time.Second, strings.TrimSpace(strings.Repeat("main.deep ", 300))})
	for i := range 100 {
		all = append(all, spent{"network", 600*ms + time.Duration(i)*time.Microsecond, strings.TrimSpace(strings.Repeat(fmt.Sprintf("main.wide%d ", i), 120))})
	}
	res.Profile = profileOf(t, all...)
	return res
}

func TestHugeResultsStayPages(t *testing.T) {
	body := get(huge(t), "").Body.String()
	flames, bars := strings.Count(body, `<svg class="f `), strings.Count(body, `<svg class="bar `)
	if flames < 1000 || flames > 10_000 || bars < 1000 || bars > 20_000 {
		t.Errorf("%d boxes in the flame graph, %d in the timeline", flames, bars)
	}
	if len(body) > 32<<20 {
		t.Errorf("the page has %d bytes", len(body))
	}
	for _, want := range []string{"101 more that are not drawn", "not all that they did is drawn", "And 981 other statements."} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestImpossibleTimesAreDrawnSomewhere(t *testing.T) {
	least, most := time.Duration(math.MinInt64), time.Duration(math.MaxInt64)
	res := repository(t, 0)
	res.Took = least
	for _, s := range [][2]time.Duration{{least, most}, {most, least}, {-1, 0}, {most, most}} {
		res.Shares = append(res.Shares, result.Share{What: "x", Time: s[0]}, result.Share{What: "x", Time: s[1]})
		res.Timeline.Rows = append(res.Timeline.Rows, result.Row{ID: 1, Parent: 1, Bars: []result.Bar{{From: s[0], To: s[1]}},
			Calls: []result.CallBar{{From: s[0], To: s[1]}}})
		res.Pauses = append(res.Pauses, result.Pause{From: s[0], To: s[1]})
	}
	res.Profile = profileOf(t, spent{"running", most, "main.a"}, spent{"running", most, "main.a main.b"}, spent{"running", least, "main.c"})
	all := parse(t, get(res, "").Body.String())
	for _, b := range append(boxes(t, all, "bar"), boxes(t, all, "call")...) {
		if b.x < 0 || b.end > 100.001 || b.width < 0 {
			t.Errorf("a box is at %+v", b)
		}
	}
}
