package wire

import "bytes"

// redisCommand is how far a command of the client has been read.
type redisCommand struct {
	open   bool  // the command goes on
	args   int64 // that are still to come
	skip   int64 // bytes of the present one, with its line break
	secret bool
}

// redisWords are what a command must show before it can be told from others: its name and at most two
// more, and how many it has in all. Missing and long ones are nil.
type redisWords struct {
	first [3][]byte
	count int64
	what  redisSpecial // the name's meaning
}

// redisWordMax is the length of the longest word that means something here.
const redisWordMax = len("punsubscribe")

func (t *redisTalk) Client(data []byte) Part {
	if t.lost {
		return t.lose(data)
	}
	if !t.command.open {
		return t.begin(data)
	}
	n, ok := t.command.read(data)
	if n == 0 && !ok {
		return t.lose(data)
	}
	return Part{N: n, End: n > 0 && !t.command.open, Secret: t.command.secret}
}

// lose is for what is not understood. AUTH may follow.
func (t *redisTalk) lose(data []byte) Part {
	t.lost = true
	return Part{N: len(data), Opaque: true, Secret: true}
}

// begin reads the beginning of a command. An empty one is no request to Redis, and yet the one that
// CLIENT REPLY SKIP meant.
func (t *redisTalk) begin(data []byte) Part {
	if data[0] != '*' {
		return t.inline(data)
	}
	count, head, ok := respNumber(data[1:])
	if !ok || count > 1<<31-1 {
		return t.lose(data)
	}
	if head == 0 {
		return Part{}
	}
	head++
	if count <= 0 {
		return t.empty(head)
	}
	words := redisWords{count: count}
	if known, ok := words.read(data[head:]); !ok {
		return t.lose(data)
	} else if !known {
		return Part{}
	}
	part, ok := t.meaning(&words)
	if !ok {
		return t.lose(data)
	}
	t.command = redisCommand{open: true, args: count, secret: part.Secret}
	n, _ := t.command.read(data[head:])
	part.N, part.Begin, part.End = head+n, true, !t.command.open
	return part
}

func (t *redisTalk) empty(n int) Part {
	if t.mute == redisSkip {
		t.mute = redisSpeak
	}
	return Part{N: n}
}

// inline reads a command in a line, as people type them. Quoted words are not taken apart: they are
// fine as values.
func (t *redisTalk) inline(data []byte) Part {
	if (data[0] < ' ' || data[0] > '~') && !redisSpace(rune(data[0])) {
		return t.lose(data) // TLS begins with 0x16
	}
	end := bytes.IndexByte(data, '\n')
	if end < 0 {
		if len(data) >= MaxHead {
			return t.lose(data)
		}
		return Part{}
	}
	line := data[:end]
	words := redisWords{}
	for word := range bytes.FieldsFuncSeq(line, redisSpace) {
		if words.count < int64(len(words.first)) && len(word) <= redisWordMax {
			words.first[words.count] = word
		}
		words.count++
	}
	if words.count == 0 {
		return t.empty(end + 1)
	}
	words.what = words.special()
	if words.what != redisOrdinary && bytes.ContainsAny(line, `"'\`) || bytes.ContainsAny(words.first[0], `"'`) {
		return t.lose(data)
	}
	part, ok := t.meaning(&words)
	if !ok {
		return t.lose(data)
	}
	part.N, part.Begin, part.End = end+1, true, true
	return part
}

// redisSpace is what stands between the words of a line.
func redisSpace(c rune) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// read takes the first words of the arguments in data, as many as it takes to tell what the command
// is. It is known when there are enough of them.
func (w *redisWords) read(data []byte) (known, ok bool) {
	for i := range min(w.count, int64(len(w.first))) {
		if len(data) == 0 {
			return false, true
		}
		size, n, ok := respNumber(data[1:])
		if data[0] != '$' || !ok || size < 0 {
			return false, false
		}
		if n == 0 {
			return false, true
		}
		if size > int64(redisWordMax) {
			return true, true
		}
		data = data[1+n:]
		if len(data) < int(size)+2 {
			return false, true
		}
		w.first[i] = data[:size]
		data = data[size+2:]
		if i == 0 {
			w.what = w.special()
			if w.count != 3 || w.what != redisIsClient && w.what != redisIsScript {
				return true, true
			}
		}
	}
	return true, true
}

// read takes as many of the command's arguments as data has. It is not ok where something else comes
// than an argument.
func (c *redisCommand) read(data []byte) (n int, ok bool) {
	for {
		if c.skip > 0 {
			if left := int64(len(data) - n); c.skip > left {
				c.skip -= left
				return len(data), true
			}
			n += int(c.skip)
			c.skip = 0
			c.args--
		}
		if c.args == 0 {
			c.open = false
			return n, true
		}
		if n == len(data) {
			return n, true
		}
		size, head, ok := respNumber(data[n+1:])
		if data[n] != '$' || !ok || size < 0 || size > respMany {
			return n, false
		}
		if head == 0 {
			return n, true
		}
		n += 1 + head
		c.skip = size + 2
	}
}
