package wire

// postgresSays are the letters of a server's messages.
var postgresSays = [256]bool{
	'1': true, '2': true, '3': true, 'A': true, 'C': true, 'D': true, 'E': true, 'G': true, 'H': true,
	'I': true, 'K': true, 'N': true, 'R': true, 'S': true, 'T': true, 'V': true, 'W': true, 'Z': true,
	'c': true, 'd': true, 'n': true, 's': true, 't': true, 'v': true,
}

func (t *postgresTalk) Server(data []byte) (part Part) {
	if t.byte && !t.lost {
		t.byte = false
		if data[0] == 'N' {
			return Part{N: 1}
		}
		if data[0] != 'E' { // S or G: what follows is encrypted
			return t.opaque(data)
		}
	}
	for !t.lost {
		n := min(t.down, len(data)-part.N)
		part.N += n
		t.down -= n
		part.Secret = t.downKey && part.N > 0
		part.More = t.down > 0 && !t.answering
		if t.down > 0 {
			return part
		}
		if t.ready {
			t.ready, t.answering = false, false
			t.asked.pop()
			part.End = true
			return part
		}
		rest := data[part.N:]
		if t.answering && !t.downKey {
			n := postgresWholeRows(rest)
			part.N += n
			rest = rest[n:]
		}
		if len(rest) < 6 && (len(rest) < 5 || rest[0] == 'Z') {
			return part
		}
		size, ok := postgresSize(rest)
		if !ok || !postgresSays[rest[0]] || rest[0] == 'Z' && size != 6 {
			t.lost = true
			break
		}
		key := rest[0] == 'K'
		if part.N > 0 && (key != t.downKey || !t.answering && !t.aside(rest[0])) {
			return part
		}
		if t.downKey = key; !t.answering && !t.aside(rest[0]) {
			if t.asked.len() == 0 {
				return t.opaque(data)
			}
			t.answering, part.Begin = true, true
		}
		t.listen(rest)
		t.down = size
	}
	return t.upTo(part, data)
}

// postgresWholeRows tells how many bytes of whole rows data begins with.
func postgresWholeRows(data []byte) (n int) {
	for len(data)-n >= 5 && (data[n] == 'D' || data[n] == 'd') {
		size, ok := postgresSize(data[n:])
		if !ok || len(data)-n < size {
			break
		}
		n += size
	}
	return n
}

// aside says whether a message that is in no answer begins none: what the server says of itself, of
// others, in the handshake, or as its last word.
func (t *postgresTalk) aside(letter byte) bool {
	switch letter {
	case 'A', 'N', 'S':
		return true
	case 'E':
		return t.asked.len() == 0
	}
	return t.phase == postgresLogin
}

// listen takes the beginning of a message of the server.
func (t *postgresTalk) listen(message []byte) {
	switch message[0] {
	case 'Z':
		t.status = message[5]
		t.phase = postgresReady
		t.ready = t.answering
		t.copying, t.copySync = false, false
	case 'E':
		t.copying = false
	case 'G':
		if t.answering && *t.asked.front() == postgresBatch {
			t.copyIn()
		}
	}
}

// copyIn is called when a batch has the client copy in. A Sync that it has said is ignored by the server, so
// the client says it again behind the data.
func (t *postgresTalk) copyIn() {
	t.copying = true
	if t.asked.len() == 1 && t.request == postgresBatch && !t.last {
		return // that is still to come
	}
	t.copySync = true
	t.lost = t.asked.len() > 1 // which of the requests does the server ignore?
}
