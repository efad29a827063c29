// Package wire follows conversations of client and server on a TCP connection: it knows where a
// request of a protocol begins and ends, where its answer does, and how a server of that protocol
// says no. A chaos proxy needs no more than that to strike whole requests.
//
//	talk := wire.Redis.Follow()
//	part := talk.Client([]byte("*1\r\n$4\r\nPING\r\n")) // {N: 14, Begin: true, End: true}
//	talk.Refuse(wire.Why{}).Bytes                      // "-ERR …\r\n"
//
// What is encrypted cannot be followed, and is relayed as bytes.
//
// A program adds its own protocol by implementing [Protocol] and [Conversation], and gives it to
// chaos.Proxy.Protocol and, for proxies that are made through the API, to control.Server.Protocols.
package wire

import "slices"

// A Protocol is what a chaos proxy can follow. It is a value without state, safe for concurrent use.
//
// It may also have a method Show(client bool, data []byte) string, which gives what a log shows of a
// piece that one side has said, without secrets; else the bytes are shown as they are.
type Protocol interface {
	// Name is the protocol's name in flags and files: lower case, "mysql".
	Name() string

	// Follow begins to follow one connection. Nil means that this protocol has no requests that one
	// could tell apart.
	Follow() Conversation

	// Check says whether Refuse can express why. Its error names the field and what is accepted.
	// The zero Why is always accepted.
	Check(why Why) error
}

// A Conversation follows both sides of one connection. Its methods are called one at a time, each side
// with the bytes in the order in which they were said, from wherever its last Part ended: of data with
// several requests it tells the first, and is shown the rest then. What is not understood must be
// reported as Opaque, never with a panic, and never with an error: it is relayed.
//
// Data belongs to the caller, and is valid during the call only.
type Conversation interface {
	// Client looks at what the client says next. Data is not empty.
	Client(data []byte) Part

	// Server looks at what the server says next. Data is not empty.
	Server(data []byte) Part

	// Refuse is called right behind the Client that it is about, and only then. It gives the server's own
	// error as the answer to the request that the last call of Client has begun. The request is then kept
	// from the server up to its End: the conversation goes on as if this answer had been the server's.
	Refuse(why Why) Answer
}

// A Part is the first piece of the data that a Conversation was shown.
//
// What is said outside of requests and answers, a greeting, a handshake, a push, has neither Begin
// nor End, and is relayed whatever happens to requests.
type Part struct {
	// N is how many bytes of the data it has, from 1 to all of them. 0 means that it takes more data
	// to tell: the relay keeps these bytes and shows them again with those that follow. No more than
	// MaxHead are ever kept; then the conversation becomes opaque.
	N int

	// Begin says that a request, or an answer, begins with these bytes; End that it is complete with
	// them. A long one has parts with neither, between its first and its last.
	Begin, End bool

	// ID tells which request is meant where answers may overtake each other; requests and answers
	// both have it. Zero where answers come in the order of the requests.
	ID uint64

	// Silent is a request's, at its Begin: no answer will come. Such requests cannot be refused.
	Silent bool

	// Joined is a request's, at its Begin: it shares the fate of the request before it, as the
	// commands of a transaction do.
	Joined bool

	// Secret says that these bytes may hold a password, so that no log shows them. Together with Opaque
	// it says so of all that either side says from these bytes on.
	Secret bool

	// More is of bytes outside of requests and answers, and of those that have an ID: a push, or one of
	// the entries found by a search, goes on in the next Part of this side, so that no other answer
	// may be put between the two. Inside an answer without an ID that goes without saying.
	More bool

	// Opaque says that from these bytes on nothing is understood: TLS, another protocol, or nonsense.
	// Both sides are relayed untouched from then on; neither Client nor Server is called again. It is
	// Secret, too, where a password may follow: nobody will say any more which bytes hold it.
	Opaque bool
}

// MaxHead bounds what a Conversation can ask to be kept with N = 0, in bytes.
const MaxHead = 48 << 10

// Why tells Refuse what to say. The zero Why leaves it to the protocol: the error that its servers
// give when they are overloaded or about to stop.
type Why struct {
	// Code is the error in the protocol's own terms: "503" for HTTP, "1213" for MySQL, "40001" for
	// PostgreSQL, "LOADING" for Redis, "451" for SMTP, "busy" or "51" for LDAP.
	Code string

	// Message is for people; empty is a usual one. A line break in it is a space on the wire.
	Message string

	// Pick chooses where the protocol has several errors to offer. The proxy's seed decides it.
	Pick uint64
}

// An Answer is what Refuse has made.
type Answer struct {
	// Bytes go to the client once the request has ended, and the answers before it have been given.
	// None at all: the protocol has no word for it here; the relay breaks the connection instead.
	Bytes []byte

	// Close says that the connection cannot be used after this answer, which is then given without
	// waiting for the request's End; the relay closes the connection behind it.
	Close bool
}

// Protocols are all that this package knows, in alphabetical order of their names.
func Protocols() []Protocol {
	return []Protocol{HTTP, LDAP, Memcache, MySQL, Postgres, Redis, SMTP, TCP}
}

// ByName finds a protocol in a list by its Name; nil if there is none.
func ByName(all []Protocol, name string) Protocol {
	i := slices.IndexFunc(all, func(p Protocol) bool { return p.Name() == name })
	if i < 0 {
		return nil
	}
	return all[i]
}
