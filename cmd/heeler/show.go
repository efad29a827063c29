package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
)

// list shows a line for each proxy, and one for each of its toxics.
func (r *remote) list(ctx context.Context, _ []string) error {
	all := map[string]control.Proxy{}
	var err error
	if r.proxy == "" {
		all, err = r.client.Proxies(ctx)
	} else if one, oneErr := r.client.Proxy(ctx, r.proxy); oneErr == nil {
		all[one.Name] = one
	} else {
		err = oneErr
	}
	for _, p := range sorted(all) {
		state := ""
		if !p.Enabled {
			state = ", disabled"
		}
		line := fmt.Sprintf("%s: %s, %s -> %s%s", p.Name, p.Protocol, p.Listen, p.Upstream, state)
		fmt.Fprintln(r.out, printable(line))
		for _, t := range p.Toxics {
			fmt.Fprintln(r.out, "  "+printable(toxicLine(t)))
		}
	}
	return err
}

func toxicLine(t control.Toxic) string {
	line := fmt.Sprintf("%s: %s %s %s", t.Name, t.Type, t.Stream, t.Attributes)
	if share := max(t.Toxicity, 0); share != 1 { // chaos.Never is less
		line += fmt.Sprintf(" toxicity %v", share)
	}
	if t.Schedule != (control.Schedule{}) {
		schedule, _ := json.Marshal(t.Schedule) // it was JSON before
		line += " " + string(schedule)
	}
	return line
}

// events shows a line for each.
func (r *remote) events(ctx context.Context, _ []string) error {
	for e, err := range r.client.Events(ctx, r.proxy) {
		if err != nil {
			return err
		}
		if e.Dropped > 0 {
			fmt.Fprintf(r.out, "… %d events came too fast\n", e.Dropped)
		}
		if e.Kind == "" || e.Kind == control.Following {
			continue
		}
		fmt.Fprintln(r.out, printable(eventLine(e.Notice)))
	}
	return nil
}

func eventLine(n chaos.Notice) string {
	line := n.Time.Local().Format(time.TimeOnly+".000") + " " + n.Proxy
	if n.Conn > 0 {
		line += fmt.Sprintf(" #%d", n.Conn)
	}
	if n.Request > 0 {
		line += fmt.Sprintf(" request %d", n.Request)
	}
	line += " " + string(n.Kind)
	if n.Fault != "" {
		line += " by " + n.Fault
	}
	if n.Text != "" {
		line += " (" + n.Text + ")"
	}
	return line
}

// conversation copies the server's log until either of us ends it.
func (r *remote) conversation(ctx context.Context, _ []string) error {
	proxy, err := r.named(ctx)
	if err != nil {
		return err
	}
	return r.client.Conversation(ctx, proxy, control.Log{Hex: r.as == "hex"}, r.out)
}
