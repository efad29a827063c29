package wire

import "bytes"

// ldapTalk follows one connection.
type ldapTalk struct {
	asked map[uint32]ldapAsked // what the server has yet to answer
	lost  bool                 // all is opaque from here on
	last  uint32               // the number of the last request
	count uint64               // of requests so far

	bound   bool // the last BIND has succeeded, or is not answered yet
	rebound bool // bound, if the last request is refused

	client, server ldapSide
}

// ldapSide is the message that one side is in.
type ldapSide struct {
	left int  // bytes of it
	part Part // what all parts of it have in common
	end  bool // its end is that of a request or answer
	more bool // nothing may come between its parts
	name ldapName
}

// ldapAsked is a request that waits for its answer.
type ldapAsked struct {
	result    byte   // the operation that ends the answer
	n         uint64 // its place among the requests
	begun     bool   // the answer has begun
	abandoned bool   // there may be none
	startTLS  bool
	secret    bool // the answer may hold a password
}

// ldapMany is how many requests may wait at once. Some wait for ever, those that were abandoned and those
// that have not come to the server.
const ldapMany = 1000

// lose is for what is not understood. BIND may follow.
func (t *ldapTalk) lose(data []byte) Part {
	t.lost = true
	return Part{N: len(data), Opaque: true, Secret: true}
}

// take makes a part of what data has of the message.
func (s *ldapSide) take(data []byte) Part {
	part := s.part
	part.N = min(s.left, len(data))
	if !part.Secret {
		part.N, s.part.Secret = s.name.find(data[:part.N])
	}
	s.left -= part.N
	part.End = s.end && s.left == 0
	part.More = s.more && s.left > 0
	return part
}

func (t *ldapTalk) Client(data []byte) Part {
	if t.lost {
		return t.lose(data)
	}
	if t.client.left > 0 {
		return t.client.take(data)
	}
	head, known, ok := readLDAP(data)
	if ok && known {
		known, ok = t.ask(head)
	}
	if !ok {
		return t.lose(data)
	}
	if !known {
		return Part{}
	}
	part := t.client.take(data)
	part.Begin = true
	part.Silent = head.operation == ldapAbandon || head.operation == ldapUnbind
	return part
}

// ask notes a request. It is known when there is enough of it.
func (t *ldapTalk) ask(head ldapHead) (known, ok bool) {
	result, ok := ldapResult(head.operation)
	before, again := t.asked[head.id]
	if !ok || head.id == 0 || again && (before.begun || !before.abandoned) {
		return false, false
	}
	asked := ldapAsked{result: result}
	secret := false
	switch head.operation {
	case ldapAbandon:
		if !head.enough(4) {
			return false, true
		}
		t.abandon(head.content)
	case ldapExtended:
		if !head.enough(2 + len(ldapPasswordModify)) {
			return false, true
		}
		asked.startTLS = isExtended(head.content, ldapStartTLS)
		asked.secret = isExtended(head.content, ldapPasswordModify)
		secret = asked.secret
	case ldapBind:
		secret = true
		t.bound, t.rebound = true, t.bound
	case ldapModify, ldapAdd, ldapCompare: // values of userPassword, for all that is known here
		secret = true
	}
	if result != 0 {
		if len(t.asked) >= ldapMany {
			t.forget()
		}
		t.count++
		asked.n = t.count
		t.asked[head.id] = asked
		t.last = head.id
	}
	t.client = ldapSide{left: head.size, part: Part{ID: uint64(head.id) + 1, Secret: secret}, end: true}
	return true, true
}

// isExtended says whether an extended request has a name, which its content begins with.
func isExtended(content []byte, name string) bool {
	return len(content) >= 2 && content[0] == 0x80 && int(content[1]) == len(name) && bytes.HasPrefix(content[2:], []byte(name))
}

// abandon notes that a request may have no answer. It may have one all the same, if that came first.
func (t *ldapTalk) abandon(number []byte) {
	if len(number) > 4 {
		return
	}
	id := uint32(0)
	for _, b := range number {
		id = id<<8 | uint32(b)
	}
	if asked, ok := t.asked[id]; ok {
		asked.abandoned = true
		t.asked[id] = asked
	}
}

// forget forgets the oldest request, of those that were abandoned if there are any.
func (t *ldapTalk) forget() {
	var oldest ldapAsked
	var number uint32
	for id, asked := range t.asked {
		before := asked.n < oldest.n
		if asked.abandoned != oldest.abandoned {
			before = asked.abandoned
		}
		if oldest.n == 0 || before {
			oldest, number = asked, id
		}
	}
	delete(t.asked, number)
}

func (t *ldapTalk) Server(data []byte) Part {
	if t.server.left > 0 { // it may be the answer to StartTLS
		return t.server.take(data)
	}
	if t.lost {
		return t.lose(data)
	}
	head, known, ok := readLDAP(data)
	begin := false
	if ok && known {
		begin, known, ok = t.answer(head)
	}
	if !ok {
		return t.lose(data)
	}
	if !known {
		return Part{}
	}
	part := t.server.take(data)
	part.Begin = begin
	return part
}

// answer takes the beginning of a message of the server's.
func (t *ldapTalk) answer(head ldapHead) (begin, known, ok bool) {
	t.server = ldapSide{left: 0, more: true}
	asked, wanted := t.asked[head.id]
	if !wanted { // said by itself, or after it was abandoned and forgotten
		t.server.left = head.size
		return false, true, true
	}
	switch head.operation {
	case ldapEntry, ldapReference:
		if asked.result != ldapSearchResult {
			return false, false, false
		}
	case ldapIntermediate:
	case asked.result:
		if asked.startTLS || asked.result == ldapBindResult {
			if !head.enough(3) {
				return false, false, true
			}
			succeeded := bytes.HasPrefix(head.content, []byte{berEnumerated, 1, 0})
			if asked.startTLS {
				t.lost = succeeded
			} else {
				t.bound = succeeded
			}
		}
		t.server.end = true
		delete(t.asked, head.id)
	default:
		return false, false, false
	}
	begin = !asked.begun
	if !t.server.end && begin {
		asked.begun = true
		t.asked[head.id] = asked
	}
	t.server.left = head.size
	t.server.part = Part{ID: uint64(head.id) + 1, Secret: asked.secret}
	return begin, true, true
}
