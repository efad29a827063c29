package sentry

import (
	"fmt"

	"github.com/getsentry/sentry-go"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/fingerprint"
	"github.com/heeler-go/heeler/internal/redact"
)

// backendsContext has a list for each backend: the counts, the calls in
// progress, the statements. Names and statements are redacted once more,
// whoever made the alert.
func backendsContext(backends []alert.Backend, secrets redact.List) sentry.Context {
	clean := func(statement string) string {
		return alert.OneLine(fingerprint.Redacted(alert.OneLine(statement, maxLine), secrets), maxStatement)
	}
	c := make(sentry.Context)
	for _, b := range backends[:min(len(backends), maxBackends)] {
		b.Name = alert.OneLine(secrets.Text(alert.OneLine(b.Name, maxLine)), 100)
		lines := []string{b.Summary()}
		for _, running := range b.Running {
			running.Statement = clean(running.Statement)
			lines = append(lines, "now "+running.String())
		}
		if b.MoreRunning > 0 {
			lines = append(lines, fmt.Sprintf("and %d more now", b.MoreRunning))
		}
		for _, s := range b.Statements {
			s.Text = clean(s.Text)
			lines = append(lines, s.String())
		}
		if b.More > 0 {
			lines = append(lines, fmt.Sprintf("and %d more", b.More))
		}
		c[free(c, b.Name)] = lines
	}
	if left := len(backends) - maxBackends; left > 0 {
		c["left out"] = left
	}
	return c
}

// free is a key for a backend that neither another one nor Sentry has: it shows
// a context by its "type".
func free(c sentry.Context, name string) string {
	if name == "" {
		name = "unnamed"
	}
	key := name
	for n := 2; c[key] != nil || key == "type" || key == "left out"; n++ {
		key = fmt.Sprintf("%s (%d)", name, n)
	}
	return key
}
