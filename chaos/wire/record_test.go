package wire_test

import (
	"net"
	"sync"
)

// A recorder writes down the conversations of a client's connections, each for itself.
type recorder struct {
	mu    sync.Mutex
	talks [][]turn
}

// conn is a client's connection, whose conversation is recorded.
func (r *recorder) conn(conn net.Conn) net.Conn {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.talks = append(r.talks, nil)
	return &recorded{conn, r, len(r.talks) - 1}
}

// recordings are all conversations so far.
func (r *recorder) recordings() [][]turn {
	r.mu.Lock()
	defer r.mu.Unlock()
	talks := make([][]turn, len(r.talks))
	for i, talk := range r.talks {
		talks[i] = append(talks[i], talk...)
	}
	return talks
}

type recorded struct {
	net.Conn
	*recorder
	number int
}

// Write records before it writes, so that no answer is recorded before its request.
func (c *recorded) Write(data []byte) (int, error) {
	c.said(true, data)
	return c.Conn.Write(data)
}

func (c *recorded) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	if n > 0 {
		c.said(false, data[:n])
	}
	return n, err
}

func (c *recorded) said(client bool, data []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	talk := &c.talks[c.number]
	if last := len(*talk) - 1; last >= 0 && (*talk)[last].client == client {
		(*talk)[last].said += string(data)
		return
	}
	*talk = append(*talk, turn{client: client, said: string(data)})
}
