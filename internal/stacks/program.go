package stacks

import (
	"reflect"
	"runtime"
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
	// Std is the folder of the standard library's source, with a slash at its end. A closure of the
	// library that was inlined into the application bears the application's name, but the file is the
	// library's own. Empty means that this is not known, as after -trimpath.
	Std string
}

// ThisProgram is the running program, as its build information describes it. In a test binary the main
// module is the module under test.
func ThisProgram() Program {
	known := runtime.FuncForPC(reflect.ValueOf(strings.Cut).Pointer())
	file, _ := known.FileLine(known.Entry())
	p := Program{Std: strings.TrimSuffix(file, "strings/strings.go")}
	if info, ok := debug.ReadBuildInfo(); ok {
		if p.Module = info.Main.Path; p.Module == "" {
			p.Module = strings.TrimSuffix(info.Path, ".test")
		}
	}
	return p
}

// App says whether a function, named as in [Frame], is the application's own: in package main, in the
// main module, or in a module of the same owner, as github.com/acme/auth is beside github.com/acme/shop.
// The standard library, other modules, what is vendored and heeler's own packages are libraries.
func (p Program) App(fn, file string) bool {
	pkg := packageOf(fn)
	switch {
	case p.Std != "" && strings.HasPrefix(file, p.Std):
		return false
	case pkg == "main":
		return !strings.HasSuffix(file, "_testmain.go")
	case within(pkg, heeler) && !within(pkg, heeler+"/examples"):
		return strings.HasSuffix(file, "_test.go")
	case p.Module == "":
		return false
	case within(pkg, p.Module):
		return true
	}
	return within(pkg, owner(p.Module)) && !strings.Contains(file, "/vendor/")
}

// within says whether a package is at path or below.
func within(pkg, path string) bool {
	rest, ok := strings.CutPrefix(pkg, path)
	return ok && (rest == "" || rest[0] == '/' || rest == "_test")
}

// owner is the part of a module path that its owner's other modules share: the host, and the account
// where many share the host. A path without a host has no siblings.
func owner(module string) string {
	host, rest, _ := strings.Cut(module, "/")
	switch host {
	case "github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitee.com", "git.sr.ht", "gopkg.in":
		account, _, _ := strings.Cut(rest, "/")
		return host + "/" + account
	}
	if strings.Contains(host, ".") {
		return host
	}
	return module
}

// packageOf is the package path of a function: all before the first dot after the last slash.
func packageOf(fn string) string {
	if i := strings.IndexByte(fn, '['); i >= 0 {
		fn = fn[:i] // type arguments have slashes of their own
	}
	slash := strings.LastIndexByte(fn, '/') + 1
	if dot := strings.IndexByte(fn[slash:], '.'); dot >= 0 {
		fn = fn[:slash+dot]
	}
	return strings.ReplaceAll(fn, "%2e", ".") // so the linker writes gopkg.in/yaml.v3
}

// standard says whether a package is in the standard library: its path has no dot in the first part.
func standard(pkg string) bool {
	first, _, _ := strings.Cut(pkg, "/")
	return pkg != "main" && !strings.Contains(first, ".")
}
