package page

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"time"

	"github.com/heeler-go/heeler/profile/internal/result"
)

const (
	rowHeight  = 18     // pixels of a goroutine that made no calls
	callHeight = 15     // more pixels of one that did
	maxRows    = 500    // more are only counted
	columns    = 4000   // what is shorter than this part of the whole time is drawn with what is beside it
	maxBars    = 30_000 // in all rows; with more, columns become fewer
)

// A timeline is what the template shows of a result's timeline.
type timeline struct {
	Names  []rowName
	Height int // of the rows, pixels
	Axis   template.HTML
	Rows   template.HTML
	Legend []kind // of the states that occur
	More   int    // goroutines without a row
	Calls  bool   // there are calls to backends
	Pauses bool   // there are pauses
}

// A rowName stands left of a row.
type rowName struct {
	Name  string
	ID    int64
	Depth int  // of the goroutine in the tree of those that started it, at most 6
	Calls bool // the row has a second band
}

// drawTimeline draws the rows of a result.
func drawTimeline(res *result.Result) *timeline {
	rows := res.Timeline.Rows
	if len(rows) == 0 {
		return nil
	}
	t := &timeline{More: res.Timeline.More}
	if len(rows) > maxRows {
		t.More += len(rows) - maxRows
		rows = rows[:maxRows]
	}
	total := length(rows)
	var axis, d drawing
	for _, row := range rows {
		t.Height += rowHeight
		if len(row.Calls) > 0 {
			t.Height += callHeight
			t.Calls = true
		}
	}
	t.Height++
	for _, at := range ticks(total) {
		x := part(at, total)
		axis.put(`<line x1="`).share(x).put(`" x2="`).share(x).put(`" y1="14" y2="22"/>`)
		anchor := markup("start")
		switch {
		case x > 0.97:
			anchor = "end"
		case x > 0.01:
			anchor = "middle"
		}
		axis.put(`<text y="11" x="`).share(x).put(`" text-anchor="`).put(anchor).put(`">`).text(span(at)).put(`</text>`)
		d.put(`<line class="grid" x1="`).share(x).put(`" x2="`).share(x).put(`" y1="0" y2="100%"/>`)
	}
	grid := columns
	for bars(rows, total, grid) > maxBars {
		grid /= 2
	}
	states, depth := make(map[string]bool), depths(rows)
	y := 0
	for _, row := range rows {
		t.Names = append(t.Names, rowName{row.Name, row.ID, depth[row.ID], len(row.Calls) > 0})
		for _, b := range thin(row.Bars, total, grid) {
			states[b.State] = true
			drawBar(&d, b, total, y)
		}
		y += rowHeight
		if len(row.Calls) > 0 {
			for _, c := range thinCalls(row.Calls, total, grid) {
				drawCall(&d, c, total, y)
			}
			y += callHeight
		}
		d.put(`<line class="under" x1="0" x2="100%" y1="`).pixels(y).put(`" y2="`).pixels(y).put(`"/>`)
	}
	for _, p := range thinPauses(res.Pauses, total, grid) {
		drawPause(&axis, &d, p, total)
		t.Pauses = true
	}
	t.Axis, t.Rows, t.Legend = axis.html(), d.html(), legend(states)
	return t
}

// length is the time that the timeline shows: until the last thing that happened in it.
func length(rows []result.Row) time.Duration {
	total := time.Duration(1)
	for _, row := range rows {
		for _, b := range row.Bars {
			total = max(total, b.To)
		}
		for _, c := range row.Calls {
			total = max(total, c.To)
		}
	}
	return total
}

// part is where a time stands in the whole, from 0 to 1.
func part(at, total time.Duration) float64 {
	return min(max(float64(at)/float64(total), 0), 1)
}

// ticks are about eight round times from 0 to the end.
func ticks(total time.Duration) []time.Duration {
	step := math.Pow(10, math.Floor(math.Log10(float64(total)/8)))
	for _, f := range []float64{1, 2, 5, 10} {
		if float64(total)/(step*f) <= 9 {
			step *= f
			break
		}
	}
	at := []time.Duration{0}
	for i := 1; i < 12; i++ {
		if t := time.Duration(float64(i) * max(step, 1)); t <= total {
			at = append(at, t)
		}
	}
	return at
}

// depths says how deep each goroutine is in the tree of those that started them.
func depths(rows []result.Row) map[int64]int {
	depth := make(map[int64]int, len(rows))
	for _, row := range rows { // each comes after its parent
		if above, ok := depth[row.Parent]; ok && row.Parent != row.ID {
			depth[row.ID] = min(above+1, 6)
		} else {
			depth[row.ID] = 0
		}
	}
	return depth
}

// bars counts what a grid would have to draw.
func bars(rows []result.Row, total time.Duration, grid int) int {
	n := 0
	for _, row := range rows {
		n += len(thin(row.Bars, total, grid)) + len(thinCalls(row.Calls, total, grid))
	}
	return n
}

// thin leaves out bars that begin in the same column of the grid as a longer one, for which nobody could
// see them.
func thin(all []result.Bar, total time.Duration, grid int) []result.Bar {
	var kept []result.Bar
	last := -1
	for _, b := range all {
		if b.To < b.From {
			continue
		}
		column := int(part(b.From, total) * float64(grid))
		switch {
		case column > last || len(kept) == 0:
			kept = append(kept, b)
			last = column
		case b.To-b.From > kept[len(kept)-1].To-kept[len(kept)-1].From:
			kept[len(kept)-1] = b
		}
	}
	return kept
}

// thinCalls is thin for calls; they may overlap, as a goroutine's calls can be nested.
func thinCalls(all []result.CallBar, total time.Duration, grid int) []result.CallBar {
	asBars := make([]result.Bar, len(all))
	for i, c := range all {
		asBars[i] = result.Bar{From: c.From, To: c.To, State: c.Backend, What: c.What}
	}
	var kept []result.CallBar
	for _, b := range thin(asBars, total, grid) {
		kept = append(kept, result.CallBar{From: b.From, To: b.To, Backend: b.State, What: b.What})
	}
	return kept
}

// thinPauses is thin for pauses, of each sort apart.
func thinPauses(all []result.Pause, total time.Duration, grid int) []result.Pause {
	var kept []result.Pause
	for _, world := range []bool{false, true} {
		var asBars []result.Bar
		for _, p := range all {
			if p.World == world {
				asBars = append(asBars, result.Bar{From: p.From, To: p.To, What: p.What})
			}
		}
		for _, b := range thin(asBars, total, min(grid, 1000)) {
			kept = append(kept, result.Pause{From: b.From, To: b.To, What: b.What, World: world})
		}
	}
	return kept
}

// drawBar draws what a goroutine did.
func drawBar(d *drawing, b result.Bar, total time.Duration, y int) {
	k := kindOf(b.State)
	what := b.What
	if what == "" {
		what = k.Words
	}
	tip := fmt.Sprintf("%s: %s\nfrom %s to %s", span(b.To-b.From), clip(what, 300), span(b.From), span(b.To))
	if b.Waker != "" {
		tip += "\nended by " + clip(b.Waker, 300)
	}
	x := part(b.From, total)
	d.box(box{class: "bar", kind: k, x: x, width: part(b.To, total) - x, y: y + 3, height: rowHeight - 5, tooltip: tip})
}

// drawCall draws a call to a backend.
func drawCall(d *drawing, c result.CallBar, total time.Duration, y int) {
	x := part(c.From, total)
	call := box{class: "call", kind: kind{Class: "k-call"}, x: x, width: part(c.To, total) - x, y: y, height: callHeight - 3,
		tooltip: fmt.Sprintf("%s: a call to %s\n%s", span(c.To-c.From), clip(c.Backend, 100), clip(c.What, 500))}
	if call.width > 0.03 {
		call.label, call.labelBaseline = clip(c.Backend+" "+c.What, 120), 10
	}
	d.box(call)
}

// drawPause draws a pause: a band over all rows, which lets the pointer through to what is below, and its
// mark on the axis, which has the tooltip.
func drawPause(axis, d *drawing, p result.Pause, total time.Duration) {
	class := markup("pause")
	if p.World {
		class = "pause world"
	}
	x := part(p.From, total)
	width := part(p.To, total) - x
	d.put(`<rect class="`).put(class).put(`" y="0" height="100%" x="`).share(x).put(`" width="`).share(width).put("\"/>\n")
	axis.put(`<rect class="`).put(class).put(`" y="15" height="7" x="`).share(x).put(`" width="`).share(width)
	axis.put(`"><title>`).text(span(p.To - p.From)).put(`: `).text(clip(p.What, 300)).put("</title></rect>\n")
}

// legend are the kinds of states that occur, in the usual order, and once each.
func legend(states map[string]bool) []kind {
	var found []kind
	for _, name := range stateNames {
		if states[name] {
			found = append(found, kindOf(name))
		}
	}
	for name := range states {
		if !slices.Contains(stateNames, name) {
			return append(found, kindOf("other"))
		}
	}
	return found
}
