package stacks

import (
	"encoding/binary"
	"errors"
)

// Wire types of the protocol buffer encoding, protobuf.dev/programming-guides/encoding.
const (
	wireVarint  = 0
	wireFixed64 = 1
	wireBytes   = 2
	wireFixed32 = 5
)

var errWire = errors.New("malformed protocol buffer")

// fields calls f with each field of a message: its number, and its value if it is a varint or its body
// if it is bytes. Fixed-size fields, which a profile does not have, are skipped.
func fields(msg []byte, f func(num int, v uint64, body []byte) error) error {
	for len(msg) > 0 {
		key, n := binary.Uvarint(msg)
		if n <= 0 || key>>3 == 0 || key>>3 > 1<<29 {
			return errWire
		}
		msg = msg[n:]
		var v uint64
		var body []byte
		switch key & 7 {
		case wireVarint:
			if v, n = binary.Uvarint(msg); n <= 0 {
				return errWire
			}
		case wireBytes:
			size, m := binary.Uvarint(msg)
			if m <= 0 || size > uint64(len(msg)-m) {
				return errWire
			}
			n = m + int(size)
			body = msg[m:n:n]
			if body == nil {
				body = []byte{}
			}
		case wireFixed64, wireFixed32:
			if n = 8; key&7 == wireFixed32 {
				n = 4
			}
			if n > len(msg) {
				return errWire
			}
			msg = msg[n:]
			continue
		default:
			return errWire
		}
		msg = msg[n:]
		if err := f(int(key>>3), v, body); err != nil {
			return err
		}
	}
	return nil
}

// number is the value of a message's varint field; zero if the field is absent, as the encoding has it.
func number(msg []byte, field int) (value uint64, err error) {
	err = fields(msg, func(num int, v uint64, _ []byte) error {
		if num == field {
			value = v
		}
		return nil
	})
	return value, err
}

// numbers calls f with each value of a repeated varint field, which may be packed into bytes or not.
func numbers(v uint64, packed []byte, f func(uint64) error) error {
	if packed == nil {
		return f(v)
	}
	for len(packed) > 0 {
		v, n := binary.Uvarint(packed)
		if n <= 0 {
			return errWire
		}
		packed = packed[n:]
		if err := f(v); err != nil {
			return err
		}
	}
	return nil
}
