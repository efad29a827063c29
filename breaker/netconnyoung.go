package breaker

import (
	"time"

	"github.com/heeler-go/heeler/internal/deadline"
)

// youth is for how long the exchanges of a new connection may be those that
// clients begin with, which a server answers whose work hangs.
const youth = 100 * time.Millisecond

// An opening is what the exchanges of a connection's youth say together.
type opening struct {
	p    *period // nil if it says nothing
	slow bool
}

// good is the verdict of an exchange that was. In the connection's youth it does
// not make up for failures: a backend whose work hangs still greets newcomers.
// cn.mu is held.
func (cn *netConn) good() verdict {
	c := cn.call
	if c.start-cn.made >= youth {
		cn.grown()
		return success
	}
	_, longest := c.times(deadline.Now())
	cn.young = opening{c.p, longest >= c.b.slow || cn.young.slow}
	return begun
}

// grown counts the exchanges of a youth that has ended well, as one. cn.mu is held.
func (cn *netConn) grown() {
	all := cn.young
	cn.young = opening{}
	if all.p != nil && all.p.closed() {
		cn.from.b.counted(all.p, success, deadline.Now(), all.slow)
	}
}
