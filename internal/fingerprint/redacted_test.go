package fingerprint_test

import (
	"strings"
	"testing"

	"github.com/heeler-go/heeler/internal/fingerprint"
	"github.com/heeler-go/heeler/internal/redact"
)

func TestRedactingSpoilsNoFingerprint(t *testing.T) {
	for _, s := range []string{
		"SELECT a FROM card c JOIN pin p ON c.id = p.card_id WHERE c.author = p.author ORDER BY c.opinion",
		"SELECT a FROM b WHERE (b.token <> c.d AND x.author = y.author)",
		"ALTER USER bob IDENTIFIED BY ?",
		"UPDATE user SET password = ?, name = ? WHERE id = ?",
		"SELECT ?",
		"GET auth.example.com/session/token/?",
	} {
		if got := fingerprint.Redacted(s, redact.List{}); got != s {
			t.Errorf("%s\nbecame %s", s, got)
		}
	}
}

func TestWhatSomebodyHasLeftInIsRedacted(t *testing.T) {
	for _, s := range []string{
		"SET PASSWORD = 'hunter2'",
		"ALTER USER bob IDENTIFIED BY hunter2",
		"GET api.example.com/reset?token=hunter2",
		"SELECT a FROM b WHERE token = hunter",
		"SELECT a FROM b WHERE token = c.d AND session = hunter",
		"SELECT a FROM b WHERE token = eyJhbGciOiJIUzI1NiJ9.eyJodW50ZXIiOiIxIn0.hunter",
		"SELECT a FROM b WHERE token = 'c.hunter'",
		"mysql://bob:hunter2@db/shop",
	} {
		if got := fingerprint.Redacted(s, redact.List{}); strings.Contains(got, "hunter") {
			t.Errorf("%s\nbecame %s", s, got)
		}
	}
}
