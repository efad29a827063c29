package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/alert/email"
	"github.com/heeler-go/heeler/alert/sentry"
	"github.com/heeler-go/heeler/alert/slack"
	"github.com/heeler-go/heeler/offpath/journal"
)

// maxTries is how often an entry is posted to somebody who says that it will never do, since that may be wrong
// for a moment, while something is set up anew. Who is away or busy is tried for ever, and who takes nothing at all.
const maxTries = 5

// poster makes what posts. It asks nobody yet.
func (w *watch) poster(log *slog.Logger) (*poster, error) {
	p := &poster{prefix: w.prefix, timeout: w.timeout, every: w.every, tries: maxTries, log: log, own: newSelf()}
	if w.to == "exec" {
		if w.exec == "" {
			return nil, misused(followHelp, "--to exec needs --exec COMMAND")
		}
		p.post = script(w.exec).post
		return p, nil
	}
	sink, err := w.sink(log)
	if err != nil {
		return nil, err
	}
	switch w.to {
	case "slack":
		p.every = cmp.Or(w.every, time.Second) // Slack takes about one message a second on a webhook
	case "email":
		p.tries = 1 // an error that does not pass may mean that some have got the mail, and others not
	}
	p.post = func(ctx context.Context, r journal.Record) error { return sink.Send(ctx, alertOf(r, w.prefix)) }
	return p, nil
}

// sink makes the alert.Sink of a place.
func (w *watch) sink(log *slog.Logger) (s alert.Sink, err error) {
	var secret string
	var check interface{ Validate() error }
	switch w.to {
	case "slack":
		secret, err = readSecret(log, "the webhook's URL", w.slackFile, "slack-url-file", "HEELER_SLACK_URL")
		sink := &slack.Sink{URL: slack.URL(secret), Timeout: w.timeout}
		s, check = sink, sink
	case "sentry":
		secret, err = readSecret(log, "the project's DSN", w.sentryFile, "sentry-dsn-file", "SENTRY_DSN")
		sink := &sentry.Sink{DSN: secret, Environment: w.sentryEnvironment, Timeout: w.timeout}
		s, check = sink, sink
	case "email":
		var sink *email.Sink
		sink, err = w.emailSink(log)
		s, check = sink, sink
	}
	if err != nil {
		return nil, err
	}
	if err := check.Validate(); err != nil {
		return nil, plainer(err)
	}
	return s, nil
}

// plainer makes the error of a package one for people at a command line.
func plainer(err error) error {
	return misused(followHelp, "%s", numbered.ReplaceAllString(flagged.Replace(err.Error()), "$1"))
}

// numbered is what may be there several times, with the number that it has for the package.
var numbered = regexp.MustCompile(`^(--match)\[\d+\]`)

// flagged makes words of the command line out of those of the packages.
var flagged = strings.NewReplacer(
	"journal: Follower.Match", "--match", "journal: Follower.Journalctl", "--journalctl", "journal: Follower.Cursor", "--cursor",
	"slack: Sink.URL", "the URL", "sentry: Sink.DSN", "the DSN", "email: Sink.Host", "--smtp", "email: Sink.Port", "the port of --smtp",
	"email: Sink.Username", "--smtp-user", "email: Sink.From", "--mail-from", "email: Sink.To", "--mail-to",
	"with Security None", "with --smtp-security none", "use STARTTLS or TLS", "want starttls or tls",
)

func (w *watch) emailSink(log *slog.Logger) (*email.Sink, error) {
	for _, needed := range []string{"smtp", "mail-from", "mail-to"} {
		if w.said[needed] == "" {
			return nil, misused(followHelp, "--to email needs --%s", needed)
		}
	}
	s := &email.Sink{
		Host: w.smtp, Security: w.security(), Username: w.smtpUser, From: w.mailFrom, To: w.mailTo, Timeout: w.timeout,
	}
	if host, port, err := net.SplitHostPort(w.smtp); err == nil {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return nil, misused(followHelp, "--smtp %v", bad(w.smtp, "a host, or host:port"))
		}
		s.Host, s.Port = host, int(n)
	}
	if w.smtpUser == "" {
		if w.smtpFile != "" {
			return nil, misused(followHelp, "--smtp-password-file needs --smtp-user: who logs in with it")
		}
		return s, nil
	}
	var err error
	s.Password, err = readSecret(log, "the password of --smtp-user", w.smtpFile, "smtp-password-file", "HEELER_SMTP_PASSWORD")
	return s, err
}

// readSecret reads what must not be on the command line, where everybody on the machine sees it: out of the
// file, if one is named, or else the variable.
func readSecret(log *slog.Logger, what, file, flag, variable string) (string, error) {
	if file == "" {
		if secret := strings.TrimSpace(os.Getenv(variable)); secret != "" {
			return secret, nil
		}
		return "", misused(followHelp, "%s is missing, want it in the variable %s, or a file with it in --%s", what, variable, flag)
	}
	if strings.Contains(file, "://") {
		return "", misused(followHelp, "--%s is not shown here, want the name of a file with %s in it: everybody on this machine sees the command line",
			flag, what)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", misused("", "--%s: %v", flag, err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Mode()&0o004 != 0 {
		log.Warn("everybody on this machine can read the file: chmod o-r", "flag", "--"+flag, "file", file)
	}
	const most = 64 << 10
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return "", misused("", "--%s: %v", flag, err)
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" || len(text) == most {
		return "", misused(followHelp, "--%s %v", flag, errors.New("has nothing in it, or too much, want "+what))
	}
	return secret, nil
}
