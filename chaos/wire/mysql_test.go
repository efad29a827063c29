package wire_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

// packet is a packet of MySQL with a number in the sequence.
func packet(number byte, content string) string {
	return string([]byte{byte(len(content)), byte(len(content) >> 8), byte(len(content) >> 16), number}) + content
}

// Capabilities of MySQL that decide how a conversation goes.
const (
	compression   = 1 << 5
	protocol41    = 1 << 9
	encryption    = 1 << 11
	optionalMeta  = 1 << 25
	noEOF         = 1 << 24
	notMariaDB    = 1 << 0
	cacheMetadata = 1 << 36
)

func greeting(can uint64) string {
	low, high := make([]byte, 2), make([]byte, 2)
	binary.LittleEndian.PutUint16(low, uint16(can))
	binary.LittleEndian.PutUint16(high, uint16(can>>16))
	more := string(binary.LittleEndian.AppendUint32(nil, uint32(can>>32)))
	return packet(0, "\x0a8.0.0-test\x00\x01\x00\x00\x00abcdefgh\x00"+string(low)+"\x2d\x02\x00"+string(high)+"\x15"+
		strings.Repeat("\x00", 6)+more+"ijklmnopqrst\x00mysql_native_password\x00")
}

func login(can uint64) string {
	return packet(1, string(binary.LittleEndian.AppendUint32(nil, uint32(can)))+"\x00\x00\x00\x01\x2d"+strings.Repeat("\x00", 19)+
		string(binary.LittleEndian.AppendUint32(nil, uint32(can>>32)))+"user\x00\x04hash\x00")
}

// Packets of a server, with the number 1.
var (
	ok         = packet(1, "\x00\x00\x00\x02\x00\x00\x00")
	okBegun    = packet(1, "\x00\x00\x00\x03\x00\x00\x00")
	okMore     = packet(1, "\x00\x00\x00\x0a\x00\x00\x00")
	eof        = packet(1, "\xfe\x00\x00\x02\x00")
	eofMore    = packet(1, "\xfe\x00\x00\x0a\x00")
	eofCursor  = packet(1, "\xfe\x00\x00\x42\x00")
	endOK      = packet(1, "\xfe\x00\x00\x02\x00\x00\x00")
	fail       = packet(1, "\xff\x15\x04#28000no")
	column     = packet(1, "\x03def\x00\x00\x00\x01a\x00\x0c\x2d\x00\x01\x00\x00\x00\xfd\x00\x00\x00\x00\x00")
	row        = packet(1, "\x05hello")
	binaryRow  = packet(1, "\x00\x00\x05hello")
	progress   = packet(1, "\xff\xff\xff\x01\x01\x02\x00\x00\x00\x04sort")
	mysqlPlain = uint64(notMariaDB | protocol41)
)

// loggedIn is the beginning of a conversation in which both sides can do the same.
func loggedIn(can uint64, talk ...turn) []turn {
	return append([]turn{server(greeting(can)), client(login(can)), server(ok)}, talk...)
}

func query(sql string) string { return packet(0, "\x03"+sql) }

// asked checks what is understood after the login.
func asked(t *testing.T, can uint64, talk []turn, want ...string) {
	t.Helper()
	before := []string{fmt.Sprintf("server %d", len(greeting(can))), fmt.Sprintf("client %d secret=%[1]d", len(login(can))), fmt.Sprintf("server %d", len(ok))}
	understood(t, wire.MySQL, loggedIn(can, talk...), append(before, want...)...)
}

func request(said string) string { return fmt.Sprintf("request %d", len(said)) }
func answer(said string) string  { return fmt.Sprintf("answer %d", len(said)) }

func TestEveryMySQLCommandHasOneAnswer(t *testing.T) {
	result := packet(1, "\x02") + column + column + eof + row + row + eof
	short := packet(1, "\x02") + column + column + row + row + endOK
	prepared := packet(1, "\x00\x01\x00\x00\x00\x02\x00\x03\x00\x00\x00\x00") + strings.Repeat(column, 3) + eof + column + column + eof
	preparedNoEOF := packet(1, "\x00\x01\x00\x00\x00\x02\x00\x03\x00\x00\x00\x00") + strings.Repeat(column, 5)
	for name, story := range map[string]struct {
		can          uint64
		said, answer string
	}{
		"OK":                                {0, query("SET a = 1"), ok},
		"an error":                          {0, query("SELECT"), fail},
		"a result":                          {0, query("SELECT"), result},
		"a result without EOF":              {noEOF, query("SELECT"), short},
		"an error in a result":              {0, query("SELECT"), result[:len(result)-len(eof)] + fail},
		"no rows":                           {noEOF, query("SELECT"), packet(1, "\x01") + column + endOK},
		"several results":                   {0, query("CALL a"), strings.TrimSuffix(result, eof) + eofMore + okMore + result[:len(result)-len(eof)] + eofMore + ok},
		"an error as the second result":     {0, query("a; b"), okMore + fail},
		"300 columns":                       {noEOF, query("SELECT"), packet(1, "\xfc\x2c\x01") + strings.Repeat(column, 300) + row + endOK},
		"reports of progress":               {0, query("ALTER TABLE"), progress + progress + ok},
		"reports of progress before rows":   {0, query("SELECT"), progress + result},
		"a prepared statement":              {0, packet(0, "\x16SELECT ?"), prepared},
		"a prepared statement without EOF":  {noEOF, packet(0, "\x16SELECT ?"), preparedNoEOF},
		"a prepared statement of nothing":   {0, packet(0, "\x16DO 1"), packet(1, "\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")},
		"a statement that is not prepared":  {0, packet(0, "\x16SELEC"), fail},
		"execution":                         {0, packet(0, "\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00"), packet(1, "\x01") + column + eof + binaryRow + eof},
		"execution with a cursor":           {0, packet(0, "\x17\x01\x00\x00\x00\x01\x01\x00\x00\x00"), packet(1, "\x01") + column + eofCursor},
		"fetching":                          {0, packet(0, "\x1c\x01\x00\x00\x00\x0a\x00\x00\x00"), binaryRow + binaryRow + eof},
		"a result with columns that repeat": {cacheMetadata &^ notMariaDB, packet(0, "\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00"), packet(1, "\x01\x00") + eof + binaryRow + eof},
		"the same without EOF":              {cacheMetadata | noEOF, packet(0, "\x17\x01\x00\x00\x00\x00\x01\x00\x00\x00"), packet(1, "\x01\x00") + binaryRow + endOK},
		"columns that are new":              {cacheMetadata | noEOF, query("SELECT 1"), packet(1, "\x01\x01") + column + binaryRow + endOK},
		"a list of fields":                  {0, packet(0, "\x04books\x00"), column + column + eof},
		"statistics":                        {0, packet(0, "\x09"), packet(1, "Uptime: 1")},
		"ping":                              {0, packet(0, "\x0e"), ok},
		"debug":                             {0, packet(0, "\x0d"), eof},
	} {
		t.Run(name, func(t *testing.T) {
			can := mysqlPlain | story.can
			if story.can&cacheMetadata != 0 {
				can &^= notMariaDB
			}
			asked(t, can, []turn{client(story.said), server(story.answer), client(query("DO 1")), server(ok)},
				request(story.said), answer(story.answer), request(query("DO 1")), answer(ok))
			pipelined := story.said + query("DO 1") + story.said
			asked(t, can, []turn{client(pipelined), server(story.answer + ok + story.answer)},
				request(story.said), request(query("DO 1")), request(story.said), answer(story.answer), answer(ok), answer(story.answer))
		})
	}
}

func TestSomeMySQLCommandsHaveNoAnswer(t *testing.T) {
	long, forget, quit := packet(0, "\x18\x01\x00\x00\x00\x00\x00data"), packet(0, "\x19\x01\x00\x00\x00"), packet(0, "\x01")
	asked(t, mysqlPlain, []turn{client(long + forget + query("DO 1")), server(ok), client(quit)},
		"request 15 silent", "request 9 silent", "request 9", "answer 11", "request 5 silent")
}

func TestAMySQLClientSendsALocalFile(t *testing.T) {
	load := query("LOAD DATA LOCAL INFILE 'a' …")
	local := packet(1, "\xfba")
	file := packet(2, "1,2\n") + packet(3, strings.Repeat("3,4\n", 9)) + packet(4, "")
	asked(t, mysqlPlain, []turn{client(load), server(local), client(file), server(ok), client(query("DO 1")), server(fail)},
		request(load), "answer 6…", "client 52", "…answer 11", "request 9", answer(fail))
}

func TestAMySQLClientBecomesAnotherUser(t *testing.T) {
	change := packet(0, "\x11other\x00\x04hash\x00")
	again, proof, more := packet(1, "\xfecaching_sha2_password\x00abcdefghijklmnopqrst\x00"), packet(2, "proof"), packet(3, "\x01\x04")
	password := packet(4, "password\x00")
	asked(t, mysqlPlain, []turn{client(change), server(again), client(proof), server(more), client(password), server(ok), client(query("DO 1")), server(ok)},
		"request 17 secret=17", fmt.Sprintf("answer %d…", len(again)), "client 9 secret=9", "…answer 6…", "client 13 secret=13", "…answer 11",
		"request 9", "answer 11")
}

func TestAMySQLReplicaListensForEver(t *testing.T) {
	dump, event := packet(0, "\x12\x04\x00\x00\x00\x00\x00\x01\x00\x00\x00log"), packet(1, "\x00event event event")
	asked(t, mysqlPlain, []turn{client(dump), server(event + event), client(packet(0, "\xef12345678log")), server(event), server(eof), client(query("DO 1")), server(ok)},
		request(dump), "answer 44…", "client 16", "…answer 31", "request 9", "answer 11")
}

func TestWhatExecutesTheStatementJustPreparedSharesItsFate(t *testing.T) {
	prepare, execute := packet(0, "\x16DO 1"), packet(0, "\x17\xff\xff\xff\xff\x00\x01\x00\x00\x00")
	asked(t, mysqlPlain, []turn{refused(prepare+execute, wire.Why{Code: "3024", Message: "late"}), client(query("DO 1")), server(ok)},
		`request 9 refused "\r\x00\x00\x01\xff\xd0\v#HY000late"`, `request 14 joined refused "\r\x00\x00\x01\xff\xd0\v#HY000late"`,
		"request 9", "answer 11")
}

func TestABigMySQLMessageHasManyPackets(t *testing.T) {
	for _, most := range []int{wire.MaxHead, 1 << 30} {
		bigMySQLMessages(t, most)
	}
}

// bigMySQLMessages shows a conversation in pieces of at most that many bytes.
func bigMySQLMessages(t *testing.T, most int) {
	t.Helper()
	const full = 1<<24 - 1
	big := packet(0, "\x03"+strings.Repeat("a", full-1)) + packet(1, strings.Repeat("\x00", full)) + packet(2, "") // ends with an empty one
	rows := packet(1, "\x01") + column + packet(1, "\xfe"+strings.Repeat("\xff", full-1)) + packet(2, "\xfe\x00\x00") +
		packet(3, strings.Repeat("\x01", full)) + packet(4, "\xfe\x00\x00\x02\x00\x00\x00") + row + endOK
	talk := wire.MySQL.Follow()
	feedAll := func(look func([]byte) wire.Part, said string) (total wire.Part) {
		for len(said) > 0 {
			part := look([]byte(said[:min(len(said), most)]))
			if part.N == 0 || part.Opaque {
				t.Fatalf("%+v with %d bytes to go", part, len(said))
			}
			total.N += part.N
			total.Begin = total.Begin || part.Begin
			said = said[part.N:]
			if total.End = part.End; part.End && said != "" {
				t.Fatalf("ends %d bytes too soon", len(said))
			}
		}
		return total
	}
	for _, turn := range loggedIn(mysqlPlain|noEOF, client(big), server(rows)) {
		look := talk.Server
		if turn.client {
			look = talk.Client
		}
		if got := feedAll(look, turn.said); len(turn.said) > full && got != (wire.Part{N: len(turn.said), Begin: true, End: true}) {
			t.Errorf("%+v, want all of %d", got, len(turn.said))
		}
	}

	part := talk.Client([]byte(big[:100]))
	answer := talk.Refuse(wire.Why{})
	if feedAll(talk.Client, big[part.N:]); answer.Bytes[3] != 3 {
		t.Errorf("the answer to three packets has the number %d, want 3", answer.Bytes[3])
	}
}
