package slowlog

import (
	"strings"
	"unicode/utf8"

	"github.com/heeler-go/heeler/alert"
)

const (
	// shown is how many characters of a client's string a report has.
	shown = 2000
	// read is how many bytes of it are looked at: a client can send a
	// megabyte, and secrets are searched for at some 80 ns a byte.
	read = 4 << 10
)

// fit makes a string of a client's fit to be shown: on one line, of bounded
// length, without its secrets.
func fit(s string, redacted func(string) string) string {
	if len(s) <= read {
		return oneLine(redacted(s))
	}
	s = redacted(s[:read])
	if utf8.RuneCountInString(s) <= shown {
		// The end may be seen, where a secret was perhaps cut in two and not
		// known as one.
		s = s[:strings.LastIndexAny(s, "/?&;, ")+1]
	}
	return oneLine(s + "…")
}

// oneLine keeps what comes from outside from looking like another line of a
// report.
func oneLine(s string) string { return alert.OneLine(s, shown) }
