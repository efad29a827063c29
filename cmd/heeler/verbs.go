package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
)

// setBehavior says what Vaurien's client says.
func (r *remote) setBehavior(ctx context.Context, args []string) error {
	options, err := pairs(args[1:])
	if err != nil {
		return err
	}
	if err := known(args[0], options); err != nil {
		return err
	}
	values := map[string]any{}
	for name, value := range options {
		values[name] = value
	}
	err = r.client.SetBehavior(ctx, r.proxy, args[0], values)
	var refused *control.Error
	if errors.As(err, &refused) && refused.Field == "name" {
		all, err := r.client.Behaviors(ctx)
		if err != nil {
			return err
		}
		fmt.Fprintln(r.errs, "The request failed. Please use one of", printable(strings.Join(all, ", ")))
		if text := meantBehavior(args[0], chaos.Behaviors()); text != "" {
			return fmt.Errorf("%s%s", refused.Message, text)
		}
		return refused
	}
	if refused != nil && refused.Status == http.StatusBadRequest {
		return misused(ctlHelp, "%s", plain(refused.Message))
	}
	if err == nil {
		fmt.Fprintf(r.out, "Behavior changed to \"%s\"\n", args[0])
	}
	return err
}

// known says whether the options are those of the behaviors in a text, "delay" or "20:delay,5:error": the
// server passes over others, as Vaurien does. Of a behavior that only the server knows it knows better.
func known(text string, options map[string]string) error {
	var names []string
	for _, name := range behaviorsIn(text) {
		b := chaos.ByName(chaos.Behaviors(), name)
		if b == nil {
			return nil
		}
		for _, a := range chaos.Attributes(b) {
			names = append(names, a.Name)
		}
	}
	for _, option := range slices.Sorted(maps.Keys(options)) {
		if slices.Contains(names, option) {
			continue
		}
		if len(names) == 0 {
			return misused(ctlHelp, "%s has no option %s, and no others", text, option)
		}
		return misused(ctlHelp, "%s has no option %s, want %s", text, option, oneOf(names, option))
	}
	return nil
}

func (r *remote) getBehavior(ctx context.Context, _ []string) error {
	name, err := r.client.Behavior(ctx, r.proxy)
	return r.print(name, err)
}

func (r *remote) listBehaviors(ctx context.Context, _ []string) error {
	all, err := r.client.Behaviors(ctx)
	return r.print(strings.Join(all, ", "), err)
}

func (r *remote) setBackend(ctx context.Context, args []string) error {
	err := r.client.SetBackend(ctx, r.proxy, args[0])
	return r.print("Backend changed to \""+args[0]+"\"", err)
}

func (r *remote) getBackend(ctx context.Context, _ []string) error {
	addr, err := r.client.Backend(ctx, r.proxy)
	return r.print(addr, err)
}

// print tells what has come out, unless nothing has.
func (r *remote) print(text string, err error) error {
	if err == nil {
		fmt.Fprintln(r.out, printable(text))
	}
	return err
}

// named finds the proxy that is meant where the path must have its name.
func (r *remote) named(ctx context.Context) (string, error) {
	if r.proxy != "" {
		return r.proxy, nil
	}
	all, err := r.client.Proxies(ctx)
	if err != nil {
		return "", err
	}
	names := slices.Sorted(maps.Keys(all))
	if len(names) != 1 {
		return "", misused("", "there are %d proxies (%s): say which with --proxy NAME", len(names), strings.Join(names, ", "))
	}
	return names[0], nil
}

func (r *remote) addToxic(ctx context.Context, args []string) error {
	b := chaos.ByName(chaos.Behaviors(), args[0])
	if b == nil {
		return misused(ctlHelp, "%q is no type of toxic, want %s", args[0], oneOf(namesOf(chaos.Behaviors()), args[0]))
	}
	options, err := pairs(args[1:])
	if err != nil {
		return err
	}
	if b, err = chaos.ParseAttributes(b, options); err != nil {
		return misused(ctlHelp, "%s", plain(err.Error()))
	}
	direction, err := chaos.ParseDirection(r.stream)
	if err != nil {
		return err
	}
	f := chaos.Fault{Name: r.toxicName, Behavior: b, Direction: direction, Share: r.toxicity, Schedule: r.schedule}
	if f.Share == 0 {
		f.Share = chaos.Never
	}
	if err := f.Validate(); err != nil {
		return misused(ctlHelp, "%s", plain(err.Error()))
	}
	proxy, err := r.named(ctx)
	if err != nil {
		return err
	}
	made, err := r.client.AddFault(ctx, proxy, f)
	var refused *control.Error
	if errors.As(err, &refused) && refused.Status == http.StatusBadRequest {
		return misused(ctlHelp, "%s", plain(refused.Message))
	}
	return r.print("Added "+toxicLine(made), err)
}

func (r *remote) removeToxic(ctx context.Context, args []string) error {
	proxy, err := r.named(ctx)
	if err != nil {
		return err
	}
	return r.print("Removed "+args[0], r.client.RemoveFault(ctx, proxy, args[0]))
}

func (r *remote) enable(ctx context.Context, _ []string) error { return r.turn(ctx, true, "Enabled ") }
func (r *remote) disable(ctx context.Context, _ []string) error {
	return r.turn(ctx, false, "Disabled ")
}

func (r *remote) turn(ctx context.Context, on bool, done string) error {
	proxy, err := r.named(ctx)
	if err != nil {
		return err
	}
	return r.print(done+proxy, r.client.Enable(ctx, proxy, on))
}

func (r *remote) reset(ctx context.Context, _ []string) error {
	if r.proxy == "" {
		return r.print("All proxies listen, without any fault", r.client.Reset(ctx))
	}
	err := r.client.SetFaults(ctx, r.proxy)
	if err == nil {
		err = r.client.Enable(ctx, r.proxy, true)
	}
	return r.print(r.proxy+" listens, without any fault", err)
}
