package ask_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/profile/internal/ask"
)

func TestOptionsAreReadFromAllValuesTogether(t *testing.T) {
	longest := strings.Repeat("t", ask.MaxToken)
	for _, c := range []struct {
		values []string
		want   ask.Asked
	}{
		{nil, ask.Asked{Runs: 1}},
		{[]string{""}, ask.Asked{Runs: 1}},
		{[]string{",,", ""}, ask.Asked{Runs: 1}},
		{[]string{"inline"}, ask.Asked{Inline: true, Runs: 1}},
		{[]string{"alloc"}, ask.Asked{Alloc: true, Runs: 1}},
		{[]string{"response"}, ask.Asked{Response: true, Runs: 1}},
		{[]string{"n=1"}, ask.Asked{Runs: 1}},
		{[]string{"n=20"}, ask.Asked{Runs: 20}},
		{[]string{"n=1000"}, ask.Asked{Runs: ask.MaxRuns}},
		{[]string{"link=a-_9"}, ask.Asked{Runs: 1, Link: "a-_9"}},
		{[]string{"link=" + longest}, ask.Asked{Runs: 1, Link: longest}},
		{[]string{"n=5,inline,alloc,response,link=t"}, ask.Asked{true, true, true, 5, "t"}},
		{[]string{"alloc", "", "link=t,response", "inline", "n=5"}, ask.Asked{true, true, true, 5, "t"}},
		{[]string{"inline,inline", "n=5", "n=5,link=t,link=t"}, ask.Asked{Inline: true, Runs: 5, Link: "t"}},
	} {
		if got, err := ask.Parse(c.values); got != c.want || err != nil {
			t.Errorf("%q: %+v, %v, want %+v", c.values, got, err, c.want)
		}
	}
}

func TestAWrongOptionIsToldWithWhatIsAccepted(t *testing.T) {
	const list = "inline, alloc, response, n=1 to n=1000 and link=TOKEN are accepted"
	for _, c := range []struct{ value, name, accepted string }{
		{"yes", `"yes"`, list},
		{"Inline", `"Inline"`, list},
		{"inline, alloc", `" alloc"`, list},
		{"inline=1", `"inline"`, list},
		{"n", `"n"`, list},
		{"link", `"link"`, list},
		{"=", `""`, list},
		{"a\r\nb", `"a\r\nb"`, list},
		{"<é>", `"<\u00e9>"`, list},
		{strings.Repeat("x", 1000), `"` + strings.Repeat("x", 32) + `"… is`, list},
		{"n=", `n=""`, "1 to 1000 are accepted"},
		{"n=0", `n="0"`, "1 to 1000 are accepted"},
		{"n=1001", `n="1001"`, "1 to 1000 are accepted"},
		{"n=65537", `n="65537"`, "1 to 1000 are accepted"},
		{"n=-1", `n="-1"`, "1 to 1000 are accepted"},
		{"n=1e2", `n="1e2"`, "1 to 1000 are accepted"},
		{"n=2,n=3", "n=2 and n=3", "one of them is accepted"},
		{"n=1,n=3", "n=1 and n=3", "one of them is accepted"},
		{"link=", "0 bytes", "1 to 759 are accepted"},
		{"link=" + strings.Repeat("t", 760), "760 bytes", "1 to 759 are accepted"},
		{"link=a,link=b", "two different links", "one is accepted"},
		{strings.Repeat(",", 2049), "2049 bytes", "up to 2048 are accepted"},
	} {
		got, err := ask.Parse([]string{"", c.value})
		if err == nil {
			t.Errorf("%.40q: no error", c.value)
			continue
		}
		if got != (ask.Asked{}) {
			t.Errorf("%.40q: %+v beside the error", c.value, got)
		}
		for _, part := range []string{"profile: ", c.name, c.accepted} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%.40q: %v, without %q", c.value, err, part)
			}
		}
		if len(err.Error()) > 200 || strings.ContainsAny(err.Error(), "\r\n") {
			t.Errorf("%.40q: not a line to show: %q", c.value, err)
		}
	}
}

func TestAnErrorRepeatsNoToken(t *testing.T) {
	for _, value := range []string{"link=secret,link=other", "lnk=secret", "link=" + strings.Repeat("secret", 200)} {
		if _, err := ask.Parse([]string{value}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.30s: %v", value, err)
		}
	}
}

func TestOnlyGETAndHEADRunMoreThanOnce(t *testing.T) {
	for _, c := range []struct {
		method   string
		runs     int
		accepted bool
	}{
		{"GET", 1, true}, {"GET", 20, true}, {"HEAD", 1000, true},
		{"POST", 0, true}, {"POST", 1, true}, {"DELETE", 1, true}, {"BREW", 1, true},
		{"POST", 2, false}, {"PUT", 20, false}, {"OPTIONS", 2, false}, {"get", 2, false}, {"", 2, false},
	} {
		err := ask.Asked{Runs: c.runs}.CheckMethod(c.method)
		if (err == nil) != c.accepted {
			t.Errorf("%s, %d times: %v", c.method, c.runs, err)
		}
		if err != nil && !strings.Contains(err.Error(), "only GET and HEAD") {
			t.Errorf("%v does not say what is accepted", err)
		}
	}
}

func TestTheParametersNameMeansTheSameInAQueryAndInAPath(t *testing.T) {
	for _, name := range []string{"__profile__", "p", "a.b-c~d", ".a", strings.Repeat("p", 64)} {
		if err := ask.CheckParam(name); err != nil {
			t.Error(err)
		}
	}
	for _, name := range []string{"", ".", "..", "a b", "a+b", "a/b", "a;b", "a=b", "a&b", "a%5F", "é", "a\x00", strings.Repeat("p", 65)} {
		err := ask.CheckParam(name)
		if err == nil || !strings.Contains(err.Error(), "Profiler.Param is \"") || !strings.Contains(err.Error(), "accepted") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("inline,alloc,response,n=20,link=abc", "n=20")
	f.Add("n=0", "")
	f.Add("link==,link==", "link==")
	f.Fuzz(func(t *testing.T, one, two string) {
		a, err := ask.Parse([]string{one, two})
		if err != nil {
			if a != (ask.Asked{}) || len(err.Error()) > 400 || strings.ContainsAny(err.Error(), "\r\n<>") && !strings.ContainsAny(one+two, "<>") {
				t.Errorf("%q, %q: %+v, %q", one, two, a, err)
			}
			return
		}
		if a.Runs < 1 || a.Runs > ask.MaxRuns || len(a.Link) > ask.MaxToken {
			t.Errorf("%q, %q: %+v", one, two, a)
		}
		if again, err := ask.Parse([]string{two + "," + one}); len(one)+len(two) < 2048 && (again != a || err != nil) {
			t.Errorf("%q, %q: %+v one way and %+v, %v the other", one, two, a, again, err)
		}
	})
}

func Example() {
	rest, values, found := ask.Cut("page=2&__profile__=inline,n=20&sort=name", "__profile__")
	asked, err := ask.Parse(values)
	fmt.Println(rest, found)
	fmt.Println(asked.Inline, asked.Runs, err)
	fmt.Println(ask.Back("/shop/cart", "/__profile__/ID/"))
	// Output:
	// page=2&sort=name true
	// true 20 <nil>
	// ../__profile__/ID/
}
