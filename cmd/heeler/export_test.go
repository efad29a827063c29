package main

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/offpath/journal"
)

// What the tests outside look at: how a command line, and a file, are read.

// Setting is a flag as it was given.
type Setting = setting

// Section is a part of a file.
type Section = section

// ParseINI reads a file whose variables are those of a map.
func ParseINI(text string, variables map[string]string) ([]Section, error) {
	return parseINI(text, func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	})
}

// Keys are what a section says, in the order of its lines.
func (part section) Keys() (all [][2]string) {
	for _, e := range part.keys {
		all = append(all, [2]string{e.key, e.value})
	}
	return all
}

// Name is what stands in its brackets.
func (part section) Name() string { return part.name }

// ParseFlags takes a command line of "heeler chaos" apart and applies what is in it.
func ParseFlags(args []string) (flags []Setting, rest []string, err error) {
	s := newSettings()
	all := s.options()
	flags, rest, err = parseFlags(args, all, "")
	if err == nil {
		err = apply(flags, all, s.proxy.said, "")
	}
	return flags, rest, err
}

// NameValue is what a setting sets.
func (s setting) NameValue() (name, value string) { return s.name, s.value }

// ReadChaos gives the proxies that "heeler chaos" would start.
func ReadChaos(args []string) ([]*chaos.Proxy, error) {
	s := newSettings()
	if err := s.read(args); err != nil {
		return nil, err
	}
	var all []*chaos.Proxy
	for _, t := range s.targets() {
		p, err := t.build()
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// ReadCtl says whether "heeler ctl" would take a command line.
func ReadCtl(args []string) error {
	r := newRemote()
	flags, rest, err := parseFlags(args, r.all(), "")
	if err == nil {
		err = apply(flags, r.all(), r.said, "")
	}
	if err == nil {
		_, err = r.verb(rest)
	}
	return err
}

// ReadFollow says whether "heeler follow" would take a command line.
func ReadFollow(args []string) error {
	w := newWatch()
	if err := w.read(args); err != nil {
		return err
	}
	p, err := w.poster(slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	if err := w.follower(p).Validate(); err != nil {
		return plainer(err)
	}
	return nil
}

// A Poster is what "heeler follow" hands entries to.
type Poster struct{ p *poster }

// NewPoster makes one that begins every attempt with a time between them, tries five times what will never do, and
// gives an attempt a minute.
func NewPoster(post func(context.Context, journal.Record) error, every time.Duration, log io.Writer) Poster {
	return Poster{&poster{post: post, every: every, tries: maxTries, timeout: time.Minute, own: newSelf(), log: slog.New(slog.NewTextHandler(log, nil))}}
}

func (p Poster) Handle(ctx context.Context, r journal.Record) error { return p.p.handle(ctx, r) }
func (p Poster) Posted() int                                        { return p.p.posted }
func (p Poster) GivenUp() int                                       { return p.p.givenUp }

// ShutToAll says whether an error would meet any entry.
func ShutToAll(err error) bool { return shutToAll(err) }

// AlertOf is what people are told of an entry.
func AlertOf(r journal.Record, prefix string) alert.Alert { return alertOf(r, prefix) }

// Exec runs a script with an entry.
func Exec(ctx context.Context, command string, r journal.Record) error {
	return script(command).post(ctx, r)
}

// Run is main, given what a process has.
func Run(args []string, stdout, stderr io.Writer) int { return run(args, stdout, stderr) }
