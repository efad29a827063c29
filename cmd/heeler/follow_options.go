package main

import (
	"errors"
	"slices"
	"time"

	"github.com/heeler-go/heeler/alert/email"
)

// A watch is what "heeler follow" is told.
type watch struct {
	match      []string
	prefix     string
	to         string
	cursor     string
	journalctl string
	timeout    time.Duration
	every      time.Duration

	slackFile string

	smtp, smtpSecurity, smtpUser, smtpFile string
	mailFrom                               string
	mailTo                                 []string

	sentryFile, sentryEnvironment string

	exec string

	said map[string]string
}

func newWatch() *watch {
	return &watch{journalctl: "journalctl", timeout: 30 * time.Second, smtpSecurity: "starttls", said: map[string]string{}}
}

// places are where entries can be posted.
func places() []string { return []string{"slack", "email", "sentry", "exec"} }

func (w *watch) options() []option {
	return []option{
		{"match", "FIELD=VALUE …", "which entries: those that have all of these, as journalctl(1) has it; + between two begins an alternative",
			"", w.addMatch},
		{"match-prefix", "TEXT", "of these only those whose message begins so, and without that; a field is better: see above", "",
			setFilled(&w.prefix, "what messages begin with")},
		{"to", "PLACE", "where they are posted: slack, email, sentry or exec, which is a command", "", setOneOf(&w.to, places()...)},
		{"cursor", "FILE", "where it is kept how far it has come",
			"follow-PLACE.cursor in $STATE_DIRECTORY, or in ~/.local/state/heeler", setFilled(&w.cursor, "a file")},
		{"timeout", "SECONDS", "how long one attempt to post may take", "30", setTime(&w.timeout)},
		{"every", "SECONDS", "how long it is at least from one attempt to the next", "1 for slack, which takes no more; none for others",
			setTime(&w.every)},
		{"journalctl", "COMMAND", "what reads the journal, with its first arguments; one for the entries of a namespace: " +
			"\"journalctl --namespace=shop\"", "journalctl", setFilled(&w.journalctl, "a command")},
	}
}

func (w *watch) slackOptions() []option {
	return []option{
		{"slack-url-file", "FILE", "a file with the webhook's URL, which can also be in the variable HEELER_SLACK_URL", "",
			setFilled(&w.slackFile, "a file")},
	}
}

func (w *watch) emailOptions() []option {
	return []option{
		{"smtp", "HOST[:PORT]", "the mail server", "", setFilled(&w.smtp, "a host, or host:port")},
		{"smtp-security", "KIND", "starttls; tls, which is TLS from the first byte; or none, for a server on this machine", "starttls",
			setOneOf(&w.smtpSecurity, "starttls", "tls", "none")},
		{"smtp-user", "NAME", "who logs in there", "nobody", setFilled(&w.smtpUser, "a name")},
		{"smtp-password-file", "FILE", "a file with the password, which can also be in the variable HEELER_SMTP_PASSWORD", "",
			setFilled(&w.smtpFile, "a file")},
		{"mail-from", "ADDRESS", "who sends it", "", setFilled(&w.mailFrom, "an address")},
		{"mail-to", "ADDRESS …", "who gets it", "", w.addRecipient},
	}
}

func (w *watch) sentryOptions() []option {
	return []option{
		{"sentry-dsn-file", "FILE", "a file with the project's DSN, which can also be in the variable SENTRY_DSN", "",
			setFilled(&w.sentryFile, "a file")},
		{"sentry-environment", "NAME", "such as production or staging", "", setFilled(&w.sentryEnvironment, "a name")},
	}
}

func (w *watch) execOptions() []option {
	return []option{
		{"exec", "COMMAND", "what the shell is to run for each entry, with the entry on its standard input", "",
			setFilled(&w.exec, "a command")},
	}
}

// owned are the options that are about one place.
func (w *watch) owned() []ownedOptions {
	return []ownedOptions{
		{"slack", w.slackOptions()}, {"email", w.emailOptions()}, {"sentry", w.sentryOptions()}, {"exec", w.execOptions()},
	}
}

type ownedOptions struct {
	place   string
	options []option
}

// all are all flags, and those that there will never be.
func (w *watch) all() []option {
	all := slices.Concat(w.options(), w.slackOptions(), w.emailOptions(), w.sentryOptions(), w.execOptions())
	const slackURL, sentryDSN = "HEELER_SLACK_URL, or a file in --slack-url-file", "SENTRY_DSN, or a file in --sentry-dsn-file"
	for _, secret := range [][2]string{
		{"slack-url", slackURL}, {"sentry-dsn", sentryDSN}, {"smtp-password", "HEELER_SMTP_PASSWORD, or a file in --smtp-password-file"},
	} {
		all = append(all, option{name: secret[0], value: "SECRET", set: func(string) error {
			return errors.New("is a secret, and everybody on this machine sees the command line: want it in the variable " + secret[1])
		}})
	}
	return all
}

func (w *watch) addMatch(value string) error {
	w.match = append(w.match, value)
	return nil
}

func (w *watch) addRecipient(value string) error {
	if value == "" {
		return bad(value, "an address")
	}
	w.mailTo = append(w.mailTo, value)
	return nil
}

// security is what --smtp-security means.
func (w *watch) security() email.Security {
	switch w.smtpSecurity {
	case "tls":
		return email.TLS
	case "none":
		return email.None
	}
	return email.STARTTLS
}
