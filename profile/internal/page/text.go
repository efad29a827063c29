package page

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// span writes a duration with three digits, so that its size is seen at a glance: "412 ms", "4.90 s".
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + span(max(-d, 1)) // the least has no opposite
	case d == 0:
		return "0"
	case d < time.Microsecond:
		return strconv.FormatInt(int64(d), 10) + " ns"
	case d < time.Millisecond:
		return three(float64(d)/1e3) + " µs"
	case d < time.Second:
		return three(float64(d)/1e6) + " ms"
	case d < 2*time.Minute:
		return three(d.Seconds()) + " s"
	default:
		return d.Round(time.Second).String()
	}
}

// three writes a number with three digits.
func three(x float64) string {
	switch {
	case x >= 99.95:
		return strconv.FormatFloat(x, 'f', 0, 64)
	case x >= 9.995:
		return strconv.FormatFloat(x, 'f', 1, 64)
	default:
		return strconv.FormatFloat(x, 'f', 2, 64)
	}
}

// percent writes a part of a whole: "60 %", "9.4 %", "<0.1 %".
func percent[N int64 | time.Duration](part, whole N) string {
	if whole <= 0 || part <= 0 {
		return "0 %"
	}
	switch p := 100 * float64(part) / float64(whole); {
	case p >= 9.95:
		return strconv.FormatFloat(p, 'f', 0, 64) + " %"
	case p >= 0.1:
		return strconv.FormatFloat(p, 'f', 1, 64) + " %"
	default:
		return "<0.1 %"
	}
}

// size writes a number of bytes: "812 B", "3.41 MiB".
func size(n int64) string {
	if n < 0 {
		return "-" + size(max(-n, 1))
	}
	units := []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}
	x, i := float64(n), 0
	for x >= 1000 && i < len(units)-1 {
		x, i = x/1024, i+1
	}
	if i == 0 {
		return strconv.FormatInt(n, 10) + " B"
	}
	return three(x) + " " + units[i]
}

// amount writes a value of a profile in its unit.
func amount(value int64, unit string) string {
	switch unit {
	case "nanoseconds":
		return span(time.Duration(value))
	case "bytes":
		return size(value)
	default:
		return strconv.FormatInt(value, 10)
	}
}

// count writes a number of things: "1 call", "231 calls".
func count(n int, thing string) string {
	switch {
	case n == 1:
		return "1 " + thing
	case strings.HasSuffix(thing, "x"):
		thing += "e"
	}
	return strconv.Itoa(n) + " " + thing + "s"
}

// base is the last two elements of a file's path, which tell the package and the file.
func base(file string) string {
	file = strings.ReplaceAll(file, `\`, "/")
	if i := strings.LastIndexByte(file, '/'); i > 0 {
		return file[strings.LastIndexByte(file[:i], '/')+1:]
	}
	return file
}

// clip cuts a text that is too long to be read at a glance.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "…"
}

// visible spells out what a page must not do unseen: control characters, and those that turn the direction
// of the text around them or have no width. It looks at a whole page, so that no text of the program
// gets around it; our own templates have none of these.
func visible(page []byte) []byte {
	unseen := func(r rune) bool {
		return r == utf8.RuneError || r > ' ' && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) ||
			r < ' ' && r != '\n' && r != '\t'
	}
	if bytes.IndexFunc(page, unseen) < 0 {
		return page
	}
	out := make([]byte, 0, len(page)+256)
	for len(page) > 0 {
		r, n := utf8.DecodeRune(page)
		switch {
		case r == utf8.RuneError && n == 1:
			out = fmt.Appendf(out, `\x%02x`, page[0])
		case r != utf8.RuneError && unseen(r):
			out = fmt.Appendf(out, `\u%04x`, r)
		default:
			out = append(out, page[:n]...)
		}
		page = page[n:]
	}
	return out
}
