package chaos

import "time"

// A NoticeKind is what a Notice tells.
type NoticeKind string

// What a proxy tells.
const (
	Opened     NoticeKind = "opened"      // a client has connected
	Closed     NoticeKind = "closed"      // and its connection is over
	DialFailed NoticeKind = "dial failed" // the backend could not be reached; Text tells why
	Struck     NoticeKind = "struck"      // a fault has struck; Text tells at which moment
	FaultsSet  NoticeKind = "faults set"  // other faults are set; Text has their names
	Listening  NoticeKind = "listening"   // clients can connect, at Text
	Refusing   NoticeKind = "refusing"    // nobody listens, as a fault wants
	Stopped    NoticeKind = "stopped"     // the proxy has been closed
)

// A Notice is something that has happened at a proxy.
type Notice struct {
	Time    time.Time
	Proxy   string // its Name or, without one, where it listens
	Kind    NoticeKind
	Conn    uint64 // the number of the connection, or 0
	Request uint64 // the number of the request in it, or 0
	Fault   string // the name of the fault that struck
	Text    string // what there is to say besides; with Opened, the client's address
}

// Said is a piece of a conversation, as a side said it.
type Said struct {
	Time      time.Time
	Conn      uint64    // the number of the connection
	Direction Direction // Upstream: the client said it

	// Data is valid only until the function that it is given to returns. It must not be changed.
	Data []byte

	Secret bool // it may hold a password
	Lost   bool // a fault of requests keeps it from the other side; faults of bytes come later
	Faked  bool // no side has said it: the proxy has, in the backend's name
}

// Stats are figures of a proxy since its first Start. They move while bytes do.
type Stats struct {
	Seed     uint64            // what decides all that is drawn
	Open     int               // connections that stand
	Total    uint64            // connections that clients have made
	Failed   uint64            // connections whose backend could not be reached
	Up, Down int64             // bytes that the backends, and the clients, have got
	Requests uint64            // requests that have begun, where the protocol has any
	Struck   map[string]uint64 // verdicts of each fault that is set, by its name
}

// A Link is a connection that stands.
type Link struct {
	ID       uint64    // its number, from 1: the Conn of events and notices
	Client   string    // its address
	Since    time.Time // when the client connected
	Up, Down int64     // bytes that the backend, and the client, have got
	Requests uint64    // requests that have begun, where the protocol has any
}
