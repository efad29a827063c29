package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	coder "github.com/coder/websocket"
)

// tour has a crowd watch the prices, sees what the server holds for it, and drains.
func tour(ctx context.Context, cfg config, out io.Writer) error {
	cfg.Addr = "127.0.0.1:0"
	s := newServer(cfg)
	t := &checks{out: out}
	if cfg.Sockets > room() {
		fmt.Fprintf(out, "This process may have %d connections, so %d sockets are scaled to that.\n", room(), cfg.Sockets)
		cfg.Sockets = room()
	}
	alone := s.now()
	var crowd *company
	var events chan stream
	var url string
	var began time.Time
	err := s.open(ctx, cfg, func(ctx context.Context, at string) (err error) {
		url = at
		start := time.Now()
		if crowd, err = s.invite(ctx, url, cfg.Sockets); err != nil {
			return err
		}
		fmt.Fprintf(out, "%d WebSockets are open after %v.\n", crowd.size, time.Since(start).Round(100*time.Millisecond))
		if events, err = listen(ctx, url); err != nil {
			return err
		}
		if err := s.look(ctx, t, crowd, url, alone); err != nil {
			return err
		}
		began = time.Now()
		fmt.Fprintf(out, "Draining within %v.\n", cfg.Drain)
		return nil
	})
	took := time.Since(began)
	if crowd == nil || began.IsZero() {
		return err
	}
	if err != nil {
		fmt.Fprintln(out, "    ", err)
	}
	t.expect(err == nil && took <= cfg.Drain, "the server has ended in order after %v", took.Round(100*time.Millisecond))
	count, lost := crowd.wait()
	t.expect(lost == nil && count.Told == int64(crowd.size) && count.Lost == 0,
		"told by a close frame with 1001: %d of %d, lost without: %d", count.Told, crowd.size, count.Lost)
	t.expect(spread(count.Spread), "the goodbyes were spread over %d ms, by tenths: %v", count.Took, count.Spread)
	sse := <-events
	t.expect(strings.HasPrefix(sse.last, "retry: "), "the event stream's last line is %q, after %d events", sse.last, sse.events)
	return t.verdict()
}

// look looks at the server while the crowd is there.
func (s *server) look(ctx context.Context, t *checks, crowd *company, url string, alone state) error {
	before := crowd.count().Prices
	select {
	case <-time.After(3 * time.Second):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	now := s.now()
	t.expect(now.Hijacked == crowd.size, "the drainer counts %d WebSockets, and streams: %d", now.Hijacked, now.Streams)
	t.expect(now.Watched <= 1 && now.Slots <= 1, "slowlog watches %d requests, %d of %d slots are taken", now.Watched, now.Slots, maxInFlight)
	fmt.Fprintf(t.out, "     %.1f KB of heap and stacks and %.1f goroutines per socket, those of the library included\n",
		1024*(now.Megabytes-alone.Megabytes)/float64(crowd.size), float64(now.Goroutines-alone.Goroutines)/float64(crowd.size))
	prices := crowd.count().Prices - before
	t.expect(prices > int64(crowd.size), "prices came: %d messages in 3 s", prices)

	began := time.Now()
	resp, err := http.Get(url + "/")
	if err != nil {
		return err
	}
	resp.Body.Close()
	t.expect(resp.StatusCode == 200, "a page beside them: %s after %v", resp.Status, time.Since(began).Round(time.Millisecond))
	status, after := tooMany(ctx, url)
	t.expect(status == 503 && after != "", "one address with more than %d sockets: %d, Retry-After: %s", 2*perAddress, status, after)
	return nil
}

// tooMany opens sockets from one address until one is refused.
func tooMany(ctx context.Context, url string) (status int, retryAfter string) {
	for range 2*perAddress + 1 {
		conn, resp, err := coder.Dial(ctx, url+"/prices", nil)
		if err != nil {
			if resp == nil {
				return 0, err.Error()
			}
			return resp.StatusCode, resp.Header.Get("Retry-After")
		}
		defer conn.CloseNow()
	}
	return 0, ""
}

// A stream is what an event stream has said until it ended.
type stream struct {
	events int
	last   string // line that is not empty
}

// listen reads an event stream to its end.
func listen(ctx context.Context, url string) (chan stream, error) {
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), "GET", url+"/prices/events", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	heard := make(chan stream, 1)
	go func() {
		defer resp.Body.Close()
		var s stream
		for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
			if line := lines.Text(); line != "" {
				s.last = line
				if strings.HasPrefix(line, "data:") {
					s.events++
				}
			}
		}
		heard <- s
	}()
	return heard, nil
}

// spread reports whether no tenth of the time had most of the goodbyes.
func spread(tenths []int) bool {
	all, most := 0, 0
	for _, n := range tenths {
		all, most = all+n, max(most, n)
	}
	return len(tenths) == 10 && most < all/3
}

// checks are what a tour expects, one line for each.
type checks struct {
	out    io.Writer
	failed int
}

func (c *checks) expect(ok bool, format string, args ...any) {
	word := "ok  "
	if !ok {
		word = "BAD "
		c.failed++
	}
	fmt.Fprintf(c.out, word+" "+format+"\n", args...)
}

func (c *checks) verdict() error {
	if c.failed > 0 {
		return errors.New("not all is as it should be")
	}
	return nil
}
