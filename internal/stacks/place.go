package stacks

import "strings"

// Innermost is the call, of those on a stack, that says best where a goroutine is: the application's own
// innermost, which app tells, else that of a library outside of the standard one, else one of the standard
// library that is for users. It is the zero Frame if there are no frames.
func (p Program) Innermost(frames []Frame) (f Frame, app bool) {
	for _, f := range frames {
		if p.App(f.Func, f.File) {
			return f, true
		}
	}
	rank := func(f Frame) int {
		switch pkg := packageOf(f.Func); {
		case !standard(pkg):
			return 2
		case pkg == "runtime", pkg == "sync", pkg == "syscall", within(pkg, "internal"), ofRuntime(f.Func):
			return 0
		}
		return 1
	}
	best := -1
	for _, c := range frames {
		if r := rank(c); r > best {
			f, best = c, r
		}
	}
	return f, false
}

// Purpose says in plain words what a goroutine with these frames, the innermost first, waits for in a
// select, on the network or in a system call: "waiting for an HTTP response". It is empty if they do not
// tell. The frames may be those of an execution trace, too, which leaves the runtime's own out.
func Purpose(frames []Frame) string {
	for _, f := range frames {
		if w, ok := calls[f.Func]; ok {
			return w
		}
		if !standard(packageOf(f.Func)) {
			break
		}
	}
	return ""
}

// PoolOf names the known background goroutine, such as "net/http client connection", that begins in a
// function. It is empty for all others.
func PoolOf(fn string) string {
	for _, p := range pools {
		if strings.HasPrefix(fn, p.prefix) {
			return p.name
		}
	}
	return ""
}

// Short is a function without the folder that its package is in: cart.(*Store).Save for
// github.com/acme/shop/cart.(*Store).Save, go-redis/v9.NewClient for github.com/redis/go-redis/v9.NewClient.
func Short(fn string) string {
	path := fn
	if i := strings.IndexByte(fn, '['); i >= 0 {
		path = fn[:i] // type arguments have slashes of their own
	}
	slash := strings.LastIndexByte(path, '/')
	if slash >= 0 && major(path[slash+1:]) {
		slash = strings.LastIndexByte(path[:slash], '/')
	}
	return strings.ReplaceAll(fn[slash+1:], "%2e", ".")
}

// major says whether a package is named by a major version only, as v9.NewClient.
func major(s string) bool {
	version, _, _ := strings.Cut(s, ".")
	return len(version) > 1 && version[0] == 'v' && strings.Trim(version[1:], "0123456789") == ""
}
