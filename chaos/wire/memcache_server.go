package wire

import "bytes"

// Server goes over as much of an answer as there is. Its lines are kept until they are complete.
func (t *memcacheTalk) Server(data []byte) Part {
	part := Part{}
	for part.N < len(data) && !part.End {
		rest := data[part.N:]
		if t.found.open() {
			n := t.found.eat(rest)
			if part.N += n; n == 0 {
				return t.orOpaque(part)
			}
			part.End = t.last && !t.found.open()
			continue
		}
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			return part
		}
		code, size, ok := memcacheAnswer(trimCR(rest[:end]))
		if ok && !t.answering && t.stray(code, rest[:end]) {
			return Part{N: end + 1}
		}
		last, known := false, false
		if ok && t.asked.len() > 0 {
			last, known = t.asked.front().ends(code)
		}
		if !known {
			return t.orOpaque(part)
		}
		t.trusted = t.trusted || code != codeError
		part.Begin = part.Begin || !t.answering
		t.answering, t.last = true, last
		part.N += end + 1
		if size >= 0 {
			t.found = memcacheBlock{left: size, tail: 2}
		}
		part.End = last && size < 0
	}
	if part.End {
		t.answering = false
		t.asked.pop()
	}
	return part
}

// orOpaque gives first what was understood.
func (t *memcacheTalk) orOpaque(part Part) Part {
	if part.N == 0 {
		return t.lose()
	}
	return part
}

// stray says whether a line that begins no answer is a Silent request's: errors are sent in spite of
// noreply. It passes over the Silent requests if it is not.
func (t *memcacheTalk) stray(code memcacheCodes, line []byte) bool {
	if t.asked.len() == 0 || !t.asked.front().silent {
		return false
	}
	if t.asked.len() == 1 {
		return code == codeError
	}
	silent, next := t.asked.front(), t.asked.second()
	if code == codeError && silent.stores && !next.stores && bytes.HasPrefix(line, []byte("SERVER_ERROR o")) {
		return true // object too large for cache, or out of memory storing object
	}
	t.asked.pop()
	return false
}

// ends says whether an answer ends with what a line begins with; known is false if one cannot tell.
func (a *memcacheAsked) ends(code memcacheCodes) (last, known bool) {
	switch {
	case a.silent:
		return false, false
	case code == codeMore:
		return false, a.answer&codeText != 0
	case code == codeError && (a.quiet == 0 || a.answer == codeMN || a.answer == 0):
		return a.quiet == 0, true
	}
	return a.answer&code != 0, (a.answer&code != 0) != (a.quiet&code != 0)
}
