package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

func TestAMySQLLoginIsNoRequestAndIsSecret(t *testing.T) {
	again := packet(2, "\xfemysql_native_password\x00abcdefghijklmnopqrst\x00")
	talk := []turn{
		server(greeting(mysqlPlain)), client(login(mysqlPlain)),
		server(again), client(packet(3, "proof")), server(packet(4, "\x01\x04")), client(packet(5, "password\x00")), server(ok),
		client(query("DO 1")), server(ok),
	}
	understood(t, wire.MySQL, talk,
		fmt.Sprintf("server %d", len(greeting(mysqlPlain))), fmt.Sprintf("client %d secret=%[1]d", len(login(mysqlPlain))),
		fmt.Sprintf("server %d", len(again)), "client 9 secret=9", "server 6", "client 13 secret=13", "server 11",
		"request 9", "answer 11")
}

func TestAMySQLServerMaySendItsClientAway(t *testing.T) {
	busy := packet(0, "\xff\x10\x04Too many connections")
	understood(t, wire.MySQL, []turn{server(busy)}, "server 27")
	denied := []turn{server(greeting(mysqlPlain)), client(login(mysqlPlain)), server(fail)}
	if got := follows(t, wire.MySQL, denied...); got[len(got)-1] != fmt.Sprintf("server %d", len(fail)) {
		t.Errorf("understood\n%s", lines(got))
	}
}

func TestAMySQLServerMayLeaveUnasked(t *testing.T) {
	asked(t, mysqlPlain, []turn{client(query("DO 1")), server(ok + fail)}, "request 9", "answer 11", "server 15")
	asked(t, mysqlPlain, []turn{client(query("DO 1")), server(ok + ok)}, "request 9", "answer 11", "server opaque")
}

func TestWhatIsNotUnderstoodOfMySQLIsOpaque(t *testing.T) {
	hello, mine := server(greeting(mysqlPlain)), client(login(mysqlPlain))
	all := ^uint64(0)
	with := func(can uint64) []turn {
		return []turn{server(greeting(all)), client(login(can)), server(ok), client(query("DO 1"))}
	}
	for name, story := range map[string]struct {
		talk []turn
		from string
	}{
		"TLS":                     {[]turn{server(greeting(all)), client(packet(1, login(mysqlPlain | encryption)[4:36]))}, "client"},
		"compression":             {with(mysqlPlain | compression), "server"},
		"compression with zstd":   {with(mysqlPlain | 1<<26), "server"},
		"results without columns": {with(mysqlPlain | optionalMeta), "client"},
		"MySQL 4.0":               {with(notMariaDB), "client"},
		"what MariaDB will learn": {[]turn{server(greeting(all &^ notMariaDB)), client(login(protocol41 | 1<<38))}, "client"},
		"a client that begins":    {[]turn{client("GET / HTTP/1.1\r\n\r\n")}, "client"},
		"another server":          {[]turn{server("SSH-2.0-OpenSSH_9.2p1 Debian\r\n")}, "server"},
		"a command too soon":      {[]turn{hello, mine, client(query("DO 1"))}, "client"},
		"an unknown command":      {loggedIn(mysqlPlain, client(packet(0, "\xfe\x00"))), "client"},
		"an empty command":        {loggedIn(mysqlPlain, client(packet(0, ""))), "client"},
		"a number out of order":   {loggedIn(mysqlPlain, client(packet(1, "\x03DO 1"))), "client"},
		"an empty answer":         {loggedIn(mysqlPlain, client(query("DO 1")), server(packet(1, ""))), "server"},
		"columns without an end":  {loggedIn(mysqlPlain, client(query("DO 1")), server(packet(1, "\x01")+column+row)), "server"},
		"an OK without a status":  {loggedIn(mysqlPlain, client(query("DO 1")), server(packet(1, "\x00\x00\x00"))), "server"},
		"files and more requests": {loggedIn(mysqlPlain, client(query("LOAD")+query("DO 1")), server(packet(1, "\xfba"))), "server"},
	} {
		t.Run(name, func(t *testing.T) {
			got := follows(t, wire.MySQL, story.talk...)
			if want := story.from + " opaque"; got[len(got)-1] != want {
				t.Errorf("understood\n%s\nwant %s", lines(got), want)
			}
		})
	}
}

func TestCapabilitiesThatOnlyOneSideHasDoNotCount(t *testing.T) {
	result := packet(1, "\x01") + column + eof + row + eof
	talk := []turn{
		server(greeting(mysqlPlain)), client(login(mysqlPlain | compression | noEOF)), server(ok),
		client(query("SELECT")), server(result),
	}
	if got := follows(t, wire.MySQL, talk...); got[len(got)-1] != answer(result) {
		t.Errorf("understood\n%s", lines(got))
	}
}

// A password may be in what comes, unless it is encrypted.
func TestWhatIsNotUnderstoodOfAMySQLLoginIsSecret(t *testing.T) {
	hello, all := []turn{server(greeting(mysqlPlain))}, []turn{server(greeting(^uint64(0)))}
	change := packet(0, "\x11other\x00\x04hash\x00")
	statement := query("ALTER USER a IDENTIFIED BY '" + strings.Repeat("x", 10000))
	for name, story := range map[string]struct {
		before []turn
		said   turn
		secret bool
	}{
		"MySQL 4.0":               {hello, client(login(notMariaDB)), true},
		"an odd server":           {hello, server(packet(1, "\x42")), true},
		"an odd proof of it":      {append(hello, client(login(mysqlPlain))), server(packet(2, "\x42")), true},
		"a command too soon":      {append(hello, client(login(mysqlPlain))), client(query("DO 1")), true},
		"a password that is late": {loggedIn(mysqlPlain), client(packet(3, "password")), true},
		"another user":            {loggedIn(mysqlPlain, client(change)), server(packet(1, "\x42")), true},
		"within a statement":      {loggedIn(mysqlPlain, client(statement[:9000])), server(packet(1, "")), true},
		"behind it":               {loggedIn(mysqlPlain, client(statement)), server(packet(1, "")), false},
		"TLS":                     {all, client(packet(1, login(mysqlPlain | encryption)[4:36])), false},
		"after the login":         {loggedIn(mysqlPlain), client(packet(0, "\xfe")), false},
	} {
		t.Run(name, func(t *testing.T) { opaqueAnd(t, wire.MySQL, story.before, story.said, story.secret) })
	}
}
