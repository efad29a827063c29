package wire

import "bytes"

// Server reads replies. The first is the greeting, which nobody has asked for; any later one that
// nobody has asked for, such as 421 to a client that was idle, is the end of what can be understood.
func (t *smtpTalk) Server(data []byte) Part {
	if t.lost || t.greeted && t.asked.len() == 0 {
		return t.lose(data)
	}
	n, code, ok := smtpReply(data)
	if n == 0 {
		if !ok {
			return t.lose(data)
		}
		return Part{}
	}
	inside := t.greeted && !t.asked.front().outside
	part := Part{N: n, Begin: inside && !t.replying, End: inside && code > 0, More: code == 0}
	t.replying = code == 0
	if code == 0 {
		return part
	}
	if !t.greeted {
		t.greeted = true
		return part
	}
	t.answered(code)
	return part
}

// answered takes an answer, and what it means for what the client says next.
func (t *smtpTalk) answered(code int) {
	asked := t.asked.pop()
	if asked.kind == smtpPlain {
		return
	}
	t.undecided = false
	switch {
	case asked.kind == smtpAuth && code == 334:
		t.says = smtpSecret
	case asked.kind == smtpData && code == 354:
		t.says = smtpText
	case asked.kind == smtpStartTLS && code == 220:
		t.lost = true
	}
}

// smtpReply takes the complete lines of one reply. The code is 0 until the last of them, which has
// no hyphen. It is not ok where something else comes than a line of a reply.
func smtpReply(data []byte) (n, code int, ok bool) {
	for n < len(data) {
		line := data[n:]
		for i, c := range line[:min(len(line), 4)] {
			if i < 3 && (c < '0' || c > '9') || i == 3 && bytes.IndexByte([]byte(" -\r\n"), c) < 0 {
				return n, 0, false
			}
		}
		end := bytes.IndexByte(line, '\n') + 1
		if end == 0 {
			return n, 0, len(line) < MaxHead
		}
		n += end
		if line[3] != '-' {
			return n, int(line[0]-'0')*100 + int(line[1]-'0')*10 + int(line[2]-'0'), true
		}
	}
	return n, 0, true
}
