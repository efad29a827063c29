package wire

import (
	"bytes"
	"math"
)

// respValue is how far a value of RESP has been read. It takes no memory for nested values, however
// deep, but for those of unknown length, which are RESP3's streamed ones. The zero value is before one.
type respValue struct {
	open   bool
	want   int64   // how many values are left
	outer  []int64 // and how many around each streamed one that is open
	skip   int64   // bytes left of a string
	line   bool    // in a line
	chunks bool    // in a streamed string
	number int64   // the last number
}

const (
	respDepth = 128     // streamed values within each other
	respMany  = 1 << 60 // values that are still to come
)

// respNumber reads the decimal number and the line break that data begins with, after the byte which
// says what it counts. n is 0 if the line is not complete.
func respNumber(data []byte) (number int64, n int, ok bool) {
	negative := false
	if len(data) > 0 && (data[0] == '-' || data[0] == '+') {
		negative = data[0] == '-'
		n = 1
	}
	first := n
	size := uint64(0)
	for ; n < len(data) && '0' <= data[n] && data[n] <= '9'; n++ {
		if n-first == 19 {
			return 0, 0, false
		}
		size = size*10 + uint64(data[n]-'0')
	}
	number = int64(min(size, math.MaxInt64))
	if negative {
		number = -number
	}
	switch {
	case n == len(data):
		return 0, 0, true
	case n == first || data[n] != '\r' || n+1 < len(data) && data[n+1] != '\n':
		return 0, 0, false
	case n+1 == len(data):
		return 0, 0, true
	}
	return number, n + 2, true
}

// read takes as much of one value as data has. It is not ok where something else comes than a value;
// what has been taken before that counts. The value is complete when open is false again.
func (v *respValue) read(data []byte) (n int, ok bool) {
	for n < len(data) {
		switch {
		case v.skip > 0:
			k := min(v.skip, int64(len(data)-n))
			n += int(k)
			v.skip -= k
			if v.skip == 0 && !v.chunks {
				v.complete()
			}
		case v.line:
			end := bytes.IndexByte(data[n:], '\n')
			if end < 0 {
				return len(data), true
			}
			n += end + 1
			v.line = false
			v.complete()
		default:
			k, ok := v.head(data[n:])
			if n += k; k == 0 {
				return n, ok
			}
		}
		if !v.open {
			return n, true
		}
	}
	return n, true
}

// complete counts a value.
func (v *respValue) complete() {
	v.want--
	v.open = v.want > 0 || len(v.outer) > 0
}

// head reads the beginning of a value. n is 0 if it takes more data to tell, or if it is not ok.
func (v *respValue) head(data []byte) (n int, ok bool) {
	first := !v.open
	kind := data[0]
	if v.chunks != (kind == ';') {
		return 0, false
	}
	switch kind {
	case '+', '-', '_', '#', ',', '(':
		v.begin(first)
		v.line = true
		return 1, true
	case '.':
		return v.close(data)
	case '$', '*', '~', '%', '|', '>':
		if len(data) > 1 && data[1] == '?' {
			return v.stream(data, first)
		}
	case ':', '=', '!', ';':
	default:
		return 0, false
	}
	number, n, ok := respNumber(data[1:])
	if !ok || n == 0 {
		return 0, ok
	}
	if !v.counted(kind, number, first) {
		return 0, false
	}
	return 1 + n, true
}

// begin makes room for a value at the top, or in one of unknown length.
func (v *respValue) begin(first bool) {
	v.open = true
	if first || v.want == 0 {
		v.want = 1
	}
}

// counted begins a value that has said how long it is.
func (v *respValue) counted(kind byte, number int64, first bool) (ok bool) {
	if kind != ':' && (number < -1 || number > respMany) || kind == '>' && !first {
		return false
	}
	v.begin(first)
	switch kind {
	case ':':
		v.number = number
		v.complete()
	case '$', '=', '!':
		if number < 0 { // null
			v.complete()
			return true
		}
		v.skip = number + 2
	case ';':
		if number < 0 {
			return false
		}
		if v.skip = number + 2; number == 0 {
			v.skip, v.chunks = 0, false
			v.complete()
		}
	default:
		return v.members(kind, max(number, 0))
	}
	return true
}

// members begins a value of n others, which then are left to be read in its place. Attributes come
// before the value that they belong to.
func (v *respValue) members(kind byte, n int64) (ok bool) {
	switch kind {
	case '%':
		n *= 2
	case '|':
		n = n*2 + 1
	}
	if v.want > respMany-n {
		return false
	}
	v.want += n
	v.complete()
	return true
}

// stream begins a value of unknown length.
func (v *respValue) stream(data []byte, first bool) (n int, ok bool) {
	if !bytes.HasPrefix([]byte("?\r\n"), data[1:min(len(data), 4)]) || len(v.outer) == respDepth ||
		data[0] == '|' || data[0] == '>' {
		return 0, false
	}
	if len(data) < 4 {
		return 0, true
	}
	v.begin(first)
	if data[0] == '$' {
		v.chunks = true
	} else {
		v.outer = append(v.outer, v.want)
		v.want = 0
	}
	return 4, true
}

// close ends a value of unknown length.
func (v *respValue) close(data []byte) (n int, ok bool) {
	if v.want > 0 || len(v.outer) == 0 || !bytes.HasPrefix([]byte(".\r\n"), data[:min(len(data), 3)]) {
		return 0, false
	}
	if len(data) < 3 {
		return 0, true
	}
	last := len(v.outer) - 1
	v.want = v.outer[last]
	v.outer = v.outer[:last]
	v.complete()
	return 3, true
}
