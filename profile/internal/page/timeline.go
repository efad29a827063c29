package page

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/profile/internal/result"
)

const (
	rowHeight  = 18 // pixels of a goroutine that made no calls
	callHeight = 15 // more pixels of one that did

	// The summary keeps fewer of each; these hold whatever a result comes from.
	maxRows   = 500
	maxBoxes  = 20_000 // in all rows
	maxPauses = 2_000
)

// A timeline is what the template shows of a result's timeline.
type timeline struct {
	Names  []rowName
	Height int // of the rows, pixels
	Axis   template.HTML
	Rows   template.HTML
	Legend []kind // of the states that occur
	More   int    // goroutines without a row
	Cut    bool   // there is more in the rows than is drawn
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

// drawTimeline draws the rows of a result; nil if it has none.
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
	p := &timelinePainter{timeline: t, total: length(rows), room: maxBoxes, states: make(map[string]bool)}
	p.ticks()
	for _, pause := range res.Pauses[:min(len(res.Pauses), maxPauses)] {
		t.Pauses = true
		p.pause(pause)
	}
	depth := depths(rows)
	for _, row := range rows {
		t.Names = append(t.Names, rowName{cmp.Or(row.Name, "the request"), row.ID, depth[row.ID], len(row.Calls) > 0})
		p.row(row)
	}
	t.Height++ // for the last line
	t.Axis, t.Rows, t.Legend = p.axis.html(), p.rows.html()+p.stops.html(), legend(p.states)
	return t
}

// A timelinePainter draws a timeline.
type timelinePainter struct {
	*timeline
	axis, rows drawing
	stops      drawing // of the whole program, above the rows
	total      time.Duration
	room       int             // for boxes
	states     map[string]bool // that occur
}

// ticks draws the times of the axis, each with a line through all rows.
func (p *timelinePainter) ticks() {
	for _, at := range ticks(p.total) {
		x := part(at, p.total)
		anchor := markup("start")
		switch {
		case x > 0.97:
			anchor = "end"
		case x > 0.01:
			anchor = "middle"
		}
		p.axis.put(`<line x1="`).share(x).put(`" x2="`).share(x).put(`" y1="14" y2="22"/>`)
		p.axis.put(`<text y="11" x="`).share(x).put(`" text-anchor="`).put(anchor).put(`">`).text(tick(at)).put("</text>\n")
		p.rows.put(`<line class="grid" x1="`).share(x).put(`" x2="`).share(x).put(`" y1="0" y2="100%"/>`)
	}
}

// row draws a goroutine, below the others.
func (p *timelinePainter) row(row result.Row) {
	for _, b := range row.Bars {
		if p.takesRoom() {
			p.bar(b)
		}
	}
	p.Height += rowHeight
	if len(row.Calls) > 0 {
		p.Calls = true
		for _, c := range row.Calls {
			if p.takesRoom() {
				p.call(c)
			}
		}
		p.Height += callHeight
	}
	p.rows.put(`<line class="under" x1="0" x2="100%" y1="`).pixels(p.Height).put(`" y2="`).pixels(p.Height).put("\"/>\n")
}

// takesRoom says whether there is room for another box, and takes it.
func (p *timelinePainter) takesRoom() bool {
	p.Cut = p.Cut || p.room == 0
	p.room = max(p.room-1, 0)
	return !p.Cut
}

// place is where a time is in the drawing, and how wide.
func (p *timelinePainter) place(from, to time.Duration) (x, width float64) {
	x = part(from, p.total)
	return x, max(part(to, p.total)-x, 0)
}

// bar draws what a goroutine did.
func (p *timelinePainter) bar(b result.Bar) {
	p.states[b.State] = true
	k := kindOf(b.State)
	tip := fmt.Sprintf("%s: %s\nfrom %s to %s", span(b.To-b.From), clip(cmp.Or(b.What, k.Words), 300), span(b.From), span(b.To))
	if b.Waker != "" {
		tip += "\nended by " + clip(b.Waker, 300)
	}
	x, width := p.place(b.From, b.To)
	p.rows.box(box{class: "bar", kind: k, x: x, width: width, y: p.Height + 3, height: rowHeight - 5, tooltip: tip})
}

// call draws a call to a backend.
func (p *timelinePainter) call(c result.CallBar) {
	x, width := p.place(c.From, c.To)
	call := box{class: "call", kind: kind{Class: "k-call"}, x: x, width: width, y: p.Height, height: callHeight - 3}
	call.tooltip = fmt.Sprintf("%s: a call to %s\n%s", span(c.To-c.From), clip(c.Backend, 100), clip(c.What, 500))
	if width > 0.03 {
		call.label, call.labelBaseline = clip(c.Backend+" "+c.What, 120), 10
	}
	p.rows.box(call)
}

// pause draws a pause: a band through all rows, behind them or, where nothing ran, before them, and its
// mark on the axis, which has the tooltip.
func (p *timelinePainter) pause(pause result.Pause) {
	class, band := markup("pause"), &p.rows
	if pause.World {
		class, band = "pause world", &p.stops
	}
	x, width := p.place(pause.From, pause.To)
	band.put(`<rect class="`).put(class).put(`" y="0" height="100%" x="`).share(x).put(`" width="`).share(width).put("\"/>\n")
	p.axis.put(`<rect class="`).put(class).put(`" y="15" height="7" x="`).share(x).put(`" width="`).share(width)
	p.axis.put(`"><title>`).text(span(pause.To - pause.From)).put(`: `).text(clip(pause.What, 300)).put("</title></rect>\n")
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
	for t := max(step, 1); t <= float64(total) && len(at) < 12; t += max(step, 1) {
		at = append(at, time.Duration(t))
	}
	return at
}

// tick writes a time of the axis, which is a round one: "50 ms".
func tick(at time.Duration) string {
	number, unit, _ := strings.Cut(span(at), " ")
	if strings.Contains(number, ".") {
		number = strings.TrimRight(strings.TrimRight(number, "0"), ".")
	}
	return strings.TrimSpace(number + " " + unit)
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
