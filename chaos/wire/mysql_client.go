package wire

import "encoding/binary"

// A mysqlAnswer is the sort of answer that a command has.
type mysqlAnswer byte

const (
	mysqlUnknown      mysqlAnswer = iota
	mysqlNothing                  // none at all
	mysqlResult                   // OK, an error, or results
	mysqlPrepared                 // a statement with the definitions of its parameters and columns
	mysqlPreparedRows             // the same, of a statement that cannot end a transaction
	mysqlRows                     // packets up to an end
	mysqlDump                     // the same, and the client does not ask any more
	mysqlText                     // one packet
	mysqlAgain                    // authentication in several rounds
)

const (
	mysqlQuery       = 0x03
	mysqlChangeUser  = 0x11
	mysqlPrepare     = 0x16
	mysqlExecute     = 0x17
	mysqlLongData    = 0x18
	mysqlForget      = 0x19
	mysqlResetOne    = 0x1a
	mysqlOption      = 0x1b
	mysqlReset       = 0x1f
	mariadbBulk      = 0xfa
	mysqlCommandHead = 32 // the fixed beginning of a login, the longest that is looked at
)

// mysqlCommands are those that have an answer in today's servers.
var mysqlCommands = [256]mysqlAnswer{
	0x01:            mysqlNothing, // quit
	0x02:            mysqlResult,  // database
	mysqlQuery:      mysqlResult,
	0x04:            mysqlRows,   // list of fields
	0x05:            mysqlResult, // create database
	0x06:            mysqlResult, // drop database
	0x07:            mysqlResult, // refresh
	0x08:            mysqlResult, // shutdown
	0x09:            mysqlText,   // statistics
	0x0a:            mysqlResult, // list of processes
	0x0c:            mysqlResult, // kill
	0x0d:            mysqlResult, // debug
	0x0e:            mysqlResult, // ping
	mysqlChangeUser: mysqlAgain,
	0x12:            mysqlDump,   // binary log
	0x15:            mysqlResult, // register replica
	mysqlPrepare:    mysqlPrepared,
	mysqlExecute:    mysqlResult,
	mysqlLongData:   mysqlNothing,
	mysqlForget:     mysqlNothing,
	mysqlResetOne:   mysqlResult,
	mysqlOption:     mysqlResult,
	0x1c:            mysqlRows, // fetch
	0x1e:            mysqlDump, // binary log by GTID
	mysqlReset:      mysqlResult,
	mariadbBulk:     mysqlResult,
}

func (t *mysqlTalk) Client(data []byte) (part Part) {
	if !t.up.inside() {
		if t.lost || t.phase == mysqlGreeting { // the server speaks first
			return t.opaque(data, false)
		}
		head, ok := mysqlHead(data, t.limit(data))
		if !ok {
			return Part{}
		}
		if !t.hear(data, head, &part) {
			return t.opaque(data, t.secret)
		}
		t.up.packet(data)
		part.N = 4
	}
	part.N += t.up.run(data[part.N:])
	more := t.up.inside()
	part.Secret = t.secret
	part.End = t.request && !more
	part.More = !t.request && more
	if t.refused != nil {
		t.refused[3] = t.up.number + 1
		if !more {
			t.refused = nil
		}
	}
	return part
}

// limit is how much of what the client says next must be seen.
func (t *mysqlTalk) limit(data []byte) int {
	if t.phase == mysqlCommand && !t.file && !t.dump && len(data) > 4 && data[3] == 0 &&
		(data[4] == mysqlQuery || data[4] == mysqlPrepare) {
		return 1 + sqlHead
	}
	return mysqlCommandHead
}

// hear takes the beginning of a message of the client. It is false if that is not understood.
func (t *mysqlTalk) hear(data, head []byte, part *Part) bool {
	size, number := mysqlSize(data), data[3]
	t.request, t.secret = false, false
	switch {
	case t.phase == mysqlLogin:
		t.secret = true
		return t.login(size, head)
	case t.phase == mysqlAuth:
		t.secret = true
		return number != 0 // 0 would be a command before its time
	case t.file:
		t.file = size > 0
		return true
	case t.dump:
		return true
	case number != 0: // no command: only a password that the server has asked for
		t.secret = true
		return t.step != mysqlIdle && *t.asked.front() == mysqlAgain
	case size == 0:
		return false
	}
	return t.command(head, size, part)
}

// command begins a request.
func (t *mysqlTalk) command(head []byte, size int, part *Part) bool {
	sort := mysqlCommands[head[0]]
	if sort == mysqlUnknown {
		return false
	}
	t.request = true
	part.Begin = true
	t.keeps, t.repeats = false, false
	switch head[0] {
	case mysqlQuery:
		t.query(head[1:], len(head) == size)
	case mysqlPrepare:
		s := readSQL(head[1:], len(head) == size)
		t.keeps, t.preparedRows, t.secret = s.rows, s.rows, s.secret
		if s.rows {
			sort = mysqlPreparedRows
		}
	case mysqlExecute, mariadbBulk, mysqlLongData, mysqlForget, mysqlResetOne:
		if len(head) >= 5 {
			t.statement(head[0], binary.LittleEndian.Uint32(head[1:]), part)
		}
	case mysqlOption:
		t.can |= mysqlStatements // at least it may be so
	case mysqlChangeUser, mysqlReset: // which forget all statements
		t.secret = head[0] == mysqlChangeUser
		t.repeats, t.long = t.long != 0, 0
		clear(t.rows)
	}
	if part.Silent = sort == mysqlNothing; part.Silent {
		return true
	}
	t.asked.push(sort)
	t.dump = sort == mysqlDump
	return true
}

// query looks at a statement. One with attributes is not taken apart: it could be any.
func (t *mysqlTalk) query(sql []byte, whole bool) {
	if t.can&mysqlAttributes != 0 {
		if len(sql) < 2 || sql[0] != 0 || sql[1] != 1 {
			t.secret = !whole || namesPassword(sql)
			return
		}
		sql = sql[2:]
	}
	s := readSQL(sql, whole)
	t.secret = s.secret
	t.keeps = s.rows && !(s.several && t.can&mysqlStatements != 0)
}

// statement takes a command about a prepared statement.
func (t *mysqlTalk) statement(command byte, id uint32, part *Part) {
	switch command {
	case mysqlLongData:
		if t.long != 0 && t.long != id {
			id = mysqlAny
		}
		t.long = id
		return
	case mysqlForget:
		delete(t.rows, id)
	case mysqlExecute, mariadbBulk:
		_, t.keeps = t.rows[id]
		if id == mysqlLatest {
			// MariaDB's clients execute what they have just prepared without waiting for its number.
			part.Joined, t.keeps = true, t.preparedRows
		}
	}
	t.repeats = t.long != 0 && (t.long == id || t.long == mysqlAny || id == mysqlLatest)
	if t.long == id {
		t.long = 0
	}
}
