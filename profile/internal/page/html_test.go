package page_test

import (
	"encoding/xml"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// elements are all that pages are made of.
var elements = strings.Fields(`html head meta title link style script body main header section nav h1 h2 h3 p dl div dt dd
	time a b i ul ol li noscript code kbd small span table thead tbody tr th td button input svg rect line text`)

// attributes are all that these have. None of them runs anything, and none is a style, which the policy
// would not let in.
var attributes = strings.Fields(`lang charset name content http-equiv rel href nonce src defer id class role aria-label
	aria-hidden aria-current aria-live width height x y x1 x2 y1 y2 text-anchor hidden type title tabindex placeholder colspan
	scope datetime download data-zoom data-graph data-dot data-viz data-flame-reset data-copy-link`)

// An element is one of a page.
type element struct {
	name       string
	attributes map[string]string
	text       string // directly in it
}

// outside is a reference that is not to the page's own folder or the one of the assets.
var outside = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9+.-]*:|/|\\|\.\./\.\.)`)

// parse reads a page, which must be nested well and have only elements and attributes that are known, and only
// references within the result's folder, its sisters and that of the assets.
func parse(t *testing.T, page string) []element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta", "link", "input"}, xml.HTMLEntity
	var found []element
	var open []int // in found
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("the page is not nested well: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attributes: make(map[string]string)}
			if !slices.Contains(elements, e.name) {
				t.Errorf("there is an element %q", e.name)
			}
			for _, a := range token.Attr {
				e.attributes[a.Name.Local] = a.Value
				if !slices.Contains(attributes, a.Name.Local) {
					t.Errorf("<%s> has an attribute %q", e.name, a.Name.Local)
				}
			}
			for _, name := range []string{"href", "src", "data-dot", "data-viz"} {
				if ref := e.attributes[name]; outside.MatchString(ref) && ref != "data:," {
					t.Errorf("<%s> leads to %q", e.name, ref)
				}
			}
			open = append(open, len(found))
			found = append(found, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) > 0 {
				found[open[len(open)-1]].text += string(token)
			}
		}
	}
	if len(open) > 0 {
		t.Errorf("<%s> is left open", found[open[0]].name)
	}
	return found
}

// texts are the texts of the elements with a name.
func texts(page []element, name string) []string {
	var all []string
	for _, e := range page {
		if e.name == name {
			all = append(all, e.text)
		}
	}
	return all
}

// names are those of the elements in order: the page's structure.
func names(page []element) []string {
	var all []string
	for _, e := range page {
		all = append(all, e.name)
	}
	return all
}
