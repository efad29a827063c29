package stacks_test

import (
	"testing"

	"github.com/heeler-go/heeler/internal/stacks"
)

func framesOf(funcs ...string) (frames []stacks.Frame) {
	for i, fn := range funcs {
		frames = append(frames, stacks.Frame{Func: fn, File: "/src/f.go", Line: i + 1})
	}
	return frames
}

func TestTheInnermostCallIsTheApplicationsOwn(t *testing.T) {
	program := stacks.Program{Module: "github.com/acme/shop"}
	for _, test := range []struct {
		name   string
		frames []stacks.Frame
		want   string
		app    bool
	}{
		{"its own beneath libraries", framesOf("sync.(*Mutex).Lock", "github.com/lib/pq.(*conn).recv", "github.com/acme/shop/cart.Save", "main.main"),
			"github.com/acme/shop/cart.Save", true},
		{"a library's beneath the standard one", framesOf("internal/poll.(*FD).Read", "net.(*conn).Read", "github.com/lib/pq.(*conn).recv", "github.com/lib/pq.(*conn).ping", "net/http.(*conn).serve"),
			"github.com/lib/pq.(*conn).recv", false},
		{"the standard library's own", framesOf("runtime.selectgo", "internal/poll.(*FD).Read", "sync.(*Once).Do", "net.(*conn).Read", "net/http.(*conn).serve"),
			"net.(*conn).Read", false},
		{"nothing but the inside", framesOf("sync.(*Mutex).Lock", "internal/poll.(*FD).Read"), "sync.(*Mutex).Lock", false},
		{"nothing", nil, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if f, app := program.Innermost(test.frames); f.Func != test.want || app != test.app {
				t.Errorf("%s, %v; want %s, %v", f.Func, app, test.want, test.app)
			}
		})
	}
}

func TestWhatIsWaitedForIsToldByTheFrames(t *testing.T) {
	for _, test := range []struct {
		frames []stacks.Frame
		want   string
	}{
		{framesOf("runtime.selectgo", "net/http.(*persistConn).roundTrip", "main.main"), "waiting for an HTTP response"},
		{framesOf("runtime.selectgo", "database/sql.(*DB).conn", "main.main"), "waiting for a free database connection"},
		{framesOf("runtime.selectgo", "main.own", "net/http.(*persistConn).roundTrip"), ""},
		{framesOf("internal/poll.(*FD).Read", "net.(*conn).Read", "main.main"), ""},
		{nil, ""},
	} {
		if got := stacks.Purpose(test.frames); got != test.want {
			t.Errorf("%+v: %q, want %q", test.frames, got, test.want)
		}
	}
}

func TestAFunctionIsNamedWithoutTheFolderOfItsPackage(t *testing.T) {
	for fn, want := range map[string]string{
		"github.com/acme/shop/cart.(*Store).Save": "cart.(*Store).Save",
		"main.main":                                 "main.main",
		"main.main.func1":                           "main.main.func1",
		"github.com/redis/go-redis/v9.NewClient":    "go-redis/v9.NewClient",
		"rsc.io/quote/v3.Hello":                     "quote/v3.Hello",
		"v9.f":                                      "v9.f",
		"github.com/acme/vault.f":                   "vault.f",
		"gopkg.in/yaml%2ev3.Unmarshal":              "yaml.v3.Unmarshal",
		"github.com/a/b.Map[go.shape.struct{ x/y}]": "b.Map[go.shape.struct{ x/y}]",
		"example.com/a/b.Do[example.com/c/d.T].fun": "b.Do[example.com/c/d.T].fun",
		"":      "",
		"/":     "",
		"ends/": "",
	} {
		if got := stacks.Short(fn); got != want {
			t.Errorf("%s is %q, want %q", fn, got, want)
		}
	}
}

func TestAPoolIsToldByTheFunctionThatItsGoroutinesBeginWith(t *testing.T) {
	if got := stacks.PoolOf("net/http.(*persistConn).readLoop"); got != "net/http client connection" {
		t.Errorf("%q", got)
	}
	if got := stacks.PoolOf("main.work"); got != "" {
		t.Errorf("%q", got)
	}
}
