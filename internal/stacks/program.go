package stacks

import (
	"runtime/debug"
	"strings"
)

// heeler is our own module: its packages are a library to the program they guard.
const heeler = "github.com/heeler-go/heeler"

// A Program tells the application's own code from that of libraries. The zero value knows only package
// main.
type Program struct {
	// Module is the path of the main module, such as github.com/acme/shop.
	Module string
}

// ThisProgram is the running program, as its build information describes it.
func ThisProgram() Program {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return Program{}
	}
	if info.Main.Path != "" {
		return Program{Module: info.Main.Path}
	}
	return Program{Module: strings.TrimSuffix(info.Path, ".test")}
}

// App says whether a function, named as in [Frame], is the application's: in package main, in the main
// module, or in a module of the same owner.
func (p Program) App(fn, file string) bool {
	pkg := packageOf(fn)
	if pkg == "main" {
		return !strings.HasSuffix(file, "_testmain.go")
	}
	if within(pkg, heeler) && !within(pkg, heeler+"/examples") {
		return strings.HasSuffix(file, "_test.go")
	}
	if p.Module == "" {
		return false
	}
	return within(pkg, p.Module) || within(pkg, owner(p.Module))
}

func within(pkg, path string) bool {
	rest, ok := strings.CutPrefix(pkg, path)
	return ok && (rest == "" || rest[0] == '/')
}

// owner is the part of a module path that its owner's other modules share.
func owner(module string) string {
	host, rest, ok := strings.Cut(module, "/")
	if !ok || !strings.Contains(host, ".") {
		return module
	}
	name, _, _ := strings.Cut(rest, "/")
	return host + "/" + name
}

// packageOf is the package path of a function: all before the first dot after the last slash.
func packageOf(fn string) string {
	if i := strings.IndexByte(fn, '['); i >= 0 {
		fn = fn[:i] // type arguments have slashes of their own
	}
	slash := strings.LastIndexByte(fn, '/') + 1
	if dot := strings.IndexByte(fn[slash:], '.'); dot >= 0 {
		return fn[:slash+dot]
	}
	return fn
}

// standard says whether a package is in the standard library: its path has no dot in the first part.
func standard(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return pkg != "main" && !strings.Contains(first, ".")
}
