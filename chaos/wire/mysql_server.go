package wire

import "encoding/binary"

// A mysqlStep is where in an answer the server is: what its next message will be or, for the last two,
// what the present one is.
type mysqlStep byte

const (
	mysqlIdle        mysqlStep = iota
	mysqlFirst                 // the first of a result
	mysqlColumns               // a result's definition of a column
	mysqlColumnsEnd            // what ends those, in older clients
	mysqlRow                   // a row, or the end
	mysqlDefinitions           // what describes a prepared statement
	mysqlLast                  // the last of the answer
	mysqlAside                 // not of an answer
	mysqlLost                  // not understood
)

// mysqlAnswerHead is as much of an OK as there is up to its status: a byte, two numbers, the status.
const mysqlAnswerHead = 1 + 9 + 9 + 2

func (t *mysqlTalk) Server(data []byte) (part Part) {
	for !t.lost {
		part.N += t.down.run(data[part.N:])
		if t.down.inside() {
			part.More = part.N > 0 && t.step == mysqlAside
			return part
		}
		switch t.step {
		case mysqlLast:
			t.step, t.dump, part.End = mysqlIdle, false, true
			t.asked.pop()
			return part
		case mysqlAside:
			t.step = mysqlIdle
			return part
		case mysqlRow:
			part.N += mysqlWholeRows(data[part.N:])
		}
		rest, limit := data[part.N:], mysqlAnswerHead
		if t.phase == mysqlGreeting {
			limit = mysqlGreetingHead
		}
		head, ok := mysqlHead(rest, limit)
		if t.phase == mysqlGreeting && len(rest) >= 4 && (mysqlSize(rest) > limit || rest[3] != 0) {
			break // of another protocol, which might not say as much
		}
		if !ok {
			return part
		}
		if t.step == mysqlIdle {
			part.Begin = t.phase == mysqlCommand && t.asked.len() > 0
		}
		t.step = t.listen(mysqlSize(rest), head)
		if t.step == mysqlLost {
			break
		}
		t.down.packet(rest)
		part.N += 4
	}
	t.lost = true
	if part.N > 0 {
		return part
	}
	return t.opaque(data, t.secret && t.up.inside())
}

// mysqlWholeRows tells how many bytes of whole rows data begins with.
func mysqlWholeRows(data []byte) (n int) {
	for len(data)-n > 4 {
		row := data[n:]
		size := mysqlSize(row)
		if size == 0 || size == mysqlFull || row[4] >= mysqlEOF || len(row) < 4+size {
			break
		}
		n += 4 + size
	}
	return n
}

// listen takes the beginning of a message of the server and gives the step that follows.
func (t *mysqlTalk) listen(size int, head []byte) mysqlStep {
	switch {
	case size == 0:
		return mysqlLost
	case t.phase != mysqlCommand:
		return mysqlIf(t.greet(head), mysqlAside)
	case t.step != mysqlIdle:
	case t.asked.len() == 0: // only an error, before the server goes away
		return mysqlIf(head[0] == mysqlERR, mysqlAside)
	default:
		t.step = mysqlBegins(*t.asked.front())
	}
	if t.step == mysqlLast {
		return mysqlLast
	}
	if head[0] == mysqlERR {
		if len(head) >= 3 && head[1] == 0xff && head[2] == 0xff { // MariaDB reports progress
			return t.step
		}
		return mysqlLast
	}
	switch t.step {
	case mysqlColumns:
		if t.columns--; t.columns > 0 {
			return mysqlColumns
		}
		if t.can&mysqlNoEOF != 0 {
			return mysqlRow
		}
		return mysqlColumnsEnd
	case mysqlColumnsEnd:
		if head[0] != mysqlEOF || !t.took(head) {
			return mysqlLost
		}
		if t.flags&mysqlCursor == 0 {
			return mysqlRow
		}
		return t.further() // the rows are to be fetched
	case mysqlRow:
		if !t.isEnd(size, head) {
			return mysqlRow
		}
		return mysqlIf(t.took(head), t.further())
	case mysqlDefinitions:
		if t.columns--; t.columns > 0 {
			return mysqlDefinitions
		}
		return mysqlLast
	}
	return t.first(head)
}

// mysqlIf gives the step, or that nothing is understood.
func mysqlIf(ok bool, step mysqlStep) mysqlStep {
	if ok {
		return step
	}
	return mysqlLost
}

// mysqlBegins is the step with which a sort of answer begins.
func mysqlBegins(sort mysqlAnswer) mysqlStep {
	switch sort {
	case mysqlRows, mysqlDump:
		return mysqlRow
	case mysqlText:
		return mysqlLast
	}
	return mysqlFirst
}

// isEnd tells the end of rows from a row whose first column has 16 MiB or more.
func (t *mysqlTalk) isEnd(size int, head []byte) bool {
	if t.can&mysqlNoEOF != 0 {
		return head[0] == mysqlEOF && size < mysqlFull
	}
	return head[0] == mysqlEOF && size < 9
}

// further is the step after the end of a result.
func (t *mysqlTalk) further() mysqlStep {
	if t.flags&mysqlMoreResults != 0 {
		return mysqlFirst
	}
	return mysqlLast
}

// first takes the first message of a result.
func (t *mysqlTalk) first(head []byte) mysqlStep {
	sort := *t.asked.front()
	switch {
	case sort == mysqlAgain && head[0] != mysqlOK:
		return mysqlIf(head[0] == mysqlEOF || head[0] == mysqlMore || head[0] == mysqlNext, mysqlFirst)
	case sort == mysqlPrepared, sort == mysqlPreparedRows:
		return t.prepared(head, sort == mysqlPreparedRows)
	case head[0] == mysqlOK || head[0] == mysqlEOF:
		if !t.took(head) {
			return mysqlLost
		}
		return t.further()
	case head[0] == mysqlLocal:
		t.file = true
		return mysqlIf(t.asked.len() == 1, mysqlFirst) // else the client has said other things already
	}
	count, n := mysqlInteger(head)
	if n == 0 || count > 1<<16 {
		return mysqlLost
	}
	t.columns = int(count)
	if t.can&mariadbCacheMeta != 0 && len(head) > n && head[n] == 0 { // the client knows them
		t.columns = 0
		if t.can&mysqlNoEOF != 0 {
			return mysqlRow
		}
		return mysqlColumnsEnd
	}
	return mysqlColumns
}

// prepared counts what follows on a prepared statement, and remembers whether it has rows.
func (t *mysqlTalk) prepared(head []byte, rows bool) mysqlStep {
	if head[0] != mysqlOK || len(head) < 9 {
		return mysqlLost
	}
	id := binary.LittleEndian.Uint32(head[1:])
	if delete(t.rows, id); rows && len(t.rows) < mysqlMostRows {
		if t.rows == nil {
			t.rows = map[uint32]struct{}{}
		}
		t.rows[id] = struct{}{}
	}
	t.columns = 0
	for _, at := range []int{5, 7} { // columns, parameters
		count := int(binary.LittleEndian.Uint16(head[at:]))
		t.columns += count
		if count > 0 && t.can&mysqlNoEOF == 0 {
			t.columns++
		}
	}
	if t.columns == 0 {
		return mysqlLast
	}
	return mysqlDefinitions
}

// took reads the status in an OK or EOF. It is false if there is none.
func (t *mysqlTalk) took(head []byte) bool {
	at := 1
	if head[0] == mysqlEOF && t.can&mysqlNoEOF == 0 {
		at += 2 // warnings
	} else {
		for range 2 { // changed rows, identity
			_, n := mysqlInteger(head[min(at, len(head)):])
			if n == 0 {
				return false
			}
			at += n
		}
	}
	if len(head) < at+2 {
		return false
	}
	t.flags = binary.LittleEndian.Uint16(head[at:])
	return true
}
