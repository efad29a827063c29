package ask_test

import (
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/profile/internal/ask"
)

const param = "__profile__"

var cuts = []struct {
	query, rest string
	values      []string // nil: the parameter is not in it
}{
	{"", "", nil},
	{"&", "&", nil},
	{"a=1&b=2", "a=1&b=2", nil},
	{"a=__profile__", "a=__profile__", nil},
	{"__profile", "__profile", nil},
	{"__profile__2=1", "__profile__2=1", nil},
	{"x__profile__", "x__profile__", nil},
	{"__PROFILE__", "__PROFILE__", nil},
	{"%5", "%5", nil},
	{"%zz_profile__", "%zz_profile__", nil},
	{"__%7zrofile__", "__%7zrofile__", nil},
	{"__profile_%5", "__profile_%5", nil},
	{"__profile_%", "__profile_%", nil},
	{"%255F_profile__", "%255F_profile__", nil},
	{"+__profile__", "+__profile__", nil},
	{"__profile__#top", "__profile__#top", nil},
	{"a%20b=%zz&c", "a%20b=%zz&c", nil},

	{"__profile__", "", []string{""}},
	{"__profile__=", "", []string{""}},
	{"__profile__=inline", "", []string{"inline"}},
	{"__profile__==", "", []string{"="}},
	{"%5F_profile__", "", []string{""}},
	{"%5f%5fprofile%5F%5F=alloc", "", []string{"alloc"}},
	{"%5F%5F%70%72%6F%66%69%6C%65%5F%5F", "", []string{""}},
	{"a&__profile__&b", "a&b", []string{""}},
	{"__profile__&b", "b", []string{""}},
	{"a&__profile__", "a", []string{""}},
	{"a=%zz&__profile__&+b=+%2b", "a=%zz&+b=+%2b", []string{""}},
	{"__profile__=inline&a&%5f_profile__=n%3d2&__profile__", "a", []string{"inline", "n=2", ""}},
	{"__profile__&__profile__", "", []string{"", ""}},
	{"&__profile__", "", []string{""}},
	{"__profile__&", "", []string{""}},
	{"&__profile__&", "&", []string{""}},
	{"a&&__profile__&&b", "a&&&b", []string{""}},
	{"__profile__=a+b%2Cc", "", []string{"a b,c"}},
	{"__profile__=%zz", "", []string{"%zz"}},

	{"a;__profile__", "a;__profile__", nil},
	{"__profile__;a", "__profile__;a", nil},
	{"__profile__=a;b", "__profile__=a;b", nil},
	{"__profile__=a;b&__profile__=c", "__profile__=a;b", []string{"c"}},
	{"__profile__=a%3Bb", "", []string{"a;b"}},
}

func TestTheParameterIsCutOutAndAllElseStays(t *testing.T) {
	for _, c := range cuts {
		rest, values, found := ask.Cut(c.query, param)
		if rest != c.rest || !slices.Equal(values, c.values) || found != (c.values != nil) {
			t.Errorf("%q: %q, %q, %v, want %q, %q", c.query, rest, values, found, c.rest, c.values)
		}
	}
}

func TestOfVeryManyValuesSomeAreLeftForTheErrorToTell(t *testing.T) {
	rest, values, _ := ask.Cut(strings.Repeat("__profile__=inline&a&", 5000)+"b", param)
	if rest != strings.Repeat("a&", 5000)+"b" {
		t.Errorf("the rest has %d bytes", len(rest))
	}
	if len(values) > 100 {
		t.Errorf("%d values", len(values))
	}
	if _, err := ask.Parse(values); err == nil {
		t.Error("no error says that they are too many")
	}
}

func TestTheParameterIsCutOutOfEveryFormOfARequestTarget(t *testing.T) {
	for _, c := range []struct{ uri, want string }{
		{"/", "/"},
		{"/?", "/?"},
		{"*", "*"},
		{"", ""},
		{"host:443", "host:443"},
		{"/__profile__", "/__profile__"},
		{"/__profile__?a", "/__profile__?a"},
		{"/a?__profile__", "/a"},
		{"/a?&__profile__", "/a"},
		{"/a%3F__profile__?b", "/a%3F__profile__?b"},
		{"/a?b=?&__profile__=n=2&c", "/a?b=?&c"},
		{"/a??__profile__", "/a??__profile__"},
		{"//a?%5F_profile__&b", "//a?b"},
		{"http://host?__profile__", "http://host"},
		{"http://u:p@host:80/a%2Fb?x&__profile__&y", "http://u:p@host:80/a%2Fb?x&y"},
	} {
		if got := ask.CutURI(c.uri, param); got != c.want {
			t.Errorf("%q: %q, want %q", c.uri, got, c.want)
		}
	}
}

func TestAQueryWithoutTheParameterCostsNoAllocation(t *testing.T) {
	for _, query := range []string{"", "a=1&b=2", "a%20b=%5F%zz&%5F_profile", strings.Repeat("a=%5F&", 100)} {
		if n := testing.AllocsPerRun(100, func() { ask.Cut(query, param); ask.CutURI(query, param) }); n != 0 {
			t.Errorf("%.20q: %v allocations", query, n)
		}
	}
}

// FuzzCut holds Cut to net/url: it sees the same in the rest as before, but for the parameter.
func FuzzCut(f *testing.F) {
	for _, c := range cuts {
		f.Add(c.query, param)
		f.Add("a=1&"+c.query+"&b", "b")
	}
	f.Fuzz(func(t *testing.T, query, param string) {
		if ask.CheckParam(param) != nil || strings.Count(query, "&") > 9999 {
			return
		}
		rest, values, found := ask.Cut(query, param)

		before, _ := url.ParseQuery(query)
		after, _ := url.ParseQuery(rest)
		seen := before[param]
		delete(before, param)
		if !maps.EqualFunc(before, after, slices.Equal) {
			t.Errorf("%q: %q, which net/url reads as %v and not %v", query, rest, after, before)
		}
		const some = 9 // values that are given of very many
		for _, v := range values {
			if len(seen) > 0 && v == seen[0] {
				seen = seen[1:]
			}
		}
		if len(seen) > 0 && len(values) < some {
			t.Errorf("%q: %q, without %q", query, values, seen)
		}

		var kept []string
		for pair := range strings.SplitSeq(query, "&") {
			name, _, _ := strings.Cut(pair, "=")
			if name, err := url.QueryUnescape(name); err != nil || name != param || strings.Contains(pair, ";") {
				kept = append(kept, pair)
			}
		}
		if want := strings.Join(kept, "&"); rest != want {
			t.Errorf("%q: %q, want %q", query, rest, want)
		}
		if found != (len(values) > 0) || !found && rest != query {
			t.Errorf("%q: found %v, values %q, rest %q", query, found, values, rest)
		}
		if _, _, again := ask.Cut(rest, param); again {
			t.Errorf("%q: %q has it still", query, rest)
		}
	})
}

// FuzzCutURI holds CutURI to net/url and to Cut: the target is another only in the query, and there as
// the query alone.
func FuzzCutURI(f *testing.F) {
	for _, c := range cuts {
		f.Add("/a?" + c.query)
		f.Add("http://user@host" + "?" + c.query)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		want, err := url.ParseRequestURI(uri)
		if err != nil {
			return
		}
		want.RawQuery, _, _ = ask.Cut(want.RawQuery, param)
		cut := ask.CutURI(uri, param)
		got, err := url.ParseRequestURI(cut)
		if err != nil {
			t.Fatalf("%q: %q: %v", uri, cut, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q: %#v, want %#v", uri, cut, got, want)
		}
	})
}

func BenchmarkCut(b *testing.B) {
	for _, c := range []struct{ name, query string }{
		{"empty", ""},
		{"absent", "page=2&sort=name&order=asc&q=hello"},
		{"absent200", "page=2&sort=name&order=asc&q=hello&" + strings.Repeat("filter=something&", 10)},
		{"encoded", "page=2&sort=name&order=asc&q=hello%20you"},
		{"found", "page=2&sort=name&__profile__=inline&q=hello"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				ask.Cut(c.query, param)
			}
		})
	}
}
