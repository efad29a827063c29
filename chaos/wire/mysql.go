package wire

import "encoding/binary"

// MySQL is the protocol of MySQL and MariaDB. A request is one command, an answer all that the server
// says to it: an OK, an error, result sets up to the last, or what it says before it asks for a local
// file and after it. A conversation becomes opaque with TLS, compression, replication of groups,
// the protocol before MySQL 4.1, and extensions that were unknown when this was written.
//
// Why.Code is an error number from 1 to 65534; the SQLSTATE goes with it. Without one it is 1205, lock
// wait timeout, which is what an overloaded server says to a client that is already connected; 1040
// and 1053 would come before and after a connection's life. The connection stays usable.
//
// Within a transaction, and while the answers before are still to come, which may begin one, it is not
// so simple. As on a real server the statement has failed then, and its transaction goes on, if it is
// seen to be one of SELECT, INSERT, UPDATE, DELETE, REPLACE or WITH, or the preparation or execution
// of one. Anything else may be a COMMIT or ROLLBACK in one of its many forms, after which the client
// believes the transaction to be over: the connection is then closed with the error, so that the real
// server rolls back too. It also is where the error is one that ends the transaction, as 1213 is, and,
// with or without a transaction, where a statement is not executed for which the server has long data
// already: it would add to them what the client sends when it tries again.
var MySQL Protocol = mysql{}

type mysql struct{}

func (mysql) Name() string { return "mysql" }

func (mysql) Follow() Conversation { return &mysqlTalk{} }

// A mysqlTalk follows one connection to MySQL.
//
// https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html and, for what MariaDB has of its
// own, https://mariadb.com/kb/en/clientserver-protocol/
type mysqlTalk struct {
	phase mysqlPhase
	can   uint64 // the capabilities that the server offers, then those that both have
	flags uint16 // the status that the server has last told
	lost  bool   // nothing is understood any more

	up      mysqlMessage // what the client is saying
	request bool         // it is a request
	secret  bool         // it may have a password
	keeps   bool         // who hears that it has failed knows that the transaction goes on
	repeats bool         // the server has long data for it, which another attempt would send again
	file    bool         // the client is sending a local file
	dump    bool         // the client replicates: it does not ask any more
	refused []byte       // the answer to it, which must be numbered when its last packet is known
	tls     bool         // what comes is encrypted

	rows         map[uint32]struct{} // the prepared statements that are known to keep a transaction
	preparedRows bool                // the last that was to be prepared is one
	long         uint32              // the statement for which the server has long data; mysqlAny: several

	down    mysqlMessage // what the server is saying
	step    mysqlStep    // which part of an answer it is
	columns int          // how many definitions of columns are still to come
	asked   queue[mysqlAnswer]
}

type mysqlPhase byte

const (
	mysqlGreeting mysqlPhase = iota // the server speaks first
	mysqlLogin                      // the client must say who it is
	mysqlAuth                       // it proves it
	mysqlCommand                    // it asks
)

// Capabilities, of which MariaDB has its own from bit 32 on.
const (
	mysqlNotMariaDB   = 1 << 0
	mysqlCompress     = 1 << 5
	mysqlProtocol41   = 1 << 9
	mysqlTLS          = 1 << 11
	mysqlStatements   = 1 << 16 // several in a query
	mysqlOptionalMeta = 1 << 25
	mysqlNoEOF        = 1 << 24
	mysqlZstd         = 1 << 26
	mysqlAttributes   = 1 << 27
	mariadbCacheMeta  = 1 << 36
	mariadbUnknown    = 0x3ffffff << 38
)

// Numbers that no prepared statement has.
const (
	mysqlLatest = 1<<32 - 1 // MariaDB: the statement that was prepared last
	mysqlAny    = 1<<32 - 2
)

// mysqlMostRows bounds how many prepared statements are remembered, as a server's max_prepared_stmt_count
// does by default.
const mysqlMostRows = 16382

// The server's status.
const (
	mysqlInTransaction = 0x01
	mysqlMoreResults   = 0x08
	mysqlCursor        = 0x40
)

// The first byte of what the server says.
const (
	mysqlOK    = 0x00
	mysqlMore  = 0x01 // of authentication, as is the next
	mysqlNext  = 0x02
	mysqlLocal = 0xfb // it wants a local file
	mysqlEOF   = 0xfe
	mysqlERR   = 0xff
)

// mysqlFull is the length of a packet that is continued in the next, however short that one is.
const mysqlFull = 1<<24 - 1

// mysqlSize is the length in a packet's header.
func mysqlSize(header []byte) int {
	return int(header[0]) | int(header[1])<<8 | int(header[2])<<16
}

// mysqlHead gives the beginning of a packet's content, at most limit bytes of it; false if data has
// less.
func mysqlHead(data []byte, limit int) (head []byte, ok bool) {
	if len(data) < 4 {
		return nil, false
	}
	end := 4 + min(mysqlSize(data), limit)
	if len(data) < end {
		return nil, false
	}
	return data[4:end], true
}

// A mysqlMessage is how much is still to come of a message, which has one packet or, from 16 MiB on,
// several.
type mysqlMessage struct {
	left   int  // bytes of the packet
	full   bool // another packet follows
	number byte // of the packet
}

func (m *mysqlMessage) inside() bool { return m.left > 0 || m.full }

// packet takes a header.
func (m *mysqlMessage) packet(header []byte) {
	m.left = mysqlSize(header)
	m.full = m.left == mysqlFull
	m.number = header[3]
}

// run takes what data has of the message, and tells how many bytes that is.
func (m *mysqlMessage) run(data []byte) (n int) {
	for {
		step := min(m.left, len(data)-n)
		n += step
		m.left -= step
		if m.left > 0 || !m.full || len(data)-n < 4 {
			return n
		}
		m.packet(data[n:])
		n += 4
	}
}

// mysqlInteger reads a number of variable length; n is how many bytes it has, 0 if it is none.
func mysqlInteger(data []byte) (value uint64, n int) {
	if len(data) == 0 {
		return 0, 0
	}
	length := 0
	switch data[0] {
	case 0xfc:
		length = 2
	case 0xfd:
		length = 3
	case 0xfe:
		length = 8
	case 0xfb, 0xff:
		return 0, 0
	default:
		return uint64(data[0]), 1
	}
	if len(data) <= length {
		return 0, 0
	}
	var whole [8]byte
	copy(whole[:], data[1:1+length])
	return binary.LittleEndian.Uint64(whole[:]), 1 + length
}

// opaque says that nothing is understood any more; secret that what the client says now may be a password. It
// may as well be as long as it has to say one, unless that is encrypted.
func (t *mysqlTalk) opaque(data []byte, secret bool) Part {
	t.lost = true
	login := t.phase == mysqlLogin || t.phase == mysqlAuth || t.asked.len() > 0 && *t.asked.front() == mysqlAgain
	return Part{N: len(data), Opaque: true, Secret: (login || secret) && !t.tls}
}
