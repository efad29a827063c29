package page

import (
	"html"
	"html/template"
	"strconv"
)

// Drawings are SVG in units that need no script to fit any window: across, shares of the width in percent,
// and down, pixels. The style sheet gives the colours.

// markup is SVG of ours. Only constants become it, so that no text gets into a drawing unescaped.
type markup string

// A drawing is SVG under way.
type drawing struct{ b []byte }

// put adds markup.
func (d *drawing) put(m markup) *drawing {
	d.b = append(d.b, m...)
	return d
}

// text adds what may come from the program.
func (d *drawing) text(s string) *drawing {
	d.b = append(d.b, html.EscapeString(s)...)
	return d
}

// pixels adds a whole number.
func (d *drawing) pixels(n int) *drawing {
	d.b = strconv.AppendInt(d.b, int64(n), 10)
	return d
}

// share adds a part of the width, in percent.
func (d *drawing) share(x float64) *drawing {
	d.b = strconv.AppendFloat(d.b, float64(int64(x*1e6+0.5))/1e4, 'f', -1, 64)
	d.b = append(d.b, '%')
	return d
}

// A box is a rectangle with a tooltip, and a label that is cut at its edge.
type box struct {
	class         markup
	kind          kind    // its colour
	x, width      float64 // shares of the whole, from 0 to 1
	y, height     int     // pixels
	tooltip       string
	label         string // "" for none
	labelBaseline int    // pixels below the top
}

// box adds a box.
func (d *drawing) box(b box) {
	d.put(`<svg class="`).put(b.class).put(` `).text(b.kind.Class).put(`" x="`).share(b.x).put(`" width="`).share(b.width)
	d.put(`" y="`).pixels(b.y).put(`" height="`).pixels(b.height).put(`"><title>`).text(b.tooltip)
	d.put(`</title><rect width="100%" height="100%"/>`)
	if b.label != "" {
		d.put(`<text x="3" y="`).pixels(b.labelBaseline).put(`">`).text(b.label).put(`</text>`)
	}
	d.put("</svg>\n")
}

// html is the drawing's content, for a template to put inside an svg element.
func (d *drawing) html() template.HTML { return template.HTML(d.b) }
