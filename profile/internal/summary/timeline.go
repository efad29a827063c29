package summary

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/heeler-go/heeler/internal/stacks"
	"github.com/heeler-go/heeler/profile/exectrace"
	"github.com/heeler-go/heeler/profile/internal/result"
)

const (
	maxRows  = 200
	maxCells = 1000 // of a row: more cannot be seen
	maxBars  = 5000 // of all rows
	maxCalls = 1000 // of all rows
	// maxTimeline is the size as JSON. It is what bars are left out for if names are long.
	maxTimeline = 900 << 10
)

// A line is a goroutine with what it did in each of the runs that it was part of.
type line struct {
	id, parent int64
	fn         string
	parts      []*exectrace.Goroutine
	calls      []*exectrace.Call
	intervals  int
	path       time.Duration // of the critical path that it has
	busy       time.Duration // on a processor
}

// timeline draws the goroutines: those that entered the region first. It leaves out those whose whole life
// would be narrower than a cell. If they are too many for a row each, it is those that the request waited for
// most, then those that computed most.
func (t *teller) timeline(x *exectrace.Execution, path []exectrace.Step) result.Timeline {
	lines := linesOf(x)
	shown := slices.Clone(lines)
	if n := len(x.Runs); n > 0 {
		seen := x.Runs[n-1].To / maxCells
		shown = slices.DeleteFunc(shown, func(l *line) bool { return l.rank() > 0 && len(l.calls) == 0 && l.length() < seen })
	}
	if len(shown) > maxRows {
		rank(shown, path)
	}
	shown = shown[:min(len(shown), maxRows)]
	for bars := maxBars; ; bars /= 2 {
		tl := result.Timeline{Rows: t.rows(shown, bars), More: len(lines) - len(shown)}
		if size, err := json.Marshal(tl); err != nil || len(size) <= maxTimeline || bars <= maxRows {
			return tl
		}
	}
}

// linesOf makes a line of each goroutine, in the order in which they began, those that were not started by
// another one first.
func linesOf(x *exectrace.Execution) []*line {
	var lines []*line
	by := map[int64]*line{}
	for _, g := range x.Goroutines {
		l := by[g.ID]
		if l == nil {
			l = &line{id: g.ID, parent: g.Parent, fn: g.Func}
			by[g.ID] = l
			lines = append(lines, l)
		}
		l.parts = append(l.parts, g)
		l.intervals += len(g.Intervals)
	}
	for i := range x.Calls {
		if l := by[x.Calls[i].Goroutine]; l != nil {
			l.calls = append(l.calls, &x.Calls[i])
		}
	}
	slices.SortStableFunc(lines, func(a, b *line) int { return a.rank() - b.rank() })
	return lines
}

func (l *line) length() (sum time.Duration) {
	for _, g := range l.parts {
		sum += g.Length()
	}
	return sum
}

// rank is 0 for a goroutine that entered the region.
func (l *line) rank() int {
	if l.parent == 0 {
		return 0
	}
	return 1
}

func rank(lines []*line, path []exectrace.Step) {
	onPath := map[int64]time.Duration{}
	for _, s := range path {
		onPath[s.Goroutine] += s.Length()
	}
	for _, l := range lines {
		l.path = onPath[l.id]
		l.busy = running(l.parts)
	}
	slices.SortStableFunc(lines, func(a, b *line) int {
		return cmp.Or(a.rank()-b.rank(), cmp.Compare(b.path, a.path), cmp.Compare(b.busy, a.busy))
	})
}

func (t *teller) rows(lines []*line, bars int) []result.Row {
	cells := share(lines, bars, func(l *line) int { return l.intervals })
	slots := share(lines, min(maxCalls, bars), func(l *line) int { return len(l.calls) })
	rows := make([]result.Row, len(lines))
	for i, l := range lines {
		rows[i] = result.Row{
			ID: l.id, Parent: l.parent,
			Name:  cmp.Or(stacks.PoolOf(l.fn), function(l.fn)),
			Bars:  t.bars(l, cells),
			Calls: t.callBars(l, slots),
		}
	}
	return rows
}

// share is how many of a number of things each line may have, so that together they have at most limit, and
// those that have fewer leave theirs to the others. It is at least one.
func share(lines []*line, limit int, has func(*line) int) int {
	return max(1, sort.Search(maxCells, func(n int) bool {
		sum := 0
		for _, l := range lines {
			sum += min(has(l), n+1)
		}
		return sum > limit
	}))
}

// bars are what a goroutine did, in about as many cells, or less if it did less.
func (t *teller) bars(l *line, cells int) []result.Bar {
	length := l.length()
	var bars []result.Bar
	for _, g := range l.parts {
		n := cells
		if len(l.parts) > 1 && length > 0 {
			n = max(1, int(int64(cells)*int64(g.Length())/int64(length)))
		}
		for _, p := range thin(g, n) {
			bar := result.Bar{From: p.From, To: p.To, State: p.like.State.String(), What: t.doing(*p.like), Waker: t.waker(p.like.Waker)}
			if k := len(bars) - 1; k >= 0 && bars[k].To == bar.From && alike(bars[k], bar) {
				bars[k].To = bar.To
				continue
			}
			bars = append(bars, bar)
		}
	}
	return bars
}

func alike(a, b result.Bar) bool { return a.State == b.State && a.What == b.What && a.Waker == b.Waker }

// callBars are a goroutine's calls to backends. If they are too many, those that begin in the same cell
// are one bar, which is named by the longest.
func (t *teller) callBars(l *line, cells int) []result.CallBar {
	type calls struct {
		exectrace.Span
		longest *exectrace.Call
		more    int
		cell    int64
	}
	var all []calls
	first, last := l.parts[0].From, l.parts[len(l.parts)-1].To
	length := int64(max(1, last-first))
	for i, c := range l.calls {
		cell := int64(i)
		if len(l.calls) > cells {
			cell = min(int64(cells)-1, max(0, int64(c.From-first)*int64(cells)/length))
		}
		if k := len(all) - 1; k >= 0 && all[k].cell == cell {
			all[k].To = max(all[k].To, c.To)
			all[k].more++
			if c.Length() > all[k].longest.Length() {
				all[k].longest = c
			}
			continue
		}
		all = append(all, calls{c.Span, c, 0, cell})
	}
	bars := make([]result.CallBar, len(all))
	for i, c := range all {
		bars[i] = result.CallBar{From: c.From, To: c.To, Backend: t.backend(c.longest.Backend), What: t.statement(c.longest.Statement)}
		if c.more > 0 {
			bars[i].What += fmt.Sprintf(" (and %d more)", c.more)
		}
	}
	return bars
}
