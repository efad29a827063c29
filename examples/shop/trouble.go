package main

import (
	"errors"
	"strings"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// A trouble is what a visitor can bring upon a backend, as forms send it.
type trouble string

// The troubles. Behind slow stands by how much: "slow 300ms".
const (
	normal  trouble = "normal"
	slow    trouble = "slow"
	failing trouble = "error"
	hang    trouble = "hang"
	cut     trouble = "cut"
)

// slowBy is the trouble of a backend that needs that much longer for each request.
func slowBy(d time.Duration) trouble { return slow + " " + trouble(d.String()) }

// choices are what the page offers for each backend, from well to worst.
var choices = []trouble{normal, slowBy(300 * time.Millisecond), slowBy(5 * time.Second), failing, hang, cut}

// Kind is the trouble without how much of it.
func (t trouble) Kind() string {
	kind, _, _ := strings.Cut(string(t), " ")
	return kind
}

// Label is for the visitor.
func (t trouble) Label() string {
	kind, much, _ := strings.Cut(string(t), " ")
	label := strings.ToUpper(kind[:1]) + kind[1:]
	if much != "" {
		label += " by " + much
	}
	return label
}

var errNoTrouble = errors.New("the fault must be normal, slow with a delay from 1ms to 1m, error, hang or cut")

// faults are those of a chaos proxy that make the trouble.
func (t trouble) faults() ([]chaos.Fault, error) {
	var behavior chaos.Behavior
	switch t {
	case normal:
		return nil, nil
	case failing:
		behavior = chaos.Error{}
	case hang:
		behavior = chaos.Hang{}
	case cut:
		behavior = chaos.Refuse{}
	default:
		much, ok := strings.CutPrefix(string(t), string(slow)+" ")
		delay, err := time.ParseDuration(much)
		if !ok || err != nil || delay < time.Millisecond || delay > time.Minute {
			return nil, errNoTrouble
		}
		behavior = chaos.Delay{Sleep: delay, Before: true}
	}
	return []chaos.Fault{{Name: string(t), Behavior: behavior}}, nil
}
