package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
	"github.com/heeler-go/heeler/chaos/wire"
)

// chaosHelp is the command that tells more.
const chaosHelp = "heeler chaos --help"

// grace is how long connections have to come to their end once the process has been told to stop. A second
// signal ends it at once.
const grace = 5 * time.Second

// runChaos runs proxies until a signal comes.
func runChaos(args []string, stdout, stderr io.Writer) error {
	s := newSettings()
	if err := s.read(args); err != nil {
		return err
	}
	out, err := openOutput(s.logOutput, stderr)
	if err != nil {
		return err
	}
	defer out.Close()
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer restore()

	h := &herd{log: slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: levels[s.logLevel]}))}
	h.diary = newDiary(h.log, h.introduce)
	defer h.diary.close()
	if err := h.assemble(s); err != nil {
		return err
	}
	if s.talkFile != "" {
		stop, err := h.listen(s, stdout)
		if err != nil {
			return err
		}
		defer stop()
	}
	if err := h.start(ctx, s); err != nil {
		h.stop(0)
		return err
	}
	<-ctx.Done()
	restore()
	open := 0
	for _, p := range h.proxies {
		open += p.Stats().Open
	}
	h.log.Info("stopping; another signal does it at once", "connections", open, "at most", grace)
	h.stop(grace)
	return nil
}

// A herd is all that runs.
type herd struct {
	log     *slog.Logger
	diary   *diary
	server  *control.Server
	proxies []*chaos.Proxy
}

// assemble makes what has been asked for. Nothing listens yet.
func (h *herd) assemble(s *settings) error {
	h.server = &control.Server{Token: s.token, Behaviors: s.proxy.behaviors, Notice: h.diary.notify}
	if s.http {
		h.server.Addr = net.JoinHostPort(s.httpHost, strconv.Itoa(s.httpPort))
		if err := h.server.Validate(); err != nil {
			return misused(chaosHelp, "%s is %q, which other machines can reach: "+
				"want a token, in HEELER_TOKEN or --token, or localhost",
				cmp.Or(s.proxy.said["http-host"], "--http-host"), s.httpHost)
		}
	}
	names := map[string]bool{}
	for _, t := range s.targets() {
		if names[t.name] {
			return misused("", "%s: two proxies are called %q: the one without a section has the name of its protocol",
				s.config, t.name)
		}
		names[t.name] = true
		p, err := t.build()
		if err != nil {
			return err
		}
		p.Notify = func(n chaos.Notice) {
			h.server.Notify(n)
			h.diary.notify(n)
		}
		h.proxies = append(h.proxies, p)
	}
	h.server.Proxies = h.proxies
	return nil
}

// start lets everything listen.
func (h *herd) start(ctx context.Context, s *settings) error {
	if s.toxiproxy != "" {
		if err := h.load(ctx, s); err != nil {
			return err
		}
	}
	for _, p := range h.proxies {
		removeStale(p.Listen)
		if err := p.Start(); err != nil {
			return cannotListen(p.Listen, err)
		}
	}
	if !s.http {
		return nil
	}
	if err := h.server.Start(); err != nil {
		return cannotListen(h.server.Addr, err)
	}
	h.log.Info("control", "url", h.server.URL())
	return nil
}

// cannotListen says why, in the words of the system.
func cannotListen(addr string, err error) error {
	var system *net.OpError
	if errors.As(err, &system) {
		err = system.Err
	}
	return fmt.Errorf("cannot listen on %s: %w", addr, err)
}

// introduce tells what there is, and what follows from it: once a proxy listens, whether it was there from
// the beginning or has been created by a file or a client.
func (h *herd) introduce(name string) {
	all := h.server.List()
	i := slices.IndexFunc(all, func(p *chaos.Proxy) bool { return p.Name == name })
	if i < 0 {
		return // it has been deleted
	}
	p := all[i]
	protocol := cmp.Or(p.Protocol, wire.TCP)
	behavior := "dummy"
	if faults := p.Faults(); len(faults) > 0 {
		behavior = faults[0].Behavior.Name()
		if mix, ok := faults[0].Behavior.(chaos.Mix); ok {
			behavior = mix.String()
		}
	}
	h.log.Info("proxy", "name", p.Name, "listen", p.Addr(), "backend", p.Backend,
		"protocol", protocol.Name(), "behavior", behavior, "seed", p.Stats().Seed)
	if everywhere(p.Listen) {
		h.log.Warn("whoever reaches this machine reaches the backend: --proxy 127.0.0.1:… keeps it to this one",
			"name", p.Name, "listen", p.Addr())
	}
}

// everywhere says that an address is on all interfaces.
func everywhere(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	ip, ipErr := netip.ParseAddr(host)
	return err == nil && (host == "" || ipErr == nil && ip.IsUnspecified())
}

// stop ends everything, and gives connections some time for it.
func (h *herd) stop(patience time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { h.server.Shutdown(ctx) })
	for _, p := range h.proxies {
		all.Go(func() { p.Shutdown(ctx) })
	}
	all.Wait()
}
