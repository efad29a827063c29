package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// read takes a command line, and the file that it names: what both say is as the command line has it.
func (s *settings) read(args []string) error {
	all := s.options()
	flags, rest, err := parseFlags(args, all, chaosHelp)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return misused(chaosHelp, "%q is one argument too many: all are flags, and switches have "+
			"their value as in --http=false", shorten(rest[0]))
	}
	for _, f := range flags {
		if f.name == "config" {
			s.config = f.value
		}
	}
	var sections []section
	if s.config != "" {
		if sections, err = readINI(s.config); err != nil {
			return err
		}
	}
	if err := s.configure(sections); err != nil {
		return err
	}
	if err := apply(flags, all, s.proxy.said, chaosHelp); err != nil {
		return err
	}
	if err := checkToken(s.token); err != nil {
		return err
	}
	if err := s.proxies(sections); err != nil {
		return err
	}
	return s.idle()
}

// configure does what all sections but [proxy:name] say.
func (s *settings) configure(sections []section) error {
	for _, part := range sections {
		if strings.HasPrefix(part.name, "proxy:") {
			continue
		}
		all, prefix, err := s.section(part)
		if err != nil {
			return err
		}
		for _, set := range part.settings(s.config, prefix) {
			switch {
			case set.name == "config":
				return misused("", "%s is not known: a file cannot name another", set.where)
			case prefix != "" && find(all, set.name) == nil:
				return misused("", "%s is not known, want %s", set.where, keys(all, prefix))
			}
			if before := s.proxy.said[normal(set.name)]; before != "" { // [heeler] and [vaurien] are one
				line, _, _ := strings.Cut(strings.TrimPrefix(before, s.config+":"), ":")
				return misused("", "%s is there twice: see line %s", set.where, line)
			}
			if err := apply([]setting{set}, all, s.proxy.said, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

// section gives the options that a section can have, and what its keys are without.
func (s *settings) section(part section) (all []option, prefix string, err error) {
	kind, name, _ := strings.Cut(part.name, ":")
	switch {
	case part.name == "vaurien", part.name == "heeler":
		return s.options(), "", nil
	case part.name == "statsd":
		return foreign(), "statsd.", nil
	case kind == "protocol" && slices.Contains(protocols(), name):
		return foreign(), "protocol-" + name + "-", nil
	case kind == "protocol":
		return nil, "", misused("", "%s:%d: %q is no protocol, want %s", s.config, part.line, shorten(name),
			oneOf(protocols(), name))
	case kind == "behavior":
		for i, b := range s.proxy.behaviors {
			if b.Name() == name {
				return s.proxy.attributesOf(i), attributeFlag(name, ""), nil
			}
		}
		return nil, "", misused("", "%s:%d: %q is no behavior, want %s", s.config, part.line, shorten(name),
			oneOf(namesOf(s.proxy.behaviors), name))
	}
	return nil, "", misused("", "%s:%d: there is no section [%s], want [vaurien], [proxy:NAME], [behavior:NAME] or [protocol:NAME]",
		s.config, part.line, shorten(part.name))
}

// keys says which keys a section can have.
func keys(all []option, prefix string) string {
	var names []string
	for _, o := range all {
		if key, ok := strings.CutPrefix(o.name, prefix); ok {
			names = append(names, strings.ReplaceAll(key, "-", "_"))
		}
	}
	if len(names) == 0 {
		return "nothing here"
	}
	return "one of " + strings.Join(names, ", ")
}

// idle complains of a flag that would do nothing without another one. A file may be prepared for one that
// is given with the next start.
func (s *settings) idle() error {
	for _, pair := range []struct {
		flag, needs string
		there       bool
	}{
		{"http-host", "--http", s.http},
		{"http-port", "--http", s.http},
		{"token", "--http", s.http},
		{"conversation-as", "--conversation FILE", s.talkFile != ""},
		{"conversation-max", "--conversation FILE", s.talkFile != ""},
	} {
		if strings.HasPrefix(s.proxy.said[pair.flag], "--") && !pair.there {
			return misused(chaosHelp, "--%s does nothing without %s", pair.flag, pair.needs)
		}
	}
	if s.toxiproxy != "" && len(s.targets()) == 0 {
		for _, flag := range []string{"protocol", "behavior", "timeout"} {
			if where := s.proxy.said[flag]; where != "" {
				return misused(chaosHelp, "%s does nothing for the proxies of --toxiproxy-config, and without --proxy or "+
					"--backend there is no other one", where)
			}
		}
	}
	return s.idleAttributes()
}

// idleAttributes complains of a flag about a behavior that is not there and cannot come.
func (s *settings) idleAttributes() error {
	if s.http || s.toxiproxy != "" {
		return nil
	}
	var used []string
	for _, t := range s.targets() {
		used = append(used, behaviorsIn(t.behavior)...)
	}
	for i, b := range s.proxy.behaviors {
		for _, o := range s.proxy.attributesOf(i) {
			if strings.HasPrefix(s.proxy.said[o.name], "--") && !slices.Contains(used, b.Name()) {
				return misused(chaosHelp, "--%s does nothing without --behavior %s, or --http", o.name, b.Name())
			}
		}
	}
	return nil
}

// elsewhere complains of an attribute that a [proxy:name] gives to a behavior that it does not begin with:
// what is set later has the attributes of [behavior:name], for all proxies.
func (t *target) elsewhere(set setting) error {
	used := behaviorsIn(t.behavior)
	for i, b := range t.behaviors {
		if find(t.attributesOf(i), set.name) != nil && !slices.Contains(used, b.Name()) {
			return misused("", "%s does nothing: the behavior of [proxy:%s] is %s, and those that are set later have "+
				"what [behavior:%s] says", set.where, t.name, t.behavior, b.Name())
		}
	}
	return nil
}

// settings are what a section says.
func (part section) settings(file, prefix string) []setting {
	var all []setting
	for _, e := range part.keys {
		all = append(all, setting{prefix + e.key, e.value, fmt.Sprintf("%s:%d: %s", file, e.line, shorten(e.key))})
	}
	return all
}

// proxies makes the targets of [proxy:name]. What one does not say is as [vaurien] and the command line
// have it, but for its addresses.
func (s *settings) proxies(sections []section) error {
	for _, part := range sections {
		name, ok := strings.CutPrefix(part.name, "proxy:")
		switch {
		case !ok:
			continue
		case name == "":
			return misused("", "%s:%d: [proxy:] has no name, want [proxy:NAME]", s.config, part.line)
		case name == "." || name == "..": // which mean something else in the path of a URL
			return misused("", "%s:%d: [proxy:%s] has a name that cannot be one, want another", s.config, part.line, name)
		}
		t := s.proxy
		t.name, t.behaviors, t.said = name, slices.Clone(t.behaviors), maps.Clone(t.said)
		delete(t.said, "proxy")
		delete(t.said, "backend")
		for _, set := range part.settings(s.config, "") {
			if err := apply([]setting{set}, t.options(), t.said, ""); err != nil {
				return err
			}
		}
		for _, key := range []string{"proxy", "backend"} {
			if t.said[key] == "" {
				return misused("", "%s:%d: [proxy:%s] has no %s, want %s = host:port", s.config, part.line, name, key, key)
			}
		}
		for _, set := range part.settings(s.config, "") {
			if err := t.elsewhere(set); err != nil {
				return err
			}
		}
		s.others = append(s.others, t)
	}
	return nil
}

// targets are the proxies to make. Where there are others, also in a file of toxiproxy's, that of the
// flags is one of them only if they say where it is.
func (s *settings) targets() []target {
	about := func(name string) bool { return s.proxy.said[name] != "" }
	if (len(s.others) > 0 || s.toxiproxy != "") && !about("proxy") && !about("backend") {
		return s.others
	}
	first := s.proxy
	first.name = first.protocol
	return append([]target{first}, s.others...)
}
