package slack

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Slack's mrkdwn has three characters that begin something: < opens a mention,
// a link or a command such as <!channel>, > closes it, and & begins an entity.
// As entities they are text (docs.slack.dev/messaging/formatting-message-text).
// That nothing is made of "@channel" or an address either is for verbatim.

// escape is s as text, of at most room characters as Slack counts them, which
// is after escaping. An entity is never cut in two. left is how many
// characters of s did not fit. Control characters become spaces, except for
// line breaks and tabs, and so do those that change the direction of what
// follows; invalid UTF-8 becomes U+FFFD.
func escape(s string, room int) (text string, left int) {
	var b strings.Builder
	for i, r := range s {
		piece := entity(r)
		n := units(piece)
		if n > room {
			return b.String(), utf8.RuneCountInString(s[i:])
		}
		room -= n
		b.WriteString(piece)
	}
	return b.String(), 0
}

func entity(r rune) string {
	switch {
	case r == '&':
		return "&amp;"
	case r == '<':
		return "&lt;"
	case r == '>':
		return "&gt;"
	case r == '\n' || r == '\t':
	case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
		return " "
	}
	return string(r)
}

// units is a length in units of UTF-16, of which some characters, and most
// emoji, have two: the larger of the ways to count.
func units(s string) (n int) {
	for _, r := range s {
		n++
		if r > 0xFFFF {
			n++
		}
	}
	return n
}

// words is s as text that is cut with a note, in at most room characters.
func words(s string, room int) string {
	text, left := escape(s, room-maxNote)
	return text + note(left)
}

// maxNote is more than a note has.
const maxNote = 60

// note says how much has been cut off.
func note(left int) string {
	if left == 0 {
		return ""
	}
	return fmt.Sprintf("… (cut: %d more characters)", left)
}

// code is s in a block of code, cut with a note, in at most room characters.
func code(s string, room int) string {
	const fence = "```"
	text, left := escape(apart(s), room-maxNote-2*len(fence)-3)
	text = fence + "\n" + text + "\n" + fence
	if left > 0 {
		text += "\n" + note(left)
	}
	return text
}

// apart keeps backticks apart by a space of no width: three of them would end
// the block of code.
func apart(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "``", "`\u200b`"), "``", "`\u200b`")
}

// nobody keeps each @ apart from what follows by a space of no width: servers
// other than Slack call everybody at @channel, and cannot be told not to.
func nobody(s string) string { return strings.ReplaceAll(s, "@", "@\u200b") }

// bold is a line in bold, unless it has what would end that halfway.
func bold(line string, room int) string {
	text := words(line, room-2)
	if strings.ContainsAny(text, "*`\n") {
		return text
	}
	return "*" + text + "*"
}
