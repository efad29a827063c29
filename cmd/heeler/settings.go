package main

import (
	"cmp"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// settings are what "heeler chaos" is told.
type settings struct {
	proxy  target   // what flags and [vaurien] say; its said is about all options
	others []target // [proxy:name]

	http     bool
	httpHost string
	httpPort int
	token    string

	logLevel, logOutput string

	config, toxiproxy string

	talkFile, talkAs string
	talkMax          uint64
}

// A target is one proxy.
type target struct {
	name      string // of its section
	listen    string
	backend   string
	protocol  string
	behavior  string
	seed      uint64
	timeout   time.Duration
	behaviors []chaos.Behavior  // all that there are, with their attributes
	said      map[string]string // the options that are set, and where
}

// newSettings are those that hold where nothing is said.
func newSettings() *settings {
	return &settings{
		proxy: target{
			listen: "localhost:8000", backend: "localhost:80", protocol: "tcp", behavior: "dummy",
			timeout: chaos.DefaultDialTimeout, behaviors: chaos.Behaviors(), said: map[string]string{},
		},
		httpHost: "localhost", httpPort: 8080, token: tokenOfEnvironment(),
		logLevel: "info", logOutput: "-", talkAs: "text", talkMax: 100_000_000,
	}
}

// tokenOfEnvironment is HEELER_TOKEN. What has come out of a file may end in a newline.
func tokenOfEnvironment() string { return strings.TrimSpace(os.Getenv("HEELER_TOKEN")) }

// options are what a proxy can be told: on the command line, and in a file in [vaurien] or [proxy:name].
func (t *target) options() []option {
	all := []option{
		{"proxy", "HOST:PORT", "where clients connect; unix:/path is a unix socket", "localhost:8000", setAddr(&t.listen)},
		{"backend", "HOST:PORT", "where the proxy connects", "localhost:80", setAddr(&t.backend)},
		{"protocol", "NAME", "what they speak: one of " + strings.Join(protocols(), ", "), "tcp",
			setOneOf(&t.protocol, protocols()...)},
		{"behavior", "LIST", "what happens: hang, or 20:delay,5:error for shares of the requests in percent", "dummy",
			setFilled(&t.behavior, "a behavior, or a list such as 20:delay,5:error")},
		{"seed", "NUMBER", "decides all that is drawn: the same seed strikes the same requests; 0 chooses one", "0",
			setUint(&t.seed, "a whole number from 0 to 18446744073709551615")},
		{"timeout", "SECONDS", "how long the backend may take to accept a connection", "30", setTime(&t.timeout)},
	}
	return append(all, t.attributes()...)
}

// attributes are the options of the behaviors.
func (t *target) attributes() []option {
	var all []option
	for i := range t.behaviors {
		all = append(all, t.attributesOf(i)...)
	}
	return all
}

// attributesOf are the options of one of them.
func (t *target) attributesOf(i int) []option {
	var all []option
	b := t.behaviors[i]
	for _, a := range chaos.Attributes(b) {
		all = append(all, option{
			name: attributeFlag(b.Name(), a.Name), value: valueName(a), help: a.Help, first: a.Value,
			set: setAttribute(t.behaviors, i, a.Name),
		})
	}
	return all
}

// valueName is what the help calls the value of an attribute. A boolean is a switch.
func valueName(a chaos.Attribute) string {
	units := map[string]string{"s": "SECONDS", "ms": "MILLISECONDS", "us": "MICROSECONDS", "KB/s": "KB/S", "B": "BYTES"}
	switch {
	case a.Type == "boolean":
		return ""
	case a.Type == "text":
		return "TEXT"
	}
	return cmp.Or(units[a.Unit], "NUMBER")
}

func protocols() []string {
	var all []string
	for _, p := range wire.Protocols() {
		all = append(all, p.Name())
	}
	return all
}

// control are the options of the API.
func (s *settings) control() []option {
	return []option{
		{"http", "", "let the proxies be controlled: by heeler ctl, and by clients of Vaurien's and toxiproxy's", "",
			setSwitch(&s.http)},
		{"http-host", "HOST", "where that listens; another than this machine's own needs a token", "localhost",
			setHost(&s.httpHost)},
		{"http-port", "PORT", "its port", "8080", setPort(&s.httpPort)},
		{"token", "TEXT", "what whoever controls must know; better said in the variable HEELER_TOKEN", "",
			setToken(&s.token)},
	}
}

// files are the options that name files.
func (s *settings) files() []option {
	return []option{
		{"config", "FILE", "read what is not said on the command line from an INI file: see below", "", setFilled(&s.config, "a file")},
		{"toxiproxy-config", "FILE", "make the proxies of a JSON file of toxiproxy's, with their toxics", "",
			setFilled(&s.toxiproxy, "a file")},
	}
}

// logs are the options of what is written down.
func (s *settings) logs() []option {
	return []option{
		{"conversation", "FILE", "write down who says what; - is the standard output. Passwords are left out where the protocol " +
			"is known; with tcp, which is the default, all is shown", "",
			setFilled(&s.talkFile, "a file, or - for the standard output")},
		{"conversation-as", "FORM", "text or hex", "text", setOneOf(&s.talkAs, "text", "hex")},
		{"conversation-max", "BYTES", "how much of each proxy's; 0 is all", "100000000",
			setUint(&s.talkMax, "a whole number of bytes, or 0 for all")},
		{"log-level", "LEVEL", "debug tells of connections and of requests that are struck; info, warning, error or critical",
			"info", setOneOf(&s.logLevel, "debug", "info", "warning", "error", "critical")},
		{"log-output", "FILE", "where the log goes; - is the standard error", "-",
			setFilled(&s.logOutput, "a file, or - for the standard error")},
	}
}

// options are all that the command line knows.
func (s *settings) options() []option {
	return slices.Concat(s.proxy.options(), s.control(), s.files(), s.logs(), foreign())
}
