package main

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
)

// What the help says in whole sentences. What flags, behaviors and protocols there are is added from the
// tables that the command itself reads.
var (
	//go:embed help/all.txt
	allText string
	//go:embed help/chaos.txt
	chaosText string
	//go:embed help/config.txt
	configText string
	//go:embed help/ctl.txt
	ctlText string
	//go:embed help/follow.txt
	followText string
	//go:embed help/unit.txt
	unitText string
)

// width is how long the lines of the help are.
const width = 100

func helpAll(w io.Writer) { io.WriteString(w, allText) }

func runHelp(args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		helpAll(stdout)
		return nil
	}
	if len(args) > 1 {
		return misused("heeler help", "%q is one argument too many: help takes one command", shorten(args[1]))
	}
	return dispatch([]string{"heeler", args[0], "--help"}, stdout, stderr)
}

func helpChaos(w io.Writer) {
	s := newSettings()
	fmt.Fprint(w, chaosText)
	options := s.proxy.options()
	proxy := options[:len(options)-len(s.proxy.attributes())]
	helpOptions(w, "Proxy", proxy)
	helpOptions(w, "Control", s.control())
	helpOptions(w, "Files", s.files())
	helpOptions(w, "Logs", s.logs())
	fmt.Fprintf(w, "\nBehaviors and their options:\n")
	for i, b := range s.proxy.behaviors {
		fmt.Fprintln(w)
		paragraph(w, "  ", b.Name(), 18, summaries[b.Name()])
		for _, o := range s.proxy.attributesOf(i) {
			helpOption(w, "    ", o)
		}
	}
	fmt.Fprintf(w, "\nProtocols:\n\n")
	for _, name := range protocols() {
		paragraph(w, "  ", name, 18, protocolSummaries[name])
	}
	fmt.Fprint(w, configText)
}

func helpCtl(w io.Writer) {
	r := newRemote()
	fmt.Fprint(w, ctlText)
	for _, v := range verbs() {
		paragraph(w, "  ", strings.TrimSpace(v.name+" "+v.args), 36, v.help)
	}
	helpOptions(w, "Flags", r.options())
	helpOptions(w, "Flags of add-toxic", r.toxicOptions())
	helpOptions(w, "Flags of conversation", r.showOptions())
}

func helpFollow(out io.Writer) {
	w := newWatch()
	fmt.Fprint(out, followText)
	helpOptions(out, "Flags", w.options())
	helpOptions(out, "Flags of --to slack", w.slackOptions())
	helpOptions(out, "Flags of --to email", w.emailOptions())
	helpOptions(out, "Flags of --to sentry", w.sentryOptions())
	helpOptions(out, "Flags of --to exec", w.execOptions())
	fmt.Fprint(out, unitText)
}

func helpOptions(w io.Writer, title string, all []option) {
	fmt.Fprintf(w, "\n%s:\n", title)
	for _, o := range all {
		helpOption(w, "  ", o)
	}
}

// helpOption tells of one option, with its default.
func helpOption(w io.Writer, indent string, o option) {
	text := o.help
	if o.first != "" {
		text += " (" + o.first + ")"
	}
	paragraph(w, indent, strings.TrimSpace("--"+o.name+" "+o.value), 42-len(indent), text)
}

// paragraph writes a term and, beside it from a column on, a text.
func paragraph(w io.Writer, indent, term string, column int, text string) {
	line := fmt.Sprintf("%s%-*s", indent, column, term)
	next := strings.Repeat(" ", len(indent)+column)
	if len(term) >= column {
		fmt.Fprintln(w, indent+term)
		line = next
	}
	fresh := true
	for word := range strings.FieldsSeq(text) {
		if !fresh && len(line)+1+len(word) > width {
			fmt.Fprintln(w, line)
			line, fresh = next, true
		}
		if !fresh {
			line += " "
		}
		line, fresh = line+word, false
	}
	fmt.Fprintln(w, strings.TrimRight(line, " "))
}

// summaries are the behaviors in a sentence.
var summaries = map[string]string{
	"abort":             "the backend does its work, and the connection is reset when the answer begins",
	"bandwidth":         "bytes pass at a rate",
	"blackout":          "connections are cut off: the client sees a reset",
	"corrupt":           "some bytes are replaced by others",
	"cut":               "connections end in the middle of what is said: after so many bytes, or after a time",
	"delay":             "requests, or their answers, are held up: a slow backend",
	"dummy":             "nothing happens: this is how a proxy is made good again",
	"error":             "requests are answered with an error of the protocol; the backend never sees them",
	"half_open":         "connections are accepted, and nothing is ever relayed",
	"hang":              "requests are read and never answered, and connections stay open",
	"latency":           "every byte arrives later, and none is slower for it: a long way",
	"limit_connections": "a backend that has no room: more connections than that are reset",
	"limit_data":        "connections are closed after so many bytes, in toxiproxy's words",
	"noop":              "nothing happens (toxiproxy's dummy)",
	"refuse":            "nobody listens, and connections that stand are reset: the backend is down",
	"reset":             "connections are reset after a time",
	"reset_peer":        "the same, in toxiproxy's words",
	"slicer":            "bytes arrive in small pieces",
	"slow_close":        "the end of a connection is told late",
	"slow_connect":      "the backend is asked for a connection late",
	"timeout":           "bytes are lost, and connections closed after a time",
	"transient":         "the first requests get errors, then all is good: a backend that has just been started",
}

// protocolSummaries are what can be expected of the protocols.
var protocolSummaries = map[string]string{
	"http":     "HTTP/1: errors are one of 500 to 503, as it is drawn, and 500 to 599 by their code",
	"ldap":     "errors are busy and unavailable, and others by their name or number",
	"memcache": "memcached's text protocol: errors are SERVER_ERROR, or CLIENT_ERROR and ERROR by their code",
	"mysql":    "MySQL and MariaDB: errors are ERR packets, by their number",
	"postgres": "PostgreSQL: errors are ErrorResponse, by their SQLSTATE",
	"redis":    "Redis, RESP2 and RESP3: errors are -ERR, -LOADING and others by their word",
	"smtp":     "errors are 451 and others by their code",
	"tcp":      "anything: what is said is not looked at, and faults strike connections",
}
