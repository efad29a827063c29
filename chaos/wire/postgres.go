package wire

import "encoding/binary"

// Postgres is PostgreSQL's protocol, version 3. A request is a simple query, a call of a function, or a
// batch: all messages of the extended protocol up to its Sync. The answer is what the server says up
// to its ReadyForQuery. The data of a COPY belongs to no new request, and replication is an answer
// without an end. A conversation becomes opaque with TLS, and where a client mixes what the
// protocol does not let it mix.
//
// Why.Code is an SQLSTATE of an error: five characters, not of the classes 00 to 02. Without one it is
// 53200, out of memory, with which an overloaded server fails a statement and keeps the connection; the
// others that it has, 53300 and 57P03, only come before a connection's life, and 57P01 ends it.
//
// An error in a transaction would have to fail it, but the real server would not know of that: a client
// that then says COMMIT would commit half of it. So within a transaction, and while the answers before
// are still to come, which may begin one, the error is FATAL and closes the connection: the real
// server rolls back. Else the connection goes on.
//
// A Parse without a name, and a simple query, end the statement without a name that was prepared before; but
// one that is refused does not at the real server. A client that has not read of that yet may mean its
// own statement when it goes on with that of no name: the batch is then Joined to the refused one.
//
// A refused batch is answered as a server does it: with the error behind its first message, since a
// client may wait for that before it says Sync, and when Sync has been said with ReadyForQuery, as the
// answer to a second request that has the rest of the batch and is Joined to the first.
var Postgres Protocol = postgres{}

type postgres struct{}

func (postgres) Name() string { return "postgres" }

func (postgres) Follow() Conversation { return &postgresTalk{} }

// A postgresTalk follows one connection to PostgreSQL.
//
// https://www.postgresql.org/docs/current/protocol.html
type postgresTalk struct {
	phase postgresPhase
	byte  bool // the server says one byte next, on TLS or GSSAPI
	lost  bool // nothing is understood any more

	up      int             // bytes still to come of what the client is saying
	request postgresRequest // that it is saying
	last    bool            // what it is saying ends the request
	secret  bool            // it may have a password
	refused bool            // the batch was refused: its first message ends it
	rest    bool            // the rest of such a batch is to come, or is coming
	joined  bool            // the last request was such a rest
	denied  bool            // it was refused, or another before it
	unnames bool            // it ends the statement without a name
	stale   bool            // the server's statement without a name is not the client's any more

	downKey   bool // what the server is saying is the key with which requests are cancelled
	down      int  // bytes still to come of what the server is saying
	answering bool // it belongs to an answer
	ready     bool // it ends it
	status    byte // of the transaction: I, T or E
	asked     queue[postgresRequest]

	copying  bool // a batch has the client copy in: the server ignores Sync
	copySync bool // the batch has a Sync that the server has ignored: another will come
}

type postgresPhase byte

const (
	postgresStart  postgresPhase = iota // the client says what it wants
	postgresLogin                       // it proves who it is
	postgresReady                       // it asks
	postgresCancel                      // it has cancelled another connection's request
)

type postgresRequest byte

const (
	postgresNone postgresRequest = iota
	postgresSimple
	postgresBatch
	postgresEnd // it leaves
)

// The first messages of a client have a number in place of a letter.
const (
	postgresCancelCode = 1234<<16 | 5678
	postgresTLSCode    = 1234<<16 | 5679
	postgresGSSCode    = 1234<<16 | 5680
	postgresMajor      = 3
	postgresLongest    = 10000 // bytes of a first message, as the server's MAX_STARTUP_PACKET_LENGTH
)

// postgresSize is how many bytes a message has, with its letter; false if none can have so few.
func postgresSize(header []byte) (int, bool) {
	size := binary.BigEndian.Uint32(header[1:])
	return 1 + int(size), size >= 4 && size < 1<<30 // the server's limit
}

// start takes the client's first messages.
func (t *postgresTalk) start(data []byte) (part Part) {
	if data[0] != 0 { // the length of a message that is shorter than 16 MiB
		return t.opaque(data)
	}
	if len(data) < 8 {
		return Part{}
	}
	size, code := binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])
	if size < 8 || size > postgresLongest || t.byte {
		return t.opaque(data)
	}
	switch {
	case (code == postgresTLSCode || code == postgresGSSCode) && size == 8:
		t.byte = true
	case code == postgresCancelCode:
		t.phase, t.secret = postgresCancel, true
	case code>>16 == postgresMajor:
		t.phase = postgresLogin
	default:
		return t.opaque(data)
	}
	part.N = min(len(data), int(size))
	part.Secret = t.secret
	t.up = int(size) - part.N
	part.More = t.up > 0
	return part
}

// opaque says that nothing is understood any more.
func (t *postgresTalk) opaque(data []byte) Part {
	t.lost = true
	secret := t.phase == postgresLogin || t.up > 0 && t.secret
	return Part{N: len(data), Opaque: true, Secret: secret}
}
