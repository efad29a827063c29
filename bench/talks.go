package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// A talk is what a client and a backend say to each other through a proxy: real bytes of a protocol,
// always the same ones, so that making and reading them costs next to nothing.
type talk struct {
	name string

	// greeting is what the backend says to each connection, login what the client answers, and welcome
	// what the backend says to that. All three are empty where the client speaks first.
	greeting, login, welcome []byte

	// download's answer is long, upload's request is, and small has a request and an answer of about
	// 64 bytes. Their requests differ within mark bytes.
	download, upload, small exchange
}

// mark is how many bytes of a request tell which it is.
const mark = 16

// An exchange is a request and its answer.
type exchange struct{ request, answer message }

// A message is written as its head, its chunk so many times, and its tail. The chunk stays in the
// caches: what is measured is not the memory that a long message would be read from.
type message struct {
	head, chunk []byte
	times       int
	tail        []byte
}

func (m message) size() int { return len(m.head) + len(m.chunk)*m.times + len(m.tail) }

// filler is what long messages are made of, and long how many bytes of it they have: as many as fit
// into one packet of MySQL. What passes between two of them takes a hundredth of the time or so.
var (
	filler = bytes.Repeat([]byte("cattle dogs heel "), 256<<10/17)
	long   = 15 << 20 / len(filler) * len(filler)
)

// lengthy makes a long message.
func lengthy(head, tail string) message {
	return message{head: []byte(head), chunk: filler, times: long / len(filler), tail: []byte(tail)}
}

func short(text string) message { return message{head: []byte(text)} }

// plainTalk has no protocol: 64 bytes are answered with as many.
func plainTalk() talk {
	of64 := func(text string) string { return fmt.Sprintf("%-64s", text) }
	return talk{
		name:     "tcp",
		download: exchange{short(of64("give me all that you have, please")), lengthy("", "")},
		upload:   exchange{lengthy(of64("take all that I have"), ""), short(of64("taken"))},
		small:    exchange{short(of64("say something that is short")), short(of64("something that is short"))},
	}
}

func httpTalk() talk {
	return talk{
		name: "http",
		download: exchange{
			short("GET /dogs.tar HTTP/1.1\r\nHost: shop.example\r\n\r\n"),
			lengthy(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", long), ""),
		},
		upload: exchange{
			lengthy(fmt.Sprintf("PUT /dogs.tar HTTP/1.1\r\nHost: shop.example\r\nContent-Length: %d\r\n\r\n", long), ""),
			short("HTTP/1.1 204 No Content\r\n\r\n"),
		},
		small: exchange{
			short("GET /search?q=dogs HTTP/1.1\r\nHost: shop.example\r\nAccept: */*\r\n\r\n"),
			short("HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\ncattle dogs: 12 of 40"),
		},
	}
}

func redisTalk() talk {
	return talk{
		name: "redis",
		download: exchange{
			short("*2\r\n$3\r\nGET\r\n$4\r\ndogs\r\n"),
			lengthy(fmt.Sprintf("$%d\r\n", long), "\r\n"),
		},
		upload: exchange{
			lengthy(fmt.Sprintf("*3\r\n$3\r\nSET\r\n$4\r\ndogs\r\n$%d\r\n", long), "\r\n"),
			short("+OK\r\n"),
		},
		small: exchange{
			short("*2\r\n$3\r\nGET\r\n$38\r\nsession:3f2a9c5e7b1d4086a1b2c3d4e5f6a7\r\n"),
			short("$57\r\nuser=4711;theme=dark;cart=3;seen=2026-11-21T06:26:34.5Z00\r\n"),
		},
	}
}

// mysqlTalk has the answers of MySQL's text protocol. The long answer is a result set of rows of some
// 200 bytes, the long request one statement.
func mysqlTalk() talk {
	const capabilities = 0x1 | 0x200 | 0x2000 | 0x8000 | 0x80000 // long password, 4.1, transactions, 20 bytes of proof, a plugin
	salt := "abcdefgh" + "ijklmnopqrst"
	greeting := "\x0a8.4.0\x00" + le(4711, 4) + salt[:8] + "\x00" + le(capabilities, 2) + "\xff" + le(2, 2) +
		le(capabilities>>16, 2) + "\x15" + string(make([]byte, 10)) + salt[8:] + "\x00mysql_native_password\x00"
	login := le(capabilities, 4) + le(16<<20-1, 4) + "\xff" + string(make([]byte, 23)) + "bench\x00" + "\x14" +
		salt + "mysql_native_password\x00"
	const ok = "\x00\x00\x00\x02\x00\x00\x00"
	const end = "\xfe\x00\x00\x02\x00"
	column := "\x03def\x04shop\x04dogs\x04dogs\x04name\x04name\x0c" + le(0xff, 2) + le(1020, 4) + "\xfd" + le(0, 2) + "\x00" + le(0, 2)
	// The sequence number of a packet is a byte. A chunk of a multiple of 256 rows can be repeated.
	const rows = 1024
	var chunk []byte
	for i := range rows {
		chunk = append(chunk, packet(byte(4+i), "\xc8"+string(filler[:200]))...)
	}
	times := long / len(chunk)
	statement := "INSERT INTO dogs VALUES ('"
	return talk{
		name:     "mysql",
		greeting: packet(0, greeting), login: packet(1, login), welcome: packet(2, ok),
		download: exchange{
			message{head: packet(0, "\x03SELECT name FROM dogs ORDER BY name")},
			message{
				head:  bytes.Join([][]byte{packet(1, "\x01"), packet(2, column), packet(3, end)}, nil),
				chunk: chunk, times: times, tail: packet(4, end),
			},
		},
		upload: exchange{
			lengthy(le(1+len(statement)+long+2, 3)+"\x00\x03"+statement, "')"),
			message{head: packet(1, ok)},
		},
		small: exchange{
			message{head: packet(0, "\x03UPDATE dogs SET age = age + 1 WHERE name = 'Heeler'")},
			message{head: packet(1, ok)},
		},
	}
}

// packet puts MySQL's header before a payload.
func packet(sequence byte, payload string) []byte {
	return []byte(le(len(payload), 3) + string([]byte{sequence}) + payload)
}

// le writes the lowest bytes of a number, the lowest first.
func le(n, size int) string {
	return string(binary.LittleEndian.AppendUint64(nil, uint64(n))[:size])
}

func talks() []talk { return []talk{plainTalk(), httpTalk(), mysqlTalk(), redisTalk()} }
