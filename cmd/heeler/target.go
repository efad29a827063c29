package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/wire"
)

// build makes the proxy, with its faults. It does not listen yet.
func (t *target) build() (*chaos.Proxy, error) {
	p := &chaos.Proxy{
		Name: t.name, Listen: t.listen, Backend: t.backend, Seed: t.seed, DialTimeout: t.timeout,
		Protocol: wire.ByName(wire.Protocols(), t.protocol),
	}
	if err := t.check(); err != nil {
		return nil, err
	}
	faults, err := t.faults()
	if err == nil {
		err = p.SetFaults(faults...)
	}
	if err != nil {
		return nil, t.explain(err)
	}
	return p, nil
}

// faults are what the behavior asks for.
func (t *target) faults() ([]chaos.Fault, error) {
	if !strings.Contains(t.behavior, ":") {
		t.behavior = "100:" + t.behavior
	}
	mix, err := chaos.ParsePercents(t.behavior, t.behaviors)
	if err != nil {
		return nil, fmt.Errorf("%w%s", err, meantBehavior(t.behavior, t.behaviors))
	}
	if len(mix) > 1 || mix[0].Percent < 100 {
		return []chaos.Fault{{Behavior: mix}}, nil
	}
	if _, dummy := mix[0].Behavior.(chaos.Dummy); dummy {
		return nil, nil
	}
	return []chaos.Fault{{Behavior: mix[0].Behavior}}, nil
}

// check says whether the behaviors that have been told something can be like that, whether they are used
// now or may be set later.
func (t *target) check() error {
	for _, b := range t.behaviors {
		v, ok := b.(interface{ Validate() error })
		if !ok || !t.told(b) {
			continue
		}
		if err := v.Validate(); err != nil {
			return t.explain(err)
		}
	}
	return t.checkProtocol()
}

// checkProtocol says whether the protocol has the errors that behaviors are to give, and which option is
// about them.
func (t *target) checkProtocol() error {
	protocol := wire.ByName(wire.Protocols(), t.protocol)
	for _, name := range behaviorsIn(t.behavior) {
		b := chaos.ByName(t.behaviors, name)
		c, ok := b.(interface{ CheckProtocol(wire.Protocol) error })
		if !ok {
			continue
		}
		if err := c.CheckProtocol(protocol); err != nil {
			attribute := "code"
			if strings.Contains(err.Error(), "Message") {
				attribute = "message"
			}
			flag := attributeFlag(name, attribute)
			return misused(chaosHelp, "%s: %s", cmp.Or(t.said[flag], "--"+flag), plain(err.Error()))
		}
	}
	return nil
}

// told says whether an option is about the behavior.
func (t *target) told(b chaos.Behavior) bool {
	for _, a := range chaos.Attributes(b) {
		if t.said[attributeFlag(b.Name(), a.Name)] != "" {
			return true
		}
	}
	return false
}

// attributeFlag is the option of an attribute.
func attributeFlag(behavior, attribute string) string {
	return normal("behavior-" + behavior + "-" + attribute)
}

// explain says which option an error is about.
func (t *target) explain(err error) error {
	var wrong *chaos.AttributeError
	if errors.As(err, &wrong) {
		flag := attributeFlag(wrong.Behavior, wrong.Attribute)
		return misused(chaosHelp, "%s is %s, want %s", cmp.Or(t.said[flag], "--"+flag), wrong.Got, wrong.Want)
	}
	where, text := cmp.Or(t.said["behavior"], "--behavior"), plain(err.Error())
	if rest, ok := strings.CutPrefix(text, "behavior "); ok {
		return misused(chaosHelp, "%s %s", where, rest)
	}
	return misused(chaosHelp, "%s: %s", where, text)
}
