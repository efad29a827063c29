package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime/debug"
)

// version is what the program was built from, as far as that is known.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "heeler (devel)"
	}
	text := "heeler " + cmp.Or(info.Main.Version, "(devel)")
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			text += ", commit " + s.Value[:12]
		}
	}
	return text + ", " + info.GoVersion
}

func runVersion(args []string, stdout, _ io.Writer) error {
	if len(args) > 0 {
		return misused("heeler help", "%q is one argument too many: version takes none", shorten(args[0]))
	}
	fmt.Fprintln(stdout, version())
	return nil
}
