package main

import (
	"context"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
)

// A remote is what "heeler ctl" is told.
type remote struct {
	host, token string
	port        int
	proxy       string
	said        map[string]string

	stream, toxicName string
	toxicity          float64
	schedule          chaos.Schedule
	as                string

	client *control.Client
	out    io.Writer
	errs   io.Writer
}

// A verb is something that ctl can do.
type verb struct {
	name string
	args string // what the help calls them
	help string
	run  func(*remote, context.Context, []string) error
}

func verbs() []verb {
	return []verb{
		{"set-behavior", "NAME [OPTION=VALUE …]", "make it misbehave: hang, or 20:delay,5:error; dummy makes it good again",
			(*remote).setBehavior},
		{"get-behavior", "", "what it does now", (*remote).getBehavior},
		{"list-behaviors", "", "the names of Vaurien's seven behaviors; set-behavior takes all of \"heeler chaos --help\"",
			(*remote).listBehaviors},
		{"set-backend", "HOST:PORT", "let new connections go elsewhere", (*remote).setBackend},
		{"get-backend", "", "where they go", (*remote).getBackend},
		{"list", "", "all proxies, or that of --proxy, and what they do", (*remote).list},
		{"add-toxic", "TYPE [OPTION=VALUE …]", "add one more fault; see the flags for toxics", (*remote).addToxic},
		{"remove-toxic", "NAME", "take it away", (*remote).removeToxic},
		{"disable", "", "let nobody listen, and cut all connections", (*remote).disable},
		{"enable", "", "listen again", (*remote).enable},
		{"reset", "", "let all proxies listen, or that of --proxy, without any fault", (*remote).reset},
		{"events", "", "show what happens, until you stop it", (*remote).events},
		{"conversation", "", "show who says what, until you stop it; of protocol tcp that is all, passwords too", (*remote).conversation},
	}
}

func newRemote() *remote {
	return &remote{host: "localhost", port: 8080, token: tokenOfEnvironment(), toxicity: 1, as: "text",
		said: map[string]string{}}
}

func (r *remote) options() []option {
	return []option{
		{"host", "HOST", "where the proxy is controlled: a host, host:port or http://host:port", "localhost",
			setFilled(&r.host, "a host, host:port or http://host:port")},
		{"http-port", "PORT", "its port", "8080", setPort(&r.port)},
		{"token", "TEXT", "what it wants to hear; better said in the variable HEELER_TOKEN", "", setToken(&r.token)},
		{"proxy", "NAME", "which proxy, where there are several; without it, the behavior and the backend are those of the first, " +
			"and list, reset and events are about all", "", setFilled(&r.proxy, "a name; \"heeler ctl list\" has them")},
	}
}

func (r *remote) toxicOptions() []option {
	s := &r.schedule
	return []option{
		{"stream", "DIRECTION", "downstream is what the client gets; or upstream", "downstream",
			setOneOf(&r.stream, "downstream", "upstream")},
		{"toxicity", "SHARE", "how much of the traffic is struck, from 0 to 1", "1", r.setToxicity},
		{"name", "TEXT", "what the toxic is called", "type_stream", setFilled(&r.toxicName, "a name")},
		{"start", "TIME", "when it begins, such as 90 or 1m30s", "at once", setTime(&s.Start)},
		{"end", "TIME", "when it is over", "never", setTime(&s.End)},
		{"grow", "TIME", "how long it takes to get to its full strength", "none", setTime(&s.Grow)},
		{"shrink", "TIME", "how long before its end it begins to get weaker", "none", setTime(&s.Shrink)},
		{"every", "TIME", "begin again after that", "once", setTime(&s.Every)},
	}
}

func (r *remote) showOptions() []option {
	return []option{{"as", "FORM", "text or hex", "text", setOneOf(&r.as, "text", "hex")}}
}

func (r *remote) setToxicity(value string) error {
	f, err := strconv.ParseFloat(value, 64)
	if err != nil || !(f >= 0 && f <= 1) {
		return bad(value, "a number from 0 to 1")
	}
	r.toxicity = f
	return nil
}

const ctlHelp = "heeler ctl --help"

// runCtl does one verb.
func runCtl(args []string, stdout, stderr io.Writer) error {
	r := newRemote()
	r.out, r.errs = stdout, stderr
	flags, rest, err := parseFlags(args, r.all(), ctlHelp)
	if err == nil {
		err = apply(flags, r.all(), r.said, ctlHelp)
	}
	if err == nil {
		err = checkToken(r.token)
	}
	if err != nil {
		return err
	}
	v, err := r.verb(rest)
	if err != nil {
		return err
	}
	root, err := r.url()
	if err != nil {
		return err
	}
	r.client = &control.Client{URL: root, Token: r.token}
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer restore()
	return r.explain(v.run(r, ctx, rest[1:]))
}

// all are all flags.
func (r *remote) all() []option {
	return slices.Concat(r.options(), r.toxicOptions(), r.showOptions())
}

// verb finds what is to be done, and says whether it takes what it has been given.
func (r *remote) verb(args []string) (verb, error) {
	var names []string
	for _, v := range verbs() {
		names = append(names, v.name)
	}
	if len(args) == 0 {
		return verb{}, misused(ctlHelp, "what to do is missing, want one of %s", strings.Join(names, ", "))
	}
	i := slices.Index(names, args[0])
	if i < 0 {
		return verb{}, misused(ctlHelp, "%q is nothing to do, want %s", shorten(args[0]), oneOf(names, args[0]))
	}
	return verbs()[i], r.check(verbs()[i], args[1:])
}

// check says whether a verb takes what it has been given.
func (r *remote) check(v verb, args []string) error {
	switch {
	case v.args == "" && len(args) > 0:
		return misused(ctlHelp, "%s takes nothing behind it, and %q is there", v.name, shorten(args[0]))
	case v.args != "" && len(args) == 0:
		return misused(ctlHelp, "%s needs more: %s %s", v.name, v.name, v.args)
	case v.args != "" && !strings.Contains(v.args, "[") && len(args) > 1:
		return misused(ctlHelp, "%s takes one value, and %q is there too", v.name, shorten(args[1]))
	}
	if v.name == "list-behaviors" && r.said["proxy"] != "" {
		return misused(ctlHelp, "--proxy does nothing for list-behaviors: all proxies have the same ones")
	}
	for _, own := range []struct {
		verb string
		all  []option
	}{{"add-toxic", r.toxicOptions()}, {"conversation", r.showOptions()}} {
		for _, o := range own.all {
			if r.said[o.name] != "" && v.name != own.verb {
				return misused(ctlHelp, "--%s is for %s, not for %s", o.name, own.verb, v.name)
			}
		}
	}
	return nil
}

// pairs reads option=value.
func pairs(args []string) (map[string]string, error) {
	all := map[string]string{}
	for _, arg := range args {
		name, value, ok := strings.Cut(arg, "=")
		if name = strings.ReplaceAll(strings.TrimSpace(name), "-", "_"); !ok || name == "" {
			return nil, misused(ctlHelp, "%q is no option of a behavior, want option=value, as in sleep=3", shorten(arg))
		}
		if _, twice := all[name]; twice {
			return nil, misused(ctlHelp, "the option %s is there twice, want it once", shorten(name))
		}
		all[name] = value
	}
	return all, nil
}

// sorted are the proxies in the order of their names.
func sorted(all map[string]control.Proxy) []control.Proxy {
	var list []control.Proxy
	for _, name := range slices.Sorted(maps.Keys(all)) {
		list = append(list, all[name])
	}
	return list
}
