package main

import (
	"context"
	"io"
	"sync"

	"github.com/heeler-go/heeler/chaos"
	"github.com/heeler-go/heeler/chaos/control"
)

// listen writes down the conversations of all proxies, until stop is called.
func (h *herd) listen(s *settings, stdout io.Writer) (stop func(), err error) {
	if len(h.proxies) == 0 {
		return nil, misused(chaosHelp, "--conversation is for proxies of --proxy and --config; for those of "+
			"--toxiproxy-config, ask with \"heeler ctl conversation\"")
	}
	file, err := openOutput(s.talkFile, stdout)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	var (
		writers sync.WaitGroup
		mu      sync.Mutex
	)
	log := control.Log{Hex: s.talkAs == "hex", Max: int64(min(s.talkMax, 1<<62))}
	for _, p := range h.proxies {
		var w io.Writer = shared{&mu, file, ""}
		if len(h.proxies) > 1 {
			w = shared{&mu, file, p.Name + " "}
		}
		begun := make(chan struct{})
		writers.Go(func() {
			close(begun)
			h.follow(ctx, log, p, w)
		})
		<-begun // the proxy starts after that: what is said first is not missed
	}
	return func() {
		cancel()
		writers.Wait()
		file.Close()
	}, nil
}

func (h *herd) follow(ctx context.Context, log control.Log, p *chaos.Proxy, w io.Writer) {
	if err := log.Follow(ctx, p, w); err != nil {
		h.log.Error("the conversation cannot be written any more", "name", p.Name, "error", err)
	}
}

// shared is a file that several logs write to, one piece at a time.
type shared struct {
	mu     *sync.Mutex
	to     io.Writer
	prefix string // tells whose piece it is
}

func (s shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.to.Write(append([]byte(s.prefix), p...)); err != nil {
		return 0, err
	}
	return len(p), nil
}
