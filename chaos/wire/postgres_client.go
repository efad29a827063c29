package wire

import "bytes"

func (t *postgresTalk) Client(data []byte) (part Part) {
	if t.lost || t.phase == postgresCancel && t.up == 0 {
		return t.opaque(data)
	}
	if t.phase == postgresStart && t.up == 0 {
		return t.start(data)
	}
	for {
		n := min(t.up, len(data)-part.N)
		part.N += n
		t.up -= n
		part.Secret = t.secret
		part.More = t.request == postgresNone && t.up > 0
		if t.up > 0 {
			return part
		}
		if t.request != postgresNone && (t.last || t.refused) {
			t.endRequest()
			part.End = true
			return part
		}
		rest := data[part.N:]
		if len(rest) < 5 || t.phase == postgresCancel {
			return part
		}
		size, ok := postgresSize(rest)
		sort := t.sort(rest[0])
		if !ok || sort == postgresWrong {
			t.lost = true
			return t.upTo(part, data)
		}
		begins := t.request == postgresNone && t.begins(sort)
		head, whole, ok := t.head(rest, size, begins)
		if !ok {
			return part
		}
		secret := sort == postgresPassword || postgresSecret(head, whole)
		if part.N > 0 && (begins || secret != t.secret) {
			return part
		}
		t.secret = secret
		if begins {
			t.begin(sort, head, &part)
			if !t.rest && !t.last && t.request == postgresBatch {
				// One byte of the first message is left for when its fate is known.
				part.N = min(len(rest), size-1)
				t.up = size - part.N
				return part
			}
		} else {
			t.inside(sort)
			t.unnames = t.unnames || postgresUnnames(head)
			t.stale = t.stale || t.rest && t.unnames
		}
		t.up = size
	}
}

// upTo gives what was understood, before it is told that nothing more is.
func (t *postgresTalk) upTo(part Part, data []byte) Part {
	if part.N > 0 {
		return part
	}
	return t.opaque(data)
}

// A postgresSort is what a message of the client is for.
type postgresSort byte

const (
	postgresWrong postgresSort = iota
	postgresQuery              // a request of its own
	postgresStep               // a step of a batch
	postgresSync               // the end of a batch
	postgresFlush
	postgresData // of a COPY
	postgresCopied
	postgresLeave
	postgresPassword
)

var postgresSorts = [256]postgresSort{
	'Q': postgresQuery, 'F': postgresQuery,
	'P': postgresStep, 'B': postgresStep, 'D': postgresStep, 'E': postgresStep, 'C': postgresStep,
	'S': postgresSync, 'H': postgresFlush,
	'd': postgresData, 'c': postgresCopied, 'f': postgresCopied,
	'X': postgresLeave, 'p': postgresPassword,
}

// sort tells what a message is for, and which are wrong where they stand.
func (t *postgresTalk) sort(letter byte) postgresSort {
	sort := postgresSorts[letter]
	if (sort == postgresPassword) != (t.phase == postgresLogin) && sort != postgresLeave {
		return postgresWrong
	}
	// A server that has failed ignores a query in a batch, any other answers it.
	if sort == postgresQuery && (t.request == postgresBatch || t.rest) {
		return postgresWrong
	}
	return sort
}

// begins says whether a message that is in no request begins one.
func (t *postgresTalk) begins(sort postgresSort) bool {
	switch sort {
	case postgresQuery, postgresStep, postgresLeave:
		return true
	case postgresSync:
		return !t.copySync
	}
	return t.rest && sort != postgresPassword // the server ignores anything up to Sync
}

// begin begins a request.
func (t *postgresTalk) begin(sort postgresSort, head []byte, part *Part) {
	part.Begin, part.Secret = true, t.secret
	t.joined = t.rest
	stale := t.denied && t.stale && postgresUnnamed(head)
	t.unnames = postgresUnnames(head)
	t.stale = t.stale && !t.unnames || t.joined && t.unnames
	switch sort {
	case postgresLeave:
		t.request, t.last = postgresEnd, true
		part.Silent = true
		return
	case postgresQuery:
		t.request, t.last = postgresSimple, true
	default:
		t.request, t.last = postgresBatch, sort == postgresSync
		part.Joined = t.joined || stale
	}
	t.denied = false
	t.asked.push(t.request)
}

// inside takes a message that begins no request.
func (t *postgresTalk) inside(sort postgresSort) {
	switch sort {
	case postgresCopied:
		t.copying = false
	case postgresSync:
		t.last = t.request != postgresNone
		t.copySync = t.copying // one that is still ignored does not count
	}
}

// endRequest is called when the client has said all of a request.
func (t *postgresTalk) endRequest() {
	t.rest = t.refused
	t.request, t.last, t.refused = postgresNone, false, false
}

// postgresNames is how much of a Bind is looked at for the names in it, in bytes.
const postgresNames = 256

// head gives the beginning of a message as far as it is to be looked at, and whether that is all of it. It
// is not ok if data has less.
func (t *postgresTalk) head(data []byte, size int, begins bool) (head []byte, whole, ok bool) {
	limit := 5
	switch data[0] {
	case 'Q', 'P':
		limit += sqlHead
	case 'B', 'D':
		if begins && t.stale {
			limit += postgresNames
		}
	}
	limit = min(limit, size)
	if len(data) < limit {
		return nil, false, false
	}
	return data[:limit], limit == size, true
}

// postgresSecret says whether a message has a statement that may have a password.
func postgresSecret(head []byte, whole bool) bool {
	sql := head[5:]
	switch head[0] {
	case 'P':
		_, rest, ok := bytes.Cut(sql, []byte{0})
		if !ok {
			return true
		}
		sql = rest
	case 'Q':
	default:
		return false
	}
	if end := bytes.IndexByte(sql, 0); end >= 0 {
		sql, whole = sql[:end], true
	}
	return readSQL(sql, whole).secret
}

// postgresUnnames says whether a message ends the statement that has no name.
func postgresUnnames(head []byte) bool {
	return head[0] == 'Q' || head[0] == 'P' && len(head) > 5 && head[5] == 0
}

// postgresUnnamed says whether a message uses the statement that has no name. One whose names are too
// long to be seen may do so.
func postgresUnnamed(head []byte) bool {
	switch content := head[5:]; head[0] {
	case 'B':
		_, statement, _ := bytes.Cut(content, []byte{0})
		return len(statement) == 0 || statement[0] == 0
	case 'D':
		return len(content) >= 2 && content[0] == 'S' && content[1] == 0
	}
	return false
}
