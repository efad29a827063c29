package drain

import "sync"

// A crew does something to many, some of them at once. It owns goroutines only while there is something to
// do.
type crew struct {
	do   func(*kept)
	size int
	rest func() // called when the last one has gone

	mu      sync.Mutex
	waiting []*kept
	working int
}

// add has the crew do k, soon.
func (c *crew) add(ks ...*kept) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, ks...)
	for range ks {
		if c.working == c.size {
			return
		}
		c.working++
		go c.work()
	}
}

// next is what to do next. If there is nothing, the worker is one of the crew no more.
func (c *crew) next() (k *kept) {
	c.mu.Lock()
	if len(c.waiting) > 0 {
		k, c.waiting = c.waiting[0], c.waiting[1:]
	} else {
		c.working--
	}
	idle := c.working == 0
	c.mu.Unlock()
	if idle {
		c.rest()
	}
	return k
}

// work works until nothing waits. Foreign code may end its goroutine: then another one goes on.
func (c *crew) work() {
	over := false
	defer func() {
		if !over {
			go c.work()
		}
	}()
	for k := c.next(); k != nil; k = c.next() {
		c.do(k)
	}
	over = true
}

// dismiss forgets whom nobody has begun with.
func (c *crew) dismiss() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = nil
}

// busy is how many are at work. One that has just finished may be among them.
func (c *crew) busy() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.working
}
