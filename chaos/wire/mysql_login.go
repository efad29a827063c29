package wire

import (
	"bytes"
	"encoding/binary"
)

// mysqlGreetingHead bounds the part of the greeting with the capabilities; a server's name for its
// version is in front of them.
const mysqlGreetingHead = 1024

// offer reads the server's greeting. It is false if that is none.
func (t *mysqlTalk) offer(head []byte) bool {
	end := bytes.IndexByte(head, 0)
	if head[0] != 10 || end < 0 { // the version of the protocol, since 1998
		return false
	}
	rest := head[end+1:]
	if len(rest) < 31 {
		return false
	}
	// 4 connection, 8 challenge, 1, 2 capabilities, 1 charset, 2 status, 2 capabilities, 1 length, 6, 4
	t.can = uint64(binary.LittleEndian.Uint16(rest[13:])) | uint64(binary.LittleEndian.Uint16(rest[18:]))<<16
	if t.can&mysqlNotMariaDB == 0 {
		t.can |= uint64(binary.LittleEndian.Uint32(rest[27:])) << 32
	}
	t.phase = mysqlLogin
	return true
}

// login reads who the client is and what it can do. It is false if the rest will not be understood.
func (t *mysqlTalk) login(size int, head []byte) bool {
	if len(head) < 32 { // before 4.1 it was shorter
		return false
	}
	can := uint64(binary.LittleEndian.Uint32(head))
	t.tls = can&mysqlTLS != 0 && size == 32
	if can&mysqlProtocol41 == 0 || t.tls {
		return false
	}
	if t.can&mysqlNotMariaDB == 0 {
		can |= uint64(binary.LittleEndian.Uint32(head[28:])) << 32
	}
	t.can &= can
	t.phase = mysqlAuth
	return t.can&(mysqlOptionalMeta|mariadbUnknown) == 0
}

// greet takes a message that the server says before commands. It is false if it is not understood.
func (t *mysqlTalk) greet(head []byte) bool {
	if head[0] == mysqlERR { // too many connections, wrong password
		return true
	}
	switch t.phase {
	case mysqlGreeting:
		return t.offer(head)
	case mysqlAuth:
		switch head[0] {
		case mysqlOK:
			t.phase = mysqlCommand
			return t.can&(mysqlCompress|mysqlZstd) == 0 && t.took(head)
		case mysqlMore, mysqlNext, mysqlEOF: // the last asks for another way to authenticate
			return true
		}
	}
	return false
}
