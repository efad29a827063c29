package wire

import (
	"bytes"
	"math"
)

// An httpBody is what is still to come of a message behind its head. It asks for no bytes to be kept.
// The zero value is an empty body.
type httpBody struct {
	state  httpState
	left   int64 // bytes of the body, or of the chunk
	digits int   // of a chunk's size, so far
}

type httpState byte

const (
	bodyNone     httpState = iota
	bodyCounted            // left bytes
	bodyEndless            // until the connection is closed
	chunkSize              // in the digits of a chunk's size
	chunkNote              // in what follows them on the line, an extension
	chunkData              // left bytes
	chunkDataEnd           // the line break behind them
	trailerStart           // where a trailer's line begins
	trailerEnd             // behind the CR of what may be the empty line at the end
	trailer                // in a trailer's line
)

// maxDigits is how many digits a chunk's size may have: 15 fit into an int64. Go takes 16.
const maxDigits = 15

func countedBody(length int64) httpBody {
	if length == 0 {
		return httpBody{}
	}
	return httpBody{state: bodyCounted, left: length}
}

// eat goes over the body as far as it is in data, and says how many bytes that are and whether the body
// is complete with them. Zero bytes of data that is not empty: the next byte makes no sense.
func (b *httpBody) eat(data []byte) (n int, end bool) {
	for n < len(data) {
		rest := data[n:]
		switch b.state {
		case bodyEndless:
			return len(data), false
		case bodyCounted, chunkData:
			size := int(min(b.left, int64(len(rest))))
			n += size
			if b.left -= int64(size); b.left > 0 {
				return n, false
			}
			if b.state == bodyCounted {
				b.state = bodyNone
				return n, true
			}
			b.state = chunkDataEnd
		case chunkNote, trailer:
			line := bytes.IndexByte(rest, '\n')
			if line < 0 {
				return len(data), false
			}
			n += line + 1
			b.lineEnds()
		default:
			if !b.step(rest[0]) {
				return n, false
			}
			if n++; b.state == bodyNone {
				return n, true
			}
		}
	}
	return n, false
}

// step takes one byte where each counts.
func (b *httpBody) step(c byte) bool {
	switch b.state {
	case chunkSize:
		return b.size(c)
	case chunkDataEnd:
		if c == '\n' {
			b.state = chunkSize
			b.digits = 0
		}
		return c == '\n' || c == '\r'
	case trailerStart, trailerEnd:
		switch {
		case c == '\n':
			b.state = bodyNone
		case c == '\r' && b.state == trailerStart:
			b.state = trailerEnd
		default:
			b.state = trailer
		}
		return true
	}
	return false
}

// size takes one byte of the line that a chunk begins with.
func (b *httpBody) size(c byte) bool {
	digit := hexDigit(c)
	switch {
	case digit < 16 && b.digits < maxDigits:
		b.left = b.left<<4 | int64(digit)
		b.digits++
		return true
	case b.digits == 0 || digit < 16:
		return false
	case c == '\n':
		b.lineEnds()
		return true
	case c == '\r' || c == ';' || c == ' ' || c == '\t':
		b.state = chunkNote
		return true
	}
	return false
}

// lineEnds goes on behind a chunk's first line, or a trailer's.
func (b *httpBody) lineEnds() {
	if b.left == 0 { // it is the last chunk's, or behind that
		b.state = trailerStart
		return
	}
	b.state = chunkData
}

// hexDigit is the value of a hexadecimal digit, or 16.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 16
}

// decimal is the number that consists of all these digits, or -1.
func decimal(digits []byte) int64 {
	if len(digits) == 0 {
		return -1
	}
	var n int64
	for _, c := range digits {
		if c < '0' || c > '9' || n > (math.MaxInt64-9)/10 {
			return -1
		}
		n = n*10 + int64(c-'0')
	}
	return n
}
