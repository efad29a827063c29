package summary

import (
	"time"

	"github.com/heeler-go/heeler/profile/exectrace"
)

// A piece is a time in which a goroutine is shown to do what it did in an interval.
type piece struct {
	exectrace.Span
	like *exectrace.Interval
}

// thin makes at most n pieces of what a goroutine did. They have no gap. If it did no more than n things it is
// those; else the time is cut into n cells, and in each one state stands for those that the goroutine was in.
//
// That is the state that is due: what was in a cell and not shown there counts in the next ones, so that a
// state has as much of the picture as of the time. A state that took a thousandth of the time is shown even if
// it was never due, unless all it ever was in is a cell with another of that kind.
func thin(g *exectrace.Goroutine, n int) []piece {
	var pieces []piece
	for i := range g.Intervals {
		if in := &g.Intervals[i]; in.Length() > 0 {
			if len(pieces) == n {
				return drawn(g, n)
			}
			pieces = append(pieces, piece{in.Span, in})
		}
	}
	return pieces
}

// A drawing is what is known of a state while the cells are filled.
type drawing struct {
	due   time.Duration       // not shown so far
	total time.Duration       // that the goroutine was in it
	cells int                 // that show it
	here  *exectrace.Interval // the longest of the cell
	long  time.Duration       // how much of that is in the cell
	most  time.Duration       // the largest such time of all cells,
	cell  int                 // in which it was,
	like  *exectrace.Interval // and whose
}

func drawn(g *exectrace.Goroutine, n int) []piece {
	states := make([]drawing, len(exectrace.States()))
	pieces := make([]piece, 0, n)
	edge := func(k int) time.Duration { return g.From + time.Duration(int64(g.Length())*int64(k)/int64(n)) }
	for k, i := 0, 0; k < n; k++ {
		cell := exectrace.Span{From: edge(k), To: edge(k + 1)}
		for s := range states {
			states[s].here, states[s].long = nil, 0
		}
		for ; i < len(g.Intervals); i++ {
			in := &g.Intervals[i]
			states[in.State].add(in, min(in.To, cell.To)-max(in.From, cell.From), len(pieces))
			if in.To > cell.To {
				break
			}
		}
		chosen := -1
		for s := range states {
			if states[s].here != nil && (chosen < 0 || states[s].due > states[chosen].due) {
				chosen = s
			}
		}
		if chosen < 0 {
			continue
		}
		states[chosen].due -= cell.Length()
		states[chosen].cells++
		pieces = append(pieces, piece{cell, states[chosen].here})
	}
	for s := range states {
		d := &states[s]
		if d.cells > 0 || d.total == 0 || d.total < g.Length()/1000 {
			continue
		}
		if instead := &states[pieces[d.cell].like.State]; instead.cells > 1 {
			instead.cells--
			d.cells++
			pieces[d.cell].like = d.like
		}
	}
	return pieces
}

// add counts what an interval has in a cell.
func (d *drawing) add(in *exectrace.Interval, length time.Duration, cell int) {
	if length <= 0 {
		return
	}
	d.due += length
	d.total += length
	if length > d.long {
		d.here, d.long = in, length
	}
	if length > d.most {
		d.most, d.cell, d.like = length, cell, in
	}
}
