package wire

import (
	"bytes"
	"strings"
)

// A mysqlAnswer is the sort of answer that a command has.
type mysqlAnswer byte

const (
	mysqlUnknown  mysqlAnswer = iota
	mysqlNothing              // none at all
	mysqlResult               // OK, an error, or results
	mysqlPrepared             // a statement with the definitions of its parameters and columns
	mysqlRows                 // packets up to an end
	mysqlDump                 // the same, and the client does not ask any more
	mysqlText                 // one packet
	mysqlAgain                // authentication in several rounds
)

const (
	mysqlQuery       = 0x03
	mysqlChangeUser  = 0x11
	mysqlExecute     = 0x17
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
	0x16:            mysqlPrepared,
	mysqlExecute:    mysqlResult,
	0x18:            mysqlNothing, // long data
	0x19:            mysqlNothing, // close statement
	0x1a:            mysqlResult,  // reset statement
	0x1b:            mysqlResult,  // option
	0x1c:            mysqlRows,    // fetch
	0x1e:            mysqlDump,    // binary log by GTID
	mysqlReset:      mysqlResult,
	mariadbBulk:     mysqlResult,
}

func (t *mysqlTalk) Client(data []byte) (part Part) {
	if !t.up.inside() {
		t.lost = t.lost || t.phase == mysqlGreeting // the server speaks first
		head, ok := mysqlHead(data, mysqlCommandHead)
		if !ok && !t.lost {
			return Part{}
		}
		if t.lost || !t.hear(data, head, &part) {
			t.lost = true
			return Part{N: len(data), Opaque: true}
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
	return t.command(head, part)
}

// command begins a request.
func (t *mysqlTalk) command(head []byte, part *Part) bool {
	sort := mysqlCommands[head[0]]
	if sort == mysqlUnknown {
		return false
	}
	t.request = true
	part.Begin = true
	if sort == mysqlNothing {
		part.Silent = true
		return true
	}
	t.asked.push(sort)
	t.dump = sort == mysqlDump
	t.ends = false
	switch head[0] {
	case mysqlChangeUser:
		t.secret, t.ends = true, true
	case mysqlReset:
		t.ends = true
	case mysqlQuery:
		t.ends = t.endsTransaction(head[1:])
	case mysqlExecute, mariadbBulk:
		// MariaDB's clients execute what they have just prepared without waiting for its number.
		part.Joined = len(head) >= 5 && string(head[1:5]) == "\xff\xff\xff\xff"
	}
	return true
}

// endsTransaction says whether a statement is COMMIT or ROLLBACK, but for one TO SAVEPOINT.
func (t *mysqlTalk) endsTransaction(sql []byte) bool {
	if t.can&mysqlAttributes != 0 && len(sql) >= 2 && sql[0] == 0 { // without attributes
		sql = sql[2:]
	}
	sql = bytes.TrimLeft(sql, " \t\r\n")
	if begins(sql, "COMMIT") {
		return true
	}
	if !begins(sql, "ROLLBACK") {
		return false
	}
	rest := bytes.TrimLeft(sql[len("ROLLBACK"):], " \t\r\n")
	if begins(rest, "WORK") {
		rest = bytes.TrimLeft(rest[len("WORK"):], " \t\r\n")
	}
	return !begins(rest, "TO")
}

// begins says whether text has the word, in letters of either case, at its beginning.
func begins(text []byte, word string) bool {
	return len(text) >= len(word) && strings.EqualFold(string(text[:len(word)]), word)
}
