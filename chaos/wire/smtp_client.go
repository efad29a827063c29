package wire

import (
	"bytes"
	"strconv"
)

// smtpEnd ends a text. It may begin in the line break that ends the line before.
const smtpEnd = "\r\n.\r\n"

func (t *smtpTalk) Client(data []byte) Part {
	part := t.said(data)
	if t.outside && part.N > 0 {
		part.More = !part.End
		part.Begin, part.End, part.Joined = false, false, false
	}
	return part
}

// said is what a part would be behind the greeting.
func (t *smtpTalk) said(data []byte) Part {
	if t.lost || t.undecided { // a client has to wait for the answer
		return t.lose(data)
	}
	switch t.says {
	case smtpChunk:
		return t.chunk(data, 0, Part{})
	case smtpText:
		t.says, t.dot = smtpTexting, len("\r\n")
		t.ask(smtpPlain)
		return t.text(data, Part{Begin: true, Joined: true})
	case smtpTexting:
		return t.text(data, Part{})
	}
	n, ok := smtpLine(data)
	if !ok {
		return t.lose(data)
	}
	if n == 0 {
		return Part{}
	}
	if t.says == smtpSecret {
		t.says, t.undecided = smtpCommand, true
		t.ask(smtpAuth)
		return Part{N: n, Begin: true, End: true, Joined: true, Secret: true}
	}
	return t.command(data, n)
}

// lose is for what is not understood. AUTH may follow.
func (t *smtpTalk) lose(data []byte) Part {
	t.lost = true
	return Part{N: len(data), Opaque: true, Secret: true}
}

// ask notes what is to be answered.
func (t *smtpTalk) ask(kind smtpKind) {
	t.outside = !t.greeted || t.asked.len() > 0 && t.asked.back().outside
	t.asked.push(smtpAsked{kind, t.outside})
}

// smtpLine says how long the line is that data begins with; 0 if it is not complete. It is not ok for
// what is no text, such as TLS.
func smtpLine(data []byte) (n int, ok bool) {
	if c := data[0]; c < ' ' && c != '\t' && c != '\r' && c != '\n' {
		return 0, false
	}
	n = bytes.IndexByte(data, '\n') + 1
	return n, n > 0 || len(data) < MaxHead
}

// command reads a line with a command, and what of its chunk is there.
func (t *smtpTalk) command(data []byte, n int) Part {
	verb, args := bytes.TrimRight(data[:n], "\r\n"), []byte(nil)
	if blank := bytes.IndexAny(verb, " \t"); blank >= 0 {
		verb, args = verb[:blank], verb[blank+1:]
	}
	part := Part{N: n, Begin: true, End: true, Joined: t.chunking}
	asked := smtpPlain
	t.hello = false
	var buf [len("STARTTLS")]byte
	switch string(upper(verb, buf[:])) {
	case "LHLO", "TURN", "ATRN", "PROXY", "XEXCH50":
		return t.lose(data)
	case "EHLO", "HELO":
		t.hello = true
		t.anew(&part)
	case "MAIL":
		if hasPRDR(args) {
			return t.lose(data)
		}
		t.anew(&part)
	case "RSET", "QUIT":
		t.anew(&part)
	case "STARTTLS":
		t.anew(&part)
		asked, t.undecided = smtpStartTLS, true
	case "AUTH":
		part.Secret = true
		asked, t.undecided = smtpAuth, true
	case "DATA":
		asked, t.undecided = smtpData, true
	case "BDAT":
		t.ask(asked)
		return t.bdat(data, args, part)
	case "RCPT", "NOOP", "VRFY", "EXPN", "HELP", "ETRN":
	default:
		part.Secret = len(verb) > 0
	}
	t.ask(asked)
	return part
}

// anew is for commands that end a mail which has begun: they share no fate with it.
func (t *smtpTalk) anew(part *Part) {
	t.chunking, part.Joined = false, false
}

// hasPRDR finds the parameter that asks for an answer for each recipient (draft-hall-prdr).
func hasPRDR(args []byte) bool {
	for word := range bytes.FieldsSeq(args) {
		if bytes.EqualFold(word, []byte("PRDR")) {
			return true
		}
	}
	return false
}

// bdat begins a chunk: BDAT size [LAST]. What is no such command is one without a chunk.
func (t *smtpTalk) bdat(data, args []byte, part Part) Part {
	number, rest, _ := bytes.Cut(bytes.TrimSpace(args), []byte(" "))
	rest = bytes.TrimSpace(rest)
	last := bytes.EqualFold(rest, []byte("LAST"))
	size, err := strconv.ParseUint(string(number), 10, 62)
	if err != nil || len(rest) > 0 && !last {
		return part
	}
	t.chunking = !last
	t.says, t.left = smtpChunk, int64(size)
	return t.chunk(data, part.N, part)
}

// chunk takes what data has of a chunk from n on.
func (t *smtpTalk) chunk(data []byte, n int, part Part) Part {
	has := min(t.left, int64(len(data)-n))
	t.left -= has
	part.N = n + int(has)
	part.End = t.left == 0
	if part.End {
		t.says = smtpCommand
	}
	return part
}

// text takes what data has of a text.
func (t *smtpTalk) text(data []byte, part Part) Part {
	for i := 0; i < len(data); i++ {
		if t.dot == 0 {
			skip := bytes.IndexByte(data[i:], '\r')
			if skip < 0 {
				break
			}
			i += skip
		}
		switch data[i] {
		case smtpEnd[t.dot]:
			t.dot++
		case '\r':
			t.dot = 1
		default:
			t.dot = 0
		}
		if t.dot == len(smtpEnd) {
			t.says = smtpCommand
			part.N, part.End = i+1, true
			return part
		}
	}
	part.N = len(data)
	return part
}
