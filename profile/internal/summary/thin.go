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
// it was never due, unless wherever it was another state has its only cell.
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
	here  *exectrace.Interval // the longest of the cell; nil if there is none
	long  time.Duration       // how much of that is in the cell
	seen  []sight             // where it could have been shown
}

// A sight is a state's longest interval in a cell.
type sight struct {
	cell int
	long time.Duration
	like *exectrace.Interval
}

func drawn(g *exectrace.Goroutine, n int) []piece {
	states := make([]drawing, len(exectrace.States()))
	pieces := make([]piece, 0, n)
	edge := func(k int) time.Duration { return g.From + time.Duration(int64(g.Length())*int64(k)/int64(n)) }
	for k, i := 0, 0; k < n; k++ {
		cell := exectrace.Span{From: edge(k), To: edge(k + 1)}
		for ; i < len(g.Intervals); i++ {
			in := &g.Intervals[i]
			states[in.State].add(in, min(in.To, cell.To)-max(in.From, cell.From))
			if in.To > cell.To {
				break
			}
		}
		if like := choose(states, cell.Length(), len(pieces)); like != nil {
			pieces = append(pieces, piece{cell, like})
		}
	}
	for s := range states {
		if d := &states[s]; d.cells == 0 && d.total > 0 && d.total >= g.Length()/1000 {
			d.rescue(states, pieces)
		}
	}
	return pieces
}

// add counts what an interval has in a cell.
func (d *drawing) add(in *exectrace.Interval, length time.Duration) {
	if length <= 0 {
		return
	}
	d.due += length
	d.total += length
	if length > d.long {
		d.here, d.long = in, length
	}
}

// choose ends a cell: it gives an interval in the state that is due, of those that are in the cell. It is nil
// if there is none.
func choose(states []drawing, length time.Duration, cell int) *exectrace.Interval {
	var chosen *drawing
	var like *exectrace.Interval
	for s := range states {
		d := &states[s]
		if d.here == nil {
			continue
		}
		if chosen == nil || d.due > chosen.due {
			chosen, like = d, d.here
		}
		d.seen = append(d.seen, sight{cell, d.long, d.here})
		d.here, d.long = nil, 0
	}
	if chosen != nil {
		chosen.due -= length
		chosen.cells++
	}
	return like
}

// rescue shows a state that was never due where it has most of a cell, if what is shown there can also be seen
// elsewhere.
func (d *drawing) rescue(states []drawing, pieces []piece) {
	var best sight
	for _, s := range d.seen {
		if s.long > best.long && states[pieces[s.cell].like.State].cells > 1 {
			best = s
		}
	}
	if best.like == nil {
		return
	}
	states[pieces[best.cell].like.State].cells--
	d.cells++
	pieces[best.cell].like = best.like
}
