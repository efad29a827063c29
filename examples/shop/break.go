package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/heeler-go/heeler/breaker"
	"github.com/heeler-go/heeler/examples/shop/relay"
)

// A backendSwitch is one backend that a visitor can break.
type backendSwitch struct {
	*relay.Relay
	ID, Name string
	Serves   string // what of the shop needs it
	Breaker  *breaker.Breaker
}

// choices are what the page offers for each backend.
func (b *backendSwitch) Choices() []choice {
	faults := []relay.Fault{
		{Kind: relay.Normal},
		{Kind: relay.Slow, Delay: 300 * time.Millisecond},
		{Kind: relay.Slow, Delay: 5 * time.Second},
		{Kind: relay.Hang},
		{Kind: relay.Cut},
	}
	now := b.Fault()
	var all []choice
	for _, f := range faults {
		all = append(all, choice{f, f == now})
	}
	return all
}

// A choice is a fault as the page shows it.
type choice struct {
	relay.Fault
	Chosen bool
}

// Label is for the visitor, Value for the form.
func (c choice) Label() string {
	if c.Kind == relay.Slow {
		return fmt.Sprintf("Slow by %v", c.Delay)
	}
	return strings.ToUpper(string(c.Kind[:1])) + string(c.Kind[1:])
}

func (c choice) Value() string { return faultText(c.Fault) }

// faultText is a fault as forms send it: its kind and, for slow, the delay: "slow 300ms".
func faultText(f relay.Fault) string {
	if f.Kind == relay.Slow {
		return string(f.Kind) + " " + f.Delay.String()
	}
	return string(f.Kind)
}

var errNoFault = errors.New("the fault must be normal, slow with a delay from 1ms to 1m, hang or cut")

// parseFault reads what faultText writes.
func parseFault(text string) (relay.Fault, error) {
	kind, delay, slow := strings.Cut(text, " ")
	fault := relay.Fault{Kind: relay.Kind(kind)}
	if slow != (fault.Kind == relay.Slow) || kind == "" || fault.Validate() != nil {
		return relay.Fault{}, errNoFault
	}
	if slow {
		var err error
		fault.Delay, err = time.ParseDuration(delay)
		if err != nil || fault.Delay < time.Millisecond || fault.Delay > time.Minute {
			return relay.Fault{}, errNoFault
		}
	}
	return fault, nil
}

// breakIt shows the switches, and what the guards have seen.
func (s *shop) breakIt(w http.ResponseWriter, _ *http.Request) error {
	return s.pages.render(w, "break", http.StatusOK, "Break it", struct {
		Switches []*backendSwitch
		Limit    time.Duration
		Seen     seen
	}{s.switches, s.box.Limit, s.seen()})
}

// live is the part of the page that changes by itself, for its script.
func (s *shop) live(w http.ResponseWriter, _ *http.Request) error {
	return s.pages.render(w, "live", http.StatusOK, "", s.seen())
}

// turn puts a fault on a backend.
func (s *shop) turn(w http.ResponseWriter, r *http.Request) error {
	for _, b := range s.switches {
		if b.ID != r.PathValue("backend") {
			continue
		}
		fault, err := parseFault(r.PostFormValue("fault"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return nil
		}
		if err := b.Set(fault); err != nil {
			return err
		}
		http.Redirect(w, r, "/break", http.StatusSeeOther)
		return nil
	}
	return errNoPage
}
