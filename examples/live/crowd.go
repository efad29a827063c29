package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	coder "github.com/coder/websocket"

	"github.com/heeler-go/heeler/backoff"
)

const (
	// perAddress is how many of the crowd share one address, as people in one office do.
	perAddress = 20
	// arriving is how many of the crowd knock at the same time.
	arriving = maxInFlight / 2
)

// A crowd is many who watch the prices over WebSockets. They are in a process of their own, since each
// end of a connection needs a file descriptor there.
type crowd struct {
	url  string
	size int

	watching, told, lost, prices, away atomic.Int64

	mu       sync.Mutex
	goodbyes []time.Duration // when each was told, since the first was
	first    time.Time
}

// A headcount is how the crowd is doing.
type headcount struct {
	Watching int64 `json:"watching"`         // with an open connection
	Prices   int64 `json:"prices"`           // messages that they have got in all
	Told     int64 `json:"told"`             // of a closing server, by a close frame with 1001 and a reason
	Lost     int64 `json:"lost"`             // whose connection broke in another way
	Away     int64 `json:"away"`             // who could not connect
	Spread   []int `json:"spread,omitempty"` // at the end: how many were told in each tenth of the time it took
	Took     int64 `json:"took_ms,omitempty"`
}

func newCrowd(url string, size int) *crowd { return &crowd{url: url, size: size} }

// watch opens the connections and stays until the server has closed the last one, or ctx ends. Each half
// second it says how the crowd is doing, as a line of JSON.
func (c *crowd) watch(ctx context.Context, out io.Writer) error {
	if can := room(); c.size > can {
		c.size = can
	}
	var all sync.WaitGroup
	knocking := make(chan struct{}, arriving)
	failed := make(chan error, c.size)
	for i := range c.size {
		knocking <- struct{}{}
		all.Go(func() {
			conn, err := c.connect(ctx, i)
			<-knocking
			if err != nil {
				c.away.Add(1)
				failed <- err
				return
			}
			c.stay(ctx, conn)
		})
	}
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	lines := json.NewEncoder(out)
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := lines.Encode(c.count()); err != nil {
				return err
			}
		case <-done:
			count := c.count()
			count.Spread, count.Took = c.spread()
			err := lines.Encode(count)
			if n := len(failed); n > 0 {
				err = fmt.Errorf("%d of %d could not connect; one of them: %w", n, c.size, <-failed)
			}
			return err
		}
	}
}

// connect comes from an address of its own, of which Linux has many on loopback. Who is sent away comes back when
// it was told to.
func (c *crowd) connect(ctx context.Context, i int) (*coder.Conn, error) {
	office := 2 + i/perAddress
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(office/250), byte(1+office%250))}}
	transport := &backoff.Transport{Base: &http.Transport{DialContext: dialer.DialContext, DisableKeepAlives: true}, Wait: time.Minute, Retries: 3}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, _, err := coder.Dial(ctx, c.url+"/prices", &coder.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	return conn, err
}

// stay watches until the connection ends.
func (c *crowd) stay(ctx context.Context, conn *coder.Conn) {
	defer conn.CloseNow()
	c.watching.Add(1)
	defer c.watching.Add(-1)
	for {
		_, message, err := conn.Reader(ctx)
		if err == nil {
			_, err = io.Copy(io.Discard, message)
		}
		if err == nil {
			c.prices.Add(1)
			continue
		}
		if coder.CloseStatus(err) == coder.StatusGoingAway {
			c.wasTold()
		} else if ctx.Err() == nil {
			c.lost.Add(1)
		}
		return
	}
}

func (c *crowd) wasTold() {
	c.told.Add(1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first.IsZero() {
		c.first = time.Now()
	}
	c.goodbyes = append(c.goodbyes, time.Since(c.first))
}

func (c *crowd) count() headcount {
	return headcount{Watching: c.watching.Load(), Prices: c.prices.Load(), Told: c.told.Load(), Lost: c.lost.Load(), Away: c.away.Load()}
}

// spread counts the goodbyes by tenths of the time between the first and the last.
func (c *crowd) spread() (tenths []int, took int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.goodbyes) == 0 {
		return nil, 0
	}
	last := c.goodbyes[len(c.goodbyes)-1]
	tenths = make([]int, 10)
	for _, at := range c.goodbyes {
		tenths[min(9, 10*at/max(1, last))]++
	}
	return tenths, last.Milliseconds()
}

// follow reads what a crowd in another process says, until it has no more to say.
func follow(in io.Reader, heard func(headcount)) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var count headcount
		if err := json.Unmarshal(lines.Bytes(), &count); err != nil {
			return fmt.Errorf("the crowd says %q: %w", lines.Text(), err)
		}
		heard(count)
	}
	return lines.Err()
}
