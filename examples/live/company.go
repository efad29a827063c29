package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// A company is a crowd in a process of its own.
type company struct {
	size  int
	child *exec.Cmd
	done  chan struct{} // closed when it has nothing more to say

	mu   sync.Mutex
	last headcount
	err  error
}

// invite brings as many as there is room for and waits until they all watch.
func (s *server) invite(ctx context.Context, url string, size int) (*company, error) {
	c := &company{size: min(size, room()), done: make(chan struct{})}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c.child = exec.Command(self, "-crowd", url, "-sockets", strconv.Itoa(c.size))
	c.child.Stderr = os.Stderr
	apart(c.child)
	out, err := c.child.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := c.child.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(c.done)
		err := follow(out, func(count headcount) {
			c.mu.Lock()
			c.last = count
			c.mu.Unlock()
		})
		if ended := c.child.Wait(); err == nil {
			err = ended
		}
		c.err = err
	}()
	for c.count().Watching < int64(c.size) {
		if n := c.count().Away; n > 0 {
			c.leave()
			return nil, fmt.Errorf("%d of the crowd could not connect", n)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-c.done:
			return nil, fmt.Errorf("the crowd is away: %w", c.err)
		case <-ctx.Done():
			c.leave()
			return nil, context.Cause(ctx)
		}
	}
	return c, nil
}

// count is what the crowd has said last.
func (c *company) count() headcount {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// wait waits until the last has gone, and tells how they were sent.
func (c *company) wait() (headcount, error) {
	<-c.done
	return c.count(), c.err
}

// leave ends those who are still there.
func (c *company) leave() {
	c.child.Process.Kill()
	<-c.done
}
