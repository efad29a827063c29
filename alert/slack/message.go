package slack

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/alert"
	"github.com/heeler-go/heeler/internal/redact"
)

const (
	// maxText is what Slack takes in one text of a block, 3000 characters, and
	// some of them spared.
	maxText = 2900
	// maxFallback is how much of the alert a notification has.
	maxFallback = 1000
	// maxFrames and maxBackends are what a message shows of a stack and of
	// the backends: it is to be read on a phone. All of it is in other sinks.
	maxFrames   = 8
	maxBackends = 5
	// maxTags is how many facts are in the last line, and names of files
	// above it.
	maxTags = 20
)

// A message is what an incoming webhook takes, with blocks
// (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). All of
// it is less than 20,000 characters in 6 blocks; Slack takes 40,000 and 50.
type message struct {
	// Text is what a notification shows, and a server that knows no blocks.
	// Such a server may know @channel in it.
	Text   string `json:"text"`
	Mrkdwn bool   `json:"mrkdwn"` // of Text
	// What an alert has an address of is not to be fetched and shown.
	UnfurlLinks bool    `json:"unfurl_links"`
	UnfurlMedia bool    `json:"unfurl_media"`
	Blocks      []block `json:"blocks"`
}

type block struct {
	Type     string `json:"type"`
	Text     *text  `json:"text,omitempty"`
	Elements []text `json:"elements,omitempty"`
}

// A text is mrkdwn. Verbatim is that Slack makes nothing of names and addresses
// in it by itself.
type text struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"`
}

func mrkdwn(s string) text { return text{Type: "mrkdwn", Text: s, Verbatim: true} }

func section(s string) block {
	t := mrkdwn(s)
	return block{Type: "section", Text: &t}
}

// newMessage says it in the order in which somebody reads: what, what of it,
// what was asked of the backends, where it stands, and the facts.
func newMessage(a alert.Alert) message {
	var secrets redact.List
	headline := a.Headline()
	summary, rest, _ := strings.Cut(strings.Trim(a.Text, "\n"), "\n\n")
	if strings.HasPrefix(headline, summary) {
		summary = "" // it has been said
	}
	if a.Text == "" && a.Request != nil {
		summary = requestLine(a.Request, secrets)
	}
	fallback, _ := escape(nobody(strings.TrimSpace(headline+"\n"+strings.TrimSpace(summary+"\n\n"+rest))), maxFallback)
	m := message{Text: fallback, Blocks: []block{section(bold(headline, maxText))}}
	add := func(s string) {
		if strings.TrimSpace(s) != "" {
			m.Blocks = append(m.Blocks, section(s))
		}
	}
	add(words(summary, maxText))
	add(words(backends(a.Backends, secrets), maxText))
	switch {
	case len(a.Stacks) > 0:
		add(code(stack(a.Stacks), maxText)) // the rest says the same at length
	case strings.TrimSpace(rest) != "":
		add(code(strings.Trim(rest, "\n"), maxText))
	}
	add(words(files(a.Files), maxText))
	if facts := facts(a, secrets); facts != "" {
		m.Blocks = append(m.Blocks, block{Type: "context", Elements: []text{mrkdwn(words(facts, maxText))}})
	}
	return m
}

// requestLine is the request of an alert that has no words.
func requestLine(r *alert.Request, secrets redact.List) string {
	line := alert.OneLine(r.Method+" "+secrets.URI(r.URI), 1000)
	if r.Host != "" {
		line += " on " + alert.OneLine(r.Host, 255)
	}
	return line
}

func backends(all []alert.Backend, secrets redact.List) string {
	var lines []string
	for _, b := range all[:min(len(all), maxBackends)] {
		for _, sentence := range b.Sentences() {
			lines = append(lines, secrets.Text(sentence))
		}
	}
	if more := len(all) - maxBackends; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more backends", more))
	}
	return strings.Join(lines, "\n")
}

// stack is the first one: the application's innermost calls, or anyone's if
// there are none.
func stack(all []alert.Stack) string {
	frames := slices.DeleteFunc(slices.Clone(all[0].Frames), func(f alert.Frame) bool { return !f.App })
	if len(frames) == 0 {
		frames = all[0].Frames
	}
	lines := []string{all[0].Heading()}
	for _, f := range frames[:min(len(frames), maxFrames)] {
		file := path.Base(filepath.ToSlash(f.File))
		lines = append(lines, fmt.Sprintf("  %s %s:%d", alert.OneLine(f.Name(), 200), alert.OneLine(file, 100), f.Line))
	}
	if more := len(frames) - maxFrames; more > 0 {
		lines = append(lines, fmt.Sprintf("  and %d more calls", more))
	}
	if more := len(all) - 1; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more stacks", more))
	}
	return strings.Join(lines, "\n")
}

// files names what a webhook cannot carry.
func files(all []alert.File) string {
	var names []string
	for _, f := range all[:min(len(all), maxTags)] {
		names = append(names, fmt.Sprintf("%s (%d bytes)", alert.OneLine(f.Name, 100), len(f.Data)))
	}
	if more := len(all) - maxTags; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	if len(names) == 0 {
		return ""
	}
	return "Files, not sent to Slack: " + strings.Join(names, ", ")
}

// facts are the tags and the time, on one line.
func facts(a alert.Alert, secrets redact.List) string {
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(a.Tags)) {
		if len(parts) == maxTags {
			parts = append(parts, fmt.Sprintf("and %d more", len(a.Tags)-maxTags))
			break
		}
		parts = append(parts, alert.OneLine(k, 100)+": "+alert.OneLine(secrets.Header(k, a.Tags[k]), 200))
	}
	if a.Request != nil && a.Request.ID != "" {
		parts = append(parts, "request "+alert.OneLine(a.Request.ID, 100))
	}
	if !a.Time.IsZero() {
		parts = append(parts, a.Time.UTC().Format(time.DateTime)+" UTC")
	}
	return strings.Join(parts, " · ")
}
