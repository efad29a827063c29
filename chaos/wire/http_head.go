package wire

import (
	"bytes"

	"github.com/heeler-go/heeler/internal/field"
)

// An httpHead is what a message's head says of the message.
type httpHead struct {
	kind    httpKind
	minor   byte  // 0 in HTTP/1.0
	code    int   // of an answer
	length  int64 // Content-Length, -1 if there is none
	coded   bool  // there is a Transfer-Encoding
	chunked bool  // it ends in chunked
	close   bool  // Connection: close
	keep    bool  // Connection: keep-alive
	expect  bool  // Expect: 100-continue
}

// An httpKind is what one must know of a request to know where its answer ends.
type httpKind byte

const (
	httpOther httpKind = iota
	httpHEAD
	httpCONNECT
)

// maxMethod is how long a request's method may be. The longest that is registered has 17 letters.
const maxMethod = 32

// httpFirst judges what there is of the first line: whether one can tell, and if so whether it is HTTP/1.
// It tells as soon as it can, since who speaks another protocol may be waiting for an answer.
func httpFirst(data []byte, client bool) (known, ok bool) {
	end := bytes.IndexByte(data, '\n')
	line := data
	if end >= 0 {
		line = trimCR(data[:end])
	}
	if !client {
		const start = "HTTP/1."
		n := min(len(line), len(start))
		if string(line[:n]) != start[:n] {
			return true, false
		}
		var head httpHead
		return end >= 0, end >= 0 && head.status(line)
	}
	for i, c := range line {
		if c == ' ' && i > 0 {
			break
		}
		if !field.IsTokenByte(c) || i == maxMethod {
			return true, false
		}
	}
	var head httpHead
	return end >= 0, end >= 0 && head.request(line)
}

// httpHeadEnd is where the head ends, behind its empty line, or 0; and from where to look again when
// there is more data: where the line begins that is not complete.
func httpHeadEnd(data []byte, from int) (end, again int) {
	for {
		line := bytes.IndexByte(data[from:], '\n')
		if line < 0 {
			return 0, from
		}
		empty := line == 0 || line == 1 && data[from] == '\r'
		if from += line + 1; empty {
			return from, from
		}
	}
}

// parse reads a complete head. It is false for what a server and a client might understand differently.
func (h *httpHead) parse(head []byte, client bool) bool {
	*h = httpHead{length: -1}
	line, rest := cutLine(head)
	if client && !h.request(line) || !client && !h.status(line) {
		return false
	}
	framing := false // the line before was about the message's length
	for {
		if line, rest = cutLine(rest); len(line) == 0 {
			return !(h.coded && h.minor == 0) // RFC 9112 section 6.1
		}
		if line[0] == ' ' || line[0] == '\t' { // obs-fold, RFC 9112 section 5.2
			if framing {
				return false
			}
			continue
		}
		colon := bytes.IndexByte(line, ':')
		if colon <= 0 || line[colon-1] == ' ' || line[colon-1] == '\t' {
			return false
		}
		var ok bool
		if framing, ok = h.field(line[:colon], trimBlank(line[colon+1:])); !ok {
			return false
		}
	}
}

// request reads METHOD target HTTP/1.x.
func (h *httpHead) request(line []byte) bool {
	method, last := bytes.IndexByte(line, ' '), bytes.LastIndexByte(line, ' ')
	if method <= 0 || last == method || !h.version(line[last+1:]) {
		return false
	}
	switch string(line[:method]) {
	case "HEAD":
		h.kind = httpHEAD
	case "CONNECT":
		h.kind = httpCONNECT
	}
	return true
}

// status reads HTTP/1.x 200 OK.
func (h *httpHead) status(line []byte) bool {
	const start = len("HTTP/1.1 200")
	if len(line) < start || len(line) > start && line[start] != ' ' || !h.version(line[:8]) || line[8] != ' ' {
		return false
	}
	h.code = int(decimal(line[9:start]))
	return h.code >= 100
}

func (h *httpHead) version(s []byte) bool {
	if len(s) != 8 || string(s[:7]) != "HTTP/1." || s[7] < '0' || s[7] > '9' {
		return false
	}
	h.minor = s[7] - '0'
	return true
}

// field reads one field: whether it is about the message's length, and whether it makes sense.
func (h *httpHead) field(name, value []byte) (framing, ok bool) {
	switch {
	case is(name, "content-length"):
		length := decimal(value)
		ok = length >= 0 && (h.length < 0 || h.length == length)
		h.length = length
		return true, ok
	case is(name, "transfer-encoding"):
		if h.chunked { // must be the last one
			return true, false
		}
		h.coded = true
		h.chunked = is(trimBlank(value[bytes.LastIndexByte(value, ',')+1:]), "chunked")
		return true, true
	case is(name, "connection"):
		h.close = h.close || listed(value, "close")
		h.keep = h.keep || listed(value, "keep-alive")
	case is(name, "expect"):
		h.expect = h.minor > 0 && is(value, "100-continue")
	}
	return false, true
}

// body is what follows a request's head. It is false if a server could not tell.
func (h *httpHead) body() (httpBody, bool) {
	switch {
	case h.chunked:
		return httpBody{state: chunkSize}, true
	case h.coded:
		return httpBody{}, false
	}
	return countedBody(max(h.length, 0)), true
}

// answerBody is what follows the head of the answer to a request, RFC 9112 section 6.3.
func (h *httpHead) answerBody(to httpKind) httpBody {
	switch {
	case to == httpHEAD, h.code == 204, h.code == 304, to == httpCONNECT && h.code/100 == 2:
		return httpBody{}
	case h.chunked:
		return httpBody{state: chunkSize}
	case h.coded || h.length < 0:
		return httpBody{state: bodyEndless}
	}
	return countedBody(h.length)
}

// listed says whether word, in lower case, is in a list with commas.
func listed(list []byte, word string) bool {
	for {
		comma := bytes.IndexByte(list, ',')
		if comma < 0 {
			return is(trimBlank(list), word)
		}
		if is(trimBlank(list[:comma]), word) {
			return true
		}
		list = list[comma+1:]
	}
}

// is compares with a word in lower case.
func is(s []byte, word string) bool {
	if len(s) != len(word) {
		return false
	}
	for i, c := range s {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// cutLine parts the first line from the rest. Without a line break, all is the line.
func cutLine(s []byte) (line, rest []byte) {
	end := bytes.IndexByte(s, '\n')
	if end < 0 {
		return s, nil
	}
	return trimCR(s[:end]), s[end+1:]
}

func trimCR(line []byte) []byte {
	if n := len(line); n > 0 && line[n-1] == '\r' {
		return line[:n-1]
	}
	return line
}

func trimBlank(s []byte) []byte {
	for len(s) > 0 && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for len(s) > 0 && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}
