package page

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"github.com/heeler-go/heeler/internal/stacks"
)

// wall is the sample type of all time, whatever was done in it.
const wall = "wall"

const (
	flameHeight = 19     // pixels of a level
	flameNodes  = 10_000 // that are drawn at most
	flameLeast  = 0.001  // part of the whole below which a node is not drawn
	flameLabel  = 0.03   // part of the whole from which on a node has a label before it is zoomed in on
	flameLevels = 250    // that are drawn at most
)

// own is what functions of heeler begin with: the guards around a handler, and the profiler itself. They are
// on every stack, and seldom what someone looks for.
const own = "github.com/heeler-go/heeler/"

// A flame is a node of the flame graph: a function, called by the one above it.
type flame struct {
	name        string
	value, self int64
	states      []int64 // of the profile's sample types, to colour it by the largest state
	calls       []*flame
	byName      map[string]*flame
}

// call finds or adds the node of a function that this one calls.
func (f *flame) call(name string, types int) *flame {
	if child, ok := f.byName[name]; ok {
		return child
	}
	child := &flame{name: name, states: make([]int64, types)}
	if f.byName == nil {
		f.byName = make(map[string]*flame)
	}
	f.byName[name] = child
	f.calls = append(f.calls, child)
	return child
}

// add counts a sample in a node.
func (f *flame) add(value int64, states []int64) {
	f.value += value
	for i, v := range states {
		f.states[i] += max(v, 0)
	}
}

// flames makes the tree of all stacks.
func (c *counted) flames() *flame {
	types := len(c.SampleType)
	root := &flame{name: "all", states: make([]int64, types)}
	var calls []site
	for _, s := range c.Sample {
		value := s.Value[c.index]
		if value <= 0 {
			continue
		}
		node := root
		node.add(value, s.Value)
		calls = stack(s, calls)
		for _, call := range calls[:min(len(calls), flameLevels)] {
			node = node.call(call.function, types)
			node.add(value, s.Value)
		}
		node.self += value
	}
	return root
}

// A flameGraph is what the template shows of it.
type flameGraph struct {
	Height int // pixels
	Boxes  template.HTML
	Mixed  bool // the colours are those of states
	Own    bool // there are functions of heeler
	Hidden int  // boxes too small to be drawn
}

// drawFlames draws the tree, its root at the top and the largest calls at the left.
func (c *counted) drawFlames() *flameGraph {
	root := c.flames()
	if root.value <= 0 {
		return nil
	}
	p := &flamePainter{counted: c, total: root.value, room: flameNodes}
	all, least := threshold(root)
	p.least = least
	p.draw(root, 0, 0)
	p.graph.Boxes, p.graph.Mixed = p.d.html(), p.by() == wall
	p.graph.Hidden = all - (flameNodes - p.room)
	return &p.graph
}

// threshold counts all nodes and finds the least value of those that are drawn.
func threshold(root *flame) (all int, least int64) {
	least = max(int64(float64(root.value)*flameLeast), 1)
	var large []int64
	var visit func(*flame)
	visit = func(f *flame) {
		all++
		if f.value >= least {
			large = append(large, f.value)
		}
		for _, child := range f.calls {
			visit(child)
		}
	}
	visit(root)
	if len(large) > flameNodes {
		slices.Sort(large)
		least = large[len(large)-flameNodes]
	}
	return all, least
}

// A flamePainter draws a flame graph.
type flamePainter struct {
	*counted
	d     drawing
	graph flameGraph
	total int64
	least int64 // value of a node that is drawn
	room  int   // for nodes; those that are as large as the least may be too many
}

// draw draws a node and what it calls. The offset is where it begins, in the unit of the values.
func (p *flamePainter) draw(f *flame, offset int64, level int) {
	p.room--
	share := float64(f.value) / float64(p.total)
	b := box{class: "f", kind: kindOf(p.state(f)), x: float64(offset) / float64(p.total), width: share, y: level * flameHeight, height: flameHeight - 1}
	b.tooltip = fmt.Sprintf("%s\n%s, %s", clip(f.name, 400), amount(f.value, p.unit), percent(f.value, p.total))
	if strings.HasPrefix(f.name, own) {
		b.class, p.graph.Own = "f own", true
	}
	if f.self > 0 && len(f.calls) > 0 {
		b.tooltip += ", of which in itself " + amount(f.self, p.unit)
	}
	if share >= flameLabel {
		b.label, b.labelBaseline = clip(stacks.Short(f.name), 100), 13
	}
	p.d.box(b)
	p.graph.Height = max(p.graph.Height, (level+1)*flameHeight)
	slices.SortFunc(f.calls, func(a, b *flame) int { return cmp.Or(cmp.Compare(b.value, a.value), cmp.Compare(a.name, b.name)) })
	for _, child := range f.calls {
		if child.value < p.least || p.room == 0 {
			break
		}
		p.draw(child, offset, level+1)
		offset += child.value
	}
}

// state is what a node's goroutines were in most of the time. When the page counts by a state or by
// something that is none, such as bytes, that is it.
func (p *flamePainter) state(f *flame) string {
	if p.by() != wall {
		return p.by()
	}
	best, most := "other", int64(0)
	for i, t := range p.SampleType {
		if f.states[i] > most && slices.Contains(stateNames, t.Type) {
			best, most = t.Type, f.states[i]
		}
	}
	return best
}
