package graph

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/google/pprof/driver"
	"github.com/google/pprof/profile"
)

// turn is held by whoever calls the driver, and while one of its pages is made: what the driver keeps in
// package variables belongs to the whole process, so this does too.
var turn = make(chan struct{}, 1)

// settings are options of the driver by their name on pprof's command line.
type settings map[string]string

// defaults are all options that say what a report is like. Each run sets each of them, because the driver
// starts from those of the run before.
var defaults = settings{
	"call_tree": "false", "relative_percentages": "false", "unit": "minimum", "compact_labels": "false",
	"source_path": "", "trim_path": "", "intel_syntax": "false", "mean": "false", "sample_index": "",
	"divide_by": "1", "normalize": "false", "tagroot": "", "tagleaf": "", "drop_negative": "false",
	"nodecount": "-1", "nodefraction": nodeFraction, "edgefraction": edgeFraction, "trim": "true",
	"focus": "", "ignore": "", "prune_from": "", "hide": "", "show": "", "show_from": "",
	"tagfocus": "", "tagignore": "", "tagshow": "", "taghide": "", "noinlines": "false", "showcolumns": "false",
	"flat": "true", "cum": "false", // one of them: the order
	// One of them: what a node is.
	"functions": "true", "filefunctions": "false", "files": "false", "lines": "false", "addresses": "false",
}

// run gives the driver a profile, which it may change, and has it write a report into out, or hand over
// the handlers of its pages. The caller has the turn. A panic of the driver, which some options bring
// about, is an error.
func run(p *profile.Profile, set settings, out *output, serve func(*driver.HTTPServerArgs) error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("graph: pprof panicked: %v", v)
		}
	}()
	flags := &flags{set: set}
	err = driver.PProf(&driver.Options{
		Flagset:       flags,
		Fetch:         inMemory{p},
		Writer:        out,
		Sym:           noSymbols{},
		Obj:           noBinaries{},
		UI:            silent{},
		HTTPServer:    serve,
		HTTPTransport: http.NewFileTransport(nothing{}),
	})
	if flags.err != nil {
		return flags.err
	}
	if err != nil {
		return fmt.Errorf("graph: pprof: %w", err)
	}
	return nil
}

// inMemory is a driver.Fetcher for the one profile that there is. That it names no source keeps the driver
// from saving what it got.
type inMemory struct{ p *profile.Profile }

func (m inMemory) Fetch(string, time.Duration, time.Duration) (*profile.Profile, string, error) {
	return m.p, "", nil
}

// output is a driver.Writer that keeps what is written.
type output struct{ bytes.Buffer }

func (o *output) Open(string) (io.WriteCloser, error) { return o, nil }
func (o *output) Close() error                        { return nil }

// noSymbols is a driver.Symbolizer that leaves a profile as it is.
type noSymbols struct{}

func (noSymbols) Symbolize(string, driver.MappingSources, *profile.Profile) error { return nil }

// noBinaries is a driver.ObjTool that finds none.
type noBinaries struct{}

var errDisk = errors.New("graph: files are not read")

func (noBinaries) Open(string, uint64, uint64, uint64, string) (driver.ObjFile, error) {
	return nil, errDisk
}
func (noBinaries) Disasm(string, uint64, uint64, bool) ([]driver.Inst, error) { return nil, errDisk }

// nothing is an http.FileSystem without files.
type nothing struct{}

func (nothing) Open(string) (http.File, error) { return nil, errDisk }

// silent is a driver.UI without a user.
type silent struct{}

func (silent) ReadLine(string) (string, error)     { return "", io.EOF }
func (silent) Print(...any)                        {}
func (silent) PrintErr(...any)                     {}
func (silent) IsTerminal() bool                    { return false }
func (silent) WantBrowser() bool                   { return false }
func (silent) SetAutoComplete(func(string) string) {}

// flags is a driver.FlagSet whose flags come from settings, then from the defaults.
type flags struct {
	set settings
	err error
}

// value says what a flag is set to; its own default if neither settings nor defaults know it.
func value[T any](f *flags, name string, def T, parse func(string) (T, error)) T {
	s, known := f.set[name]
	if !known {
		s, known = defaults[name]
	}
	if !known {
		return def
	}
	v, err := parse(s)
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("graph: option %s: %q is not a %T", name, s, def)
	}
	return v
}

func (f *flags) Bool(name string, def bool, _ string) *bool {
	v := value(f, name, def, strconv.ParseBool)
	return &v
}

func (f *flags) Int(name string, def int, _ string) *int {
	v := value(f, name, def, strconv.Atoi)
	return &v
}

func (f *flags) Float64(name string, def float64, _ string) *float64 {
	v := value(f, name, def, func(s string) (float64, error) { return strconv.ParseFloat(s, 64) })
	return &v
}

func (f *flags) String(name string, def string, _ string) *string {
	v := value(f, name, def, func(s string) (string, error) { return s, nil })
	return &v
}

func (f *flags) StringList(string, string, string) *[]*string { return new([]*string) }
func (f *flags) ExtraUsage() string                           { return "" }
func (f *flags) AddExtraUsage(string)                         {}

// Parse gives the driver one source to fetch, whatever it is called, or none if a flag was wrong.
func (f *flags) Parse(func()) []string {
	if f.err != nil {
		return nil
	}
	return []string{"profile"}
}
