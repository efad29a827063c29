package graph_test

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/pprof/profile"

	"github.com/heeler-go/heeler/profile/internal/graph"
)

// hostile are names that would break out of Graphviz's language, of a page, of a script, or of patience.
var hostile = []string{
	`<script>document.title="owned"</script>`, `</script><img src=x onerror=alert(1)>`, `"] x [URL="javascript:alert(1)`,
	`"; image="/etc/passwd`, `\`, `a\"b`, "two\nlines", "two\r\nlines\x00\x1b[31m", "\u2028\u2029", "é世界\u202eabc", "\xff\xfe",
	`{{.}}${x}` + "`", `-->`, `]]>`, `&amp;&lt;`, `(*)+[`, strings.Repeat("long", 25<<10), strings.Repeat("é", 1<<10), "",
}

// hostileShop has the names everywhere that a name may be.
func hostileShop(names ...string) *profile.Profile {
	p := shop()
	for i, name := range names {
		s := add(p, []int64{20e6, 1e6, 19e6}, name+fmt.Sprint(i), "main.main")
		s.Location[0].Line[0].Function.Filename = name
		s.Label = map[string][]string{name: {name, "b"}, "state": {name}}
		s.NumLabel = map[string][]int64{name: {1, 2}, "bytes": {math.MinInt64}}
		s.NumUnit = map[string][]string{name: {name, name}, "bytes": {name}}
		p.Comments = append(p.Comments, name)
	}
	last := names[len(names)-1]
	p.Mapping = []*profile.Mapping{{ID: 1, File: last, BuildID: last}}
	p.DocURL = last
	p.SampleType = append(p.SampleType, &profile.ValueType{Type: last, Unit: last})
	p.PeriodType = &profile.ValueType{Type: last, Unit: last}
	for _, s := range p.Sample {
		s.Value = append(s.Value, 1)
	}
	return p
}

func TestHostileNamesStayInTheirQuotes(t *testing.T) {
	for _, name := range hostile {
		p := hostileShop(name)
		for _, sampleType := range []string{"wall", name} {
			dot, err := graph.DOT(t.Context(), p, sampleType)
			if err != nil {
				t.Fatalf("%.40q: %v", name, err)
			}
			if len(dot) > 100<<10 {
				t.Errorf("%.40q: the graph has %d bytes", name, len(dot))
			}
			checkDOT(t, dot)
		}
	}
}

// checkDOT fails if a graph has an attribute, outside of the quotation marks, that pprof does not give it.
func checkDOT(t *testing.T, dot []byte) {
	t.Helper()
	var outside strings.Builder
	inside := false
	for i := 0; i < len(dot); i++ {
		switch {
		case inside && dot[i] == '\\':
			i++
		case dot[i] == '"':
			inside = !inside
		case !inside:
			outside.WriteByte(dot[i])
		case dot[i] < ' ':
			t.Errorf("there is a control character %q within quotation marks: %s", dot[i], dot)
		}
	}
	for _, word := range []string{"URL", "image", "javascript", "script"} {
		if inside || strings.Contains(outside.String(), word) {
			t.Errorf("something has left its quotation marks: %.2000s", dot)
			return
		}
	}
}

func FuzzDOTOfAnyNames(f *testing.F) {
	for _, name := range hostile {
		f.Add(name, "wall", int64(1))
	}
	f.Fuzz(func(t *testing.T, name, sampleType string, value int64) {
		p := hostileShop(name)
		p.Sample[0].Value[0] = value
		dot, err := graph.DOT(t.Context(), p, sampleType)
		if err == nil {
			checkDOT(t, dot)
		}
	})
}

func FuzzDOTOfAnyProfile(f *testing.F) {
	var b bytes.Buffer
	if err := shop().WriteUncompressed(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := profile.ParseUncompressed(data)
		if err != nil {
			return
		}
		if dot, err := graph.DOT(t.Context(), p, ""); err == nil {
			checkDOT(t, dot)
		}
		get(t, p, "flamegraph")
	})
}

func TestTheProfileStaysAsItIs(t *testing.T) {
	p := shop()
	p.Mapping = []*profile.Mapping{{ID: 1, File: "/srv/shop", BuildID: "4f1d"}}
	p.DocURL = "https://example.com/"
	before := fmt.Sprint(p.DocURL, p.Mapping[0].BuildID, p.Function[0].Filename, p.String())
	if _, err := graph.DOT(t.Context(), p, "wall"); err != nil {
		t.Fatal(err)
	}
	get(t, p, "flamegraph?f=cart&g=lines&noinlines=t")
	if after := fmt.Sprint(p.DocURL, p.Mapping[0].BuildID, p.Function[0].Filename, p.String()); after != before {
		t.Errorf("it was\n%s\nand is\n%s", before, after)
	}
}

func TestWhatIsNoProfileIsAnError(t *testing.T) {
	for want, broken := range map[string]func() *profile.Profile{
		"there is no profile":                 func() *profile.Profile { return nil },
		"the profile has no sample type":      func() *profile.Profile { return &profile.Profile{} },
		"sample type 0 of the profile is nil": func() *profile.Profile { return &profile.Profile{SampleType: make([]*profile.ValueType, 1)} },
		"sample 1 of the profile has a location that is nil": func() *profile.Profile {
			p := shop()
			p.Sample[1].Location[0] = nil
			return p
		},
		"sample 2 of the profile has not one value for each of 3 sample types": func() *profile.Profile {
			p := shop()
			p.Sample[2].Value = p.Sample[2].Value[:1]
			return p
		},
		"sample 0 of the profile has not one value": func() *profile.Profile {
			p := shop()
			p.Sample[0] = nil
			return p
		},
	} {
		if _, err := graph.DOT(t.Context(), broken(), ""); err == nil || !strings.HasPrefix(err.Error(), "graph: "+want) {
			t.Errorf("%v, not graph: %s", err, want)
		}
	}
}
