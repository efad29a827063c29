package wire_test

import (
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

func FuzzMySQL(f *testing.F) {
	result := packet(1, "\x01") + column + row + endOK
	fuzz(f, wire.MySQL,
		loggedIn(mysqlPlain|noEOF, client(query("SELECT 1")+query("DO 1")), server(result+ok), client(packet(0, "\x01"))),
		loggedIn(mysqlPlain, client(query("BEGIN")), server(okBegun), client(query("COMMIT")), server(packet(1, "\x01")+column+eof+row+eofMore+okMore+fail)),
		loggedIn(mysqlPlain, client(packet(0, "\x16?")), server(packet(1, "\x00\x01\x00\x00\x00\x01\x00\x01\x00\x00\x00\x00")+column+eof+column+eof)),
		loggedIn(mysqlPlain, client(query("LOAD")), server(packet(1, "\xfba")), client(packet(2, "1")+packet(3, "")), server(ok)),
		loggedIn(mysqlPlain, client(packet(0, "\x11a")), server(packet(1, "\xfeb")), client(packet(2, "c")), server(ok)),
		loggedIn(mysqlPlain|1<<27, client(query("\x00\x01/* a */ SET PASSWORD")+packet(0, "\x181\x00\x00\x00\x00\x00a")+packet(0, "\x171\x00\x00\x00")), server(okBegun+ok)),
		loggedIn(cacheMetadata|protocol41, client(packet(0, "\x17\xff\xff\xff\xff")), server(packet(1, "\x01\x00")+eof+binaryRow+eofCursor)),
	)
}

// The rows of an answer are many small packets, each of which is looked at.
func BenchmarkMySQLRows(b *testing.B) {
	one := packet(1, "\x60"+strings.Repeat("a", 96))
	rows := []byte(strings.Repeat(one, (64<<10)/len(one)+1)[:64<<10]) // the last is cut
	rest := []byte(one[len(rows)%len(one):])
	talk := begun(b, wire.MySQL, loggedIn(mysqlPlain, client(query("SELECT")), server(packet(1, "\x01")+column+eof)))
	b.SetBytes(int64(len(rows)))
	b.ReportAllocs()
	for b.Loop() {
		if part := talk.Server(rows); part.N != len(rows) || part.End {
			b.Fatalf("%+v", part)
		}
		if part := talk.Server(rest); part.N != len(rest) {
			b.Fatalf("%+v", part)
		}
	}
}

func BenchmarkMySQLQuery(b *testing.B) {
	ask, reply := []byte(query("SELECT * FROM books WHERE id = 12345")), []byte(packet(1, "\x01")+column+eof+row+eof)
	talk := begun(b, wire.MySQL, loggedIn(mysqlPlain))
	b.ReportAllocs()
	for b.Loop() {
		if part := talk.Client(ask); !part.End {
			b.Fatalf("%+v", part)
		}
		if part := talk.Server(reply); !part.End {
			b.Fatalf("%+v", part)
		}
	}
}

// begun is a conversation in which these things have been said.
func begun(t testing.TB, p wire.Protocol, turns []turn) wire.Conversation {
	t.Helper()
	talk := p.Follow()
	for _, turn := range turns {
		look := talk.Server
		if turn.client {
			look = talk.Client
		}
		for said := []byte(turn.said); len(said) > 0; {
			part := look(said)
			if part.N == 0 || part.Opaque {
				t.Fatalf("%+v of %q", part, said)
			}
			said = said[part.N:]
		}
	}
	return talk
}
