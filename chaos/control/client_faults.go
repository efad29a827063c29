package control

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/heeler-go/heeler/chaos"
)

// Faults are those that a proxy has.
func (c *Client) Faults(ctx context.Context, proxy string) ([]Toxic, error) {
	var all []Toxic
	err := c.call(ctx, http.MethodGet, proxyPath(proxy)+"/toxics", nil, &all)
	return all, err
}

// AddFault sets one more fault, and gives it as it is then, with its name.
func (c *Client) AddFault(ctx context.Context, proxy string, fault chaos.Fault) (Toxic, error) {
	var made Toxic
	if err := fault.Validate(); err != nil {
		return made, err
	}
	err := c.call(ctx, http.MethodPost, proxyPath(proxy)+"/toxics", ToxicOf(fault), &made)
	return made, err
}

// RemoveFault takes one away.
func (c *Client) RemoveFault(ctx context.Context, proxy, name string) error {
	return c.call(ctx, http.MethodDelete, proxyPath(proxy)+"/toxics/"+segment(name), nil, nil)
}

// SetFaults makes these all the faults of a proxy, or changes nothing.
func (c *Client) SetFaults(ctx context.Context, proxy string, faults ...chaos.Fault) error {
	for _, fault := range faults {
		if err := fault.Validate(); err != nil {
			return err
		}
	}
	return c.setToxics(ctx, proxy, toxicsOf(faults))
}

func (c *Client) setToxics(ctx context.Context, proxy string, toxics []Toxic) error {
	return c.call(ctx, http.MethodPut, proxyPath(proxy)+"/toxics", toxics, nil)
}

// putBackTimeout is for putting back what was there, also after the context has ended.
const putBackTimeout = 10 * time.Second

// With makes these all the faults of a proxy, calls f, and puts back what was there before, however f
// ends: also by a panic, by runtime.Goexit as in t.FailNow, or after the context has. It returns what
// f does, joined with what went wrong besides; f is not called unless all faults are set. Nothing is
// changed unless what is there can be put back, which faults of a type that the server does not know
// cannot: those of the program that runs it, which has them in no Server.Behaviors.
func (c *Client) With(ctx context.Context, proxy string, f func() error, faults ...chaos.Fault) (err error) {
	before, err := c.Faults(ctx, proxy)
	if err != nil {
		return err
	}
	if err := c.setToxics(ctx, proxy, before); err != nil { // they are set: it changes nothing
		return fmt.Errorf("chaos/control: With could not put back what is there: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putBackTimeout)
		defer cancel()
		err = errors.Join(err, c.setToxics(ctx, proxy, before))
	}()
	if err := c.SetFaults(ctx, proxy, faults...); err != nil {
		return err
	}
	return f()
}
