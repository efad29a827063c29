package wire

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"strconv"
)

// mysqlBusy is the error without a code: see [MySQL].
const mysqlBusy = 1205

// mysqlLongest bounds an error's message, as MYSQL_ERRMSG_SIZE does in the servers and clients.
const mysqlLongest = 512

// A mysqlError is what goes with an error's number.
type mysqlError struct {
	state, message string
	ends           bool // the server has rolled the whole transaction back
}

// mysqlErrors are those that servers in trouble give, with the SQLSTATE that is not HY000 or the words
// that are worth having.
var mysqlErrors = map[uint16]mysqlError{
	1021:      {message: "Disk full; waiting for someone to free some space"},
	1037:      {state: "HY001", message: "Out of memory; restart server and try again"},
	1040:      {state: "08004", message: "Too many connections"},
	1045:      {state: "28000", message: "Access denied for user"},
	1053:      {state: "08S01", message: "Server shutdown in progress"},
	1062:      {state: "23000", message: "Duplicate entry"},
	1064:      {state: "42000", message: "You have an error in your SQL syntax"},
	1114:      {message: "The table is full"},
	1146:      {state: "42S02", message: "Table doesn't exist"},
	1180:      {message: "Got error during COMMIT", ends: true},
	1203:      {state: "42000", message: "User already has more than 'max_user_connections' active connections"},
	mysqlBusy: {message: "Lock wait timeout exceeded; try restarting transaction"},
	1213:      {state: "40001", message: "Deadlock found when trying to get lock; try restarting transaction", ends: true},
	1226:      {state: "42000", message: "User has exceeded a resource"},
	1290:      {message: "The server is running with the --read-only option so it cannot execute this statement"},
	1317:      {state: "70100", message: "Query execution was interrupted"},
	1614:      {state: "XA102", message: "XA_RBDEADLOCK: Transaction branch was rolled back: deadlock was detected", ends: true},
	1792:      {state: "25006", message: "Cannot execute statement in a READ ONLY transaction"},
	1836:      {message: "Running in read-only mode"},
	1927:      {state: "70100", message: "Connection was killed"},
	1969:      {state: "70100", message: "Query execution was interrupted (max_statement_time exceeded)"},
	3024:      {message: "Query execution was interrupted, maximum statement execution time exceeded"},
	3101:      {state: "40000", message: "Plugin instructed the server to rollback the current transaction", ends: true},
	3572:      {message: "Statement aborted because lock(s) could not be acquired immediately and NOWAIT is set"},
}

// mysqlNumber reads an error's number. 65535 is MariaDB's for a report of progress.
func mysqlNumber(code string) (uint16, bool) {
	if code == "" {
		return mysqlBusy, true
	}
	number, err := strconv.ParseUint(code, 10, 16)
	return uint16(number), err == nil && number > 0 && number < 65535
}

func (mysql) Check(why Why) error {
	if _, ok := mysqlNumber(why.Code); !ok {
		return fmt.Errorf("wire: mysql's Code %q must be an error number from 1 to 65534, or empty", why.Code)
	}
	return nil
}

// Refuse gives an error packet. Its number in the sequence is only known when the request's last packet
// has been seen: it is then written into the answer's Bytes, before the request's End is told. An answer
// with Close does not wait for that, and is not written to any more.
func (t *mysqlTalk) Refuse(why Why) Answer {
	if t.asked.len() > 0 {
		t.asked.unpush()
	}
	t.dump = false
	number, ok := mysqlNumber(why.Code)
	if !ok {
		number = mysqlBusy
	}
	known := mysqlErrors[number]
	said := oneLine(cmp.Or(why.Message, known.message, "Unknown error"))
	said = said[:min(len(said), mysqlLongest)]
	state := cmp.Or(known.state, "HY000")

	packet := append(make([]byte, 0, 13+len(said)), byte(9+len(said)), byte((9+len(said))>>8), 0, t.up.number+1, mysqlERR)
	packet = binary.LittleEndian.AppendUint16(packet, number)
	packet = append(append(append(packet, '#'), state...), said...)
	// What answers are still to come may say that a transaction has begun.
	open := t.flags&mysqlInTransaction != 0 || t.asked.len() > 0
	answer := Answer{Bytes: packet, Close: t.repeats || open && (!t.keeps || known.ends)}
	if t.up.inside() && !answer.Close {
		t.refused = packet
	}
	return answer
}
