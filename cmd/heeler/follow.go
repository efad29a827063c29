package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/heeler-go/heeler/offpath/journal"
)

// followHelp is the command that tells more.
const followHelp = "heeler follow --help"

// runFollow posts what it finds in the journal until a signal comes.
func runFollow(args []string, _, stderr io.Writer) error {
	w := newWatch()
	if err := w.read(args); err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(stderr, nil))
	p, err := w.poster(log)
	if err != nil {
		return err
	}
	f := w.follower(p)
	if err := f.Validate(); err != nil {
		return plainer(err)
	}
	if err := os.MkdirAll(filepath.Dir(w.cursor), 0o700); err != nil {
		return fmt.Errorf("cannot keep how far it has come in %s: %w; another FILE can be named with --cursor", w.cursor, err)
	}
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer restore()
	context.AfterFunc(ctx, func() {
		restore()
		log.Info("stopping; another signal does it at once", "at most", grace)
	})
	if doubts := w.doubts(); doubts != "" {
		log.Warn(doubts)
	}
	log.Info("following", "match", strings.Join(w.match, " "), "prefix", w.prefix, "to", w.to, "cursor", w.cursor)
	err = f.Run(ctx)
	log.Info("stopped", "posted", p.posted, "given up", p.givenUp)
	if ctx.Err() != nil && err == context.Cause(ctx) {
		return nil // it has been told to, and there is nothing else to say
	}
	return errors.New(flagged.Replace(err.Error()))
}

// follower makes what finds.
func (w *watch) follower(p *poster) *journal.Follower {
	return &journal.Follower{
		Match: w.match, Cursor: w.cursor, Journalctl: strings.Fields(w.journalctl), Handle: p.handle,
		OnError: func(err error) {
			var handled *journal.HandleError
			if !errors.As(err, &handled) { // the poster has told of its own
				p.log.Warn("trouble with the journal", "error", err)
			}
		},
	}
}

// read takes the command line, and says what is missing or does not go together.
func (w *watch) read(args []string) error {
	flags, rest, err := parseFlags(args, w.all(), followHelp)
	if err == nil {
		err = apply(flags, w.all(), w.said, followHelp)
	}
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return misused(followHelp, "%q is one argument too many: what to look for goes behind --match", shorten(rest[0]))
	}
	if len(w.match) == 0 && w.prefix == "" {
		return misused(followHelp, "what to look for is missing, want --match FIELD=VALUE, or --match-prefix TEXT")
	}
	if w.to == "" {
		return misused(followHelp, "where to post is missing, want --to %s", strings.Join(places(), "|"))
	}
	for _, own := range w.owned() {
		for _, o := range own.options {
			if where := w.said[normal(o.name)]; where != "" && own.place != w.to {
				return misused(followHelp, "%s is for --to %s, not for %s", where, own.place, w.to)
			}
		}
	}
	w.cursor, err = w.cursorFile()
	return err
}

// cursorFile is where it is kept how far it has come: where --cursor says, or in the directory for such things
// that systemd has made for the service, or that of the user.
func (w *watch) cursorFile() (string, error) {
	if w.cursor != "" {
		return w.cursor, nil
	}
	name := "follow-" + w.to + ".cursor"
	// Of several directories systemd makes a list, and the first is the service's own.
	if dir, _, _ := strings.Cut(os.Getenv("STATE_DIRECTORY"), ":"); dir != "" {
		return filepath.Join(dir, name), nil
	}
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "heeler", name), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", misused(followHelp, "there is neither STATE_DIRECTORY nor a home directory, want --cursor FILE")
	}
	return filepath.Join(home, ".local", "state", "heeler", name), nil
}

// doubts are what somebody should know who relies on what is found.
func (w *watch) doubts() string {
	switch {
	case journal.Trusted(w.match):
		return ""
	case w.prefix != "":
		return "any program on this machine can write a message that begins like that, and so can whoever gets a text into one: --match with " +
			"a field of your own is better, and with _SYSTEMD_UNIT=… or _UID=… besides only yours are believed"
	}
	return "any program on this machine can write such entries: with one more --match _SYSTEMD_UNIT=… or _UID=… only yours are believed"
}
