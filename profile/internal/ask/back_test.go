package ask_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/profile/internal/ask"
)

const page = "/__profile__/ID/"

func TestTheWayBackIsAsLongAsThePathIsDeep(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"", "./__profile__/ID/"},
		{"*", "./__profile__/ID/"},
		{"/", "./__profile__/ID/"},
		{"/a", "./__profile__/ID/"},
		{"/a/", "../__profile__/ID/"},
		{"/a/b", "../__profile__/ID/"},
		{"/a/b/", "../../__profile__/ID/"},
		{"a/b", "../__profile__/ID/"},
		{"/a%2Fb/c", "../__profile__/ID/"},
		{"/a%2F%2Fb", "./__profile__/ID/"},
		{"//", "../__profile__/ID/"},
		{"/a//b", "../../__profile__/ID/"},
		{"//evil.example/x", "../../__profile__/ID/"},
		{"///evil.example", "../../__profile__/ID/"},
		{"/./a", "./__profile__/ID/"},
		{"/a/../b", "./__profile__/ID/"},
		{"/a/b/../c", "../__profile__/ID/"},
		{"/../../a", "./__profile__/ID/"},
		{"/javascript:alert(1)", "./__profile__/ID/"},
	} {
		if got := ask.Back(c.path, page); got != c.want {
			t.Errorf("%q: %q, want %q", c.path, got, c.want)
		}
	}
}

// mounts are where an application can be, as its clients see it.
var mounts = []string{"http://host", "http://host/app", "https://host:8443/a/b%2Fc/d"}

func TestTheWayBackLeadsToThePageUnderEveryMount(t *testing.T) {
	for _, path := range []string{"/", "/a", "/a/", "/a/b", "/a/b/c/", "/a%2Fb/c", "//", "//a", "/a//b", "//evil.example/x",
		"///", "/a/../b", "/a/./b/", "/a/b/../../c", "/a:b/c:d", "/%2e%2e/a", "/%5Cevil/a", "/%C3%A9/"} {
		for _, mount := range mounts {
			for _, to := range []string{page, page[1:], "///__profile__/ID/"} {
				if got, want := resolve(t, mount+path+"?q=/x/y", ask.Back(path, to)), mount+page; got != want {
					t.Errorf("%s%s: %s, want %s", mount, path, got, want)
				}
			}
		}
	}
}

func resolve(t *testing.T, from, reference string) string {
	t.Helper()
	base, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	to, err := base.Parse(reference)
	if err != nil {
		t.Fatal(err)
	}
	return to.String()
}

func TestTheWayBackIsNeverToAnotherHost(t *testing.T) {
	for _, path := range []string{"//evil.example/x", "//evil.example", `/\evil.example/x`, `\\evil.example`, "http://evil.example/", "https:evil", ":", "..//evil", ""} {
		for _, to := range []string{page, "//evil.example/", "https://evil.example/", "a:b"} {
			u, err := url.Parse(ask.Back(path, to))
			if err != nil || u.IsAbs() || u.Host != "" || strings.HasPrefix(u.Path, "/") {
				t.Errorf("%q, %q: %v, %v", path, to, u, err)
			}
		}
	}
}

func TestTheWayBackLeadsToTheMountFromBesideItToo(t *testing.T) {
	for _, c := range []struct{ requestURI, path, want string }{
		{"/app", "", "./app/__profile__/ID/"},
		{"/app?x=/y/", "", "./app/__profile__/ID/"},
		{"/outer/app", "", "./app/__profile__/ID/"},
		{"http://host/outer/app", "", "./app/__profile__/ID/"},
		{"/a:b", "", "./a:b/__profile__/ID/"},
		{"/app/", "", "./__profile__/ID/"},
		{"/app/", "/", "./__profile__/ID/"},
		{"/app/a/b", "/a/b", "../__profile__/ID/"},
		{"/", "", "./__profile__/ID/"},
		{"http://host", "", "./__profile__/ID/"},
		{"", "", "./__profile__/ID/"},
		{"*", "", "./__profile__/ID/"},
		{"host:443", "", "./__profile__/ID/"},
	} {
		if got := ask.BackFrom(c.requestURI, c.path, page); got != c.want {
			t.Errorf("%q, %q: %q, want %q", c.requestURI, c.path, got, c.want)
		}
	}
}

// TestARedirectSurvivesStripPrefix follows the way back through the real thing, with the prefix in both
// spellings that programs use.
func TestARedirectSurvivesStripPrefix(t *testing.T) {
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", ask.BackFrom(r.RequestURI, r.URL.EscapedPath(), page))
		w.WriteHeader(http.StatusSeeOther)
	})
	for _, c := range []struct{ prefix, path string }{
		{"", "/"}, {"", "/a/b"},
		{"/app", "/app"}, {"/app", "/app/"}, {"/app", "/app/a"}, {"/app", "/app/a/b/"}, {"/app", "/app/a%2Fb/c"},
		{"/app/", "/app/"}, {"/app/", "/app/a"}, {"/app/", "/app/a/b"},
		{"/out/app", "/out/app"}, {"/out/app", "/out/app/a/b"},
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", c.path, nil)
		http.StripPrefix(c.prefix, app).ServeHTTP(w, r)
		want := "http://host" + strings.TrimSuffix(c.prefix, "/") + page
		if got := resolve(t, "http://host"+c.path, w.Header().Get("Location")); got != want {
			t.Errorf("%q of %q: %s, want %s", c.path, c.prefix, got, want)
		}
	}
}

func TestAPathIsTheSameInEveryFormOfARequestTarget(t *testing.T) {
	for _, c := range []struct{ uri, want string }{
		{"/a%2Fb?q=/c", "/a%2Fb"},
		{"/", "/"},
		{"/?", "/"},
		{"//evil.example/x", "//evil.example/x"},
		{"/a://b/c", "/a://b/c"},
		{"/a#b", "/a#b"},
		{"http://host/a%2Fb?q", "/a%2Fb"},
		{"http://host", "/"},
		{"http://host?q", "/"},
		{"https://u:p@[::1]:80//a", "//a"},
		{"*", "*"},
		{"host:443", "host:443"},
		{"", ""},
	} {
		if got := ask.Path(c.uri); got != c.want {
			t.Errorf("%q: %q, want %q", c.uri, got, c.want)
		}
	}
}

// FuzzBack holds Back to net/url for every path that it resolves as RFC 3986 says.
func FuzzBack(f *testing.F) {
	for _, path := range []string{"/", "/a/b", "//evil.example/x", "/a/../b/", "/a//./..//b", "/%2f/", "*", ""} {
		f.Add(path, 1)
	}
	f.Fuzz(func(t *testing.T, path string, mount int) {
		reference := ask.Back(path, page)
		if strings.TrimLeft(reference, "./") != page[1:] {
			t.Fatalf("%q: %q", path, reference)
		}
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#") || leavesTheMount(path) {
			return
		}
		at := mounts[uint(mount)%uint(len(mounts))]
		base, err := url.Parse(at + path)
		if err != nil || !strings.HasSuffix(at+path, base.EscapedPath()) {
			return // not a path that a client may send as it is
		}
		to, err := base.Parse(reference)
		if err != nil {
			t.Fatal(err)
		}
		if to.String() != at+page {
			t.Errorf("%s%s: %s leads to %s", at, path, reference, to)
		}
	})
}

// leavesTheMount says whether a path goes up from its own root.
func leavesTheMount(path string) bool {
	deep := 0
	names := strings.Split(path[1:], "/")
	for _, name := range names[:len(names)-1] {
		if name == ".." {
			deep--
		} else if name != "." {
			deep++
		}
		if deep < 0 {
			return true
		}
	}
	return false
}
