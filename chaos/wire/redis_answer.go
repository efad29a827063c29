package wire

// redisFrame is what a value that the server says is.
type redisFrame uint8

const (
	redisAnswer  redisFrame = iota
	redisConfirm            // one of the confirmations that make an answer
	redisOutside            // a push, or a message to a subscriber
)

// redisHeard is how many subscriptions there are, as the server has said.
type redisHeard struct{ channels, patterns, shards int64 }

func (h redisHeard) any() bool { return h.channels+h.patterns+h.shards > 0 }

// of is how many an UNSUBSCRIBE without arguments ends.
func (h redisHeard) of(verb redisVerb) int64 {
	switch verb {
	case redisUnsub:
		return h.channels
	case redisPUnsub:
		return h.patterns
	}
	return h.shards
}

// confirmed takes the number in a confirmation: of channels and patterns together, or of shards'
// channels.
func (h *redisHeard) confirmed(verb redisVerb, number int64) {
	number = min(max(number, 0), 1<<31)
	switch verb {
	case redisSub, redisUnsub:
		h.channels = max(number-h.patterns, 0)
	case redisPSub, redisPUnsub:
		h.patterns = max(number-h.channels, 0)
	case redisSSub, redisSUnsub:
		h.shards = number
	}
}

func (t *redisTalk) Server(data []byte) Part {
	if t.lost {
		return t.lose(data)
	}
	if t.reply.open {
		n, ok := t.reply.read(data)
		if n == 0 && !ok {
			return t.lose(data)
		}
		return t.said(Part{N: n})
	}
	frame, verb, known := t.look(data)
	if !known {
		return Part{}
	}
	if frame != redisOutside && t.asked.len() == 0 {
		return t.lose(data)
	}
	n, ok := t.reply.read(data)
	if n == 0 {
		if !ok {
			return t.lose(data)
		}
		return Part{}
	}
	t.frame, t.verb, t.secret = frame, verb, false
	part := Part{N: n}
	if frame != redisOutside {
		part.Begin = !t.begun
		t.begun = true
		t.first(data[0])
	}
	return t.said(part)
}

// look says what a value is by its beginning.
func (t *redisTalk) look(data []byte) (frame redisFrame, verb redisVerb, known bool) {
	confirms := t.asked.len() > 0 && t.asked.front().kind == redisSubscribe
	hears := data[0] == '>' || data[0] == '*' && !t.resp3 && t.heard.any()
	if !hears && !(confirms && data[0] == '*') {
		return redisAnswer, redisNoVerb, true
	}
	verb, known = redisPeek(data)
	switch {
	case confirms && verb == t.asked.front().verb:
		return redisConfirm, verb, known
	case data[0] == '>' || hears && (verb == redisNews || verb == redisSUnsub): // a moved shard ends subscriptions
		return redisOutside, verb, known
	}
	return redisAnswer, redisNoVerb, known
}

// redisPeek reads the verb that an array or a push begins with.
func redisPeek(data []byte) (verb redisVerb, known bool) {
	count, n, ok := respNumber(data[1:])
	if !ok || n > 0 && count < 1 {
		return redisNoVerb, true
	}
	rest := data[min(1+n, len(data)):]
	if n == 0 || len(rest) == 0 {
		return redisNoVerb, false
	}
	size, n, ok := respNumber(rest[1:])
	if rest[0] != '$' || !ok || size < 0 || size > int64(redisWordMax) {
		return redisNoVerb, true
	}
	if n == 0 || len(rest) < 1+n+int(size) {
		return redisNoVerb, false
	}
	var buf [redisWordMax]byte
	return redisVerbOf(upper(rest[1+n:1+n+int(size)], buf[:])), true
}

// first looks at the first byte of an answer's value.
func (t *redisTalk) first(kind byte) {
	front := t.asked.front()
	switch front.kind {
	case redisGuarded:
		t.secret = true
	case redisMulti:
		if kind == '-' && front.n == t.multis {
			t.multi = false
		}
	case redisHello:
		if kind == '%' || kind == '*' {
			t.resp3 = kind == '%'
		}
	case redisReset:
		if kind == '+' {
			t.resp3, t.heard = false, redisHeard{}
		}
	case redisSubscribe:
		if t.frame == redisConfirm && front.n == 0 {
			front.n = uint32(max(t.heard.of(front.verb), 1))
		}
	}
}

// said completes a part of the server's.
func (t *redisTalk) said(part Part) Part {
	part.Secret = t.secret
	if t.reply.open {
		part.More = true
		return part
	}
	switch t.frame {
	case redisOutside:
		if part.N > 0 {
			t.heard.confirmed(t.verb, t.reply.number)
		}
	case redisConfirm:
		t.heard.confirmed(t.verb, t.reply.number)
		if front := t.asked.front(); front.n > 1 {
			front.n--
			break
		}
		fallthrough
	case redisAnswer:
		part.End = true
		t.answered()
	}
	return part
}

// answered takes the front away.
func (t *redisTalk) answered() {
	t.begun = false
	if front := t.asked.front(); front.kind == redisPlain && front.n > 1 {
		front.n--
		return
	}
	t.asked.pop()
}
