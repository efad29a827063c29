package wire_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

// pg is a message of PostgreSQL.
func pg(letter byte, content string) string {
	return string(letter) + string(binary.BigEndian.AppendUint32(nil, uint32(4+len(content)))) + content
}

// pgFirst is a client's first message, which has a number in place of a letter.
func pgFirst(code uint32, content string) string {
	head := binary.BigEndian.AppendUint32(nil, uint32(8+len(content)))
	return string(binary.BigEndian.AppendUint32(head, code)) + content
}

const (
	askTLS, askGSS, askCancel = 80877103, 80877104, 80877102
	version30, version32      = 3 << 16, 3<<16 | 2
)

var (
	startup  = pgFirst(version30, "user\x00a\x00\x00")
	password = pg('p', "secret\x00")
	welcome  = pg('R', "\x00\x00\x00\x00") + pg('S', "TimeZone\x00UTC\x00") + pg('K', "12345678") + readyI
	readyI   = pg('Z', "I")
	readyT   = pg('Z', "T")
	readyE   = pg('Z', "E")
	pgRow    = pg('D', "\x00\x01\x00\x00\x00\x05hello")
	pgDone   = pg('C', "SELECT 1\x00")
	pgFail   = pg('E', "SERROR\x00VERROR\x00C42601\x00Mno\x00\x00")
	columns  = pg('T', "\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19\xff\xff\xff\xff\xff\xff\x00\x00")

	parse    = pg('P', "\x00SELECT $1\x00\x00\x00")
	describe = pg('D', "S\x00")
	bind     = pg('B', "\x00\x00\x00\x00\x00\x00\x00\x00")
	execute  = pg('E', "\x00\x00\x00\x00\x00")
	flush    = pg('H', "")
	endBatch = pg('S', "")
	batch    = parse + describe + bind + execute + endBatch

	parsed   = pg('1', "")
	bound    = pg('2', "")
	noData   = pg('n', "")
	answered = parsed + pg('t', "\x00\x00") + columns + bound + pgRow + pgDone
)

func simple(sql string) string { return pg('Q', sql+"\x00") }

func pgLoggedIn(talk ...turn) []turn {
	return append([]turn{client(startup), server(pg('R', "\x00\x00\x00\x03")), client(password), server(welcome)}, talk...)
}

// pgAsked checks what is understood after the login.
func pgAsked(t *testing.T, talk []turn, want ...string) {
	t.Helper()
	understood(t, wire.Postgres, pgLoggedIn(talk...), append(pgBefore(), want...)...)
}

func pgBefore() []string {
	return []string{fmt.Sprintf("client %d", len(startup)), "server 9", "client 12 secret=12", fmt.Sprintf("server %d secret=13", len(welcome))}
}

func TestEveryPostgresRequestHasOneAnswer(t *testing.T) {
	copyOut := pg('H', "\x00\x00\x01\x00\x00") + pg('d', "a\n") + pg('d', "b\n") + pg('c', "") + pg('C', "COPY 2\x00")
	for name, story := range map[string]struct{ said, answer string }{
		"a query":                    {simple("SELECT 1"), columns + pgRow + pgDone + readyI},
		"several queries":            {simple("SELECT 1; SELECT 2"), columns + pgRow + pgDone + columns + pgRow + pgDone + readyI},
		"an empty query":             {simple(""), pg('I', "") + readyI},
		"an error":                   {simple("SELEC"), pgFail + readyI},
		"an error in the rows":       {simple("SELECT 1/a"), columns + pgRow + pgFail + readyI},
		"a notice in an answer":      {simple("SELECT 1"), columns + pg('N', "SNOTICE\x00\x00") + pgRow + pg('S', "a\x00b\x00") + pg('A', "1234a\x00b\x00") + pgDone + readyI},
		"a function":                 {pg('F', "\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"), pg('V', "\x00\x00\x00\x00") + readyI},
		"a batch":                    {batch, answered + readyI},
		"a batch that fails":         {batch, parsed + pgFail + readyI},
		"a batch of several":         {parse + bind + execute + bind + execute + endBatch, parsed + bound + pgDone + bound + pgDone + readyI},
		"a batch with a portal":      {bind + execute + pg('C', "P\x00") + endBatch, bound + pgRow + pg('s', "") + pg('3', "") + readyI},
		"a batch without rows":       {parse + describe + endBatch, parsed + pg('t', "\x00\x00") + noData + readyI},
		"a batch that is flushed":    {parse + flush + bind + flush + execute + endBatch, answered + readyI},
		"no more than Sync":          {endBatch, readyI},
		"COPY TO":                    {simple("COPY a TO STDOUT"), copyOut + readyI},
		"a transaction that goes on": {simple("BEGIN"), pg('C', "BEGIN\x00") + readyT},
		"a transaction that is over": {simple("SELEC"), pgFail + readyE},
		"a long query":               {simple("SELECT " + strings.Repeat("a", 1<<17)), pgFail + readyI},
		"a long row":                 {simple("SELECT 1"), columns + pg('D', strings.Repeat("a", 1<<17)) + pgDone + readyI},
	} {
		t.Run(name, func(t *testing.T) {
			next, reply := simple("DO 1"), pgFail+readyI
			pgAsked(t, []turn{client(story.said), server(story.answer), client(next), server(reply)},
				request(story.said), answer(story.answer), request(next), answer(reply))
			pgAsked(t, []turn{client(story.said + next + story.said), server(story.answer + reply + story.answer)},
				request(story.said), request(next), request(story.said), answer(story.answer), answer(reply), answer(story.answer))
		})
	}
}

func TestAPostgresClientMayWaitWithinABatch(t *testing.T) {
	pgAsked(t, []turn{client(parse + describe + flush), server(parsed + noData), client(bind + execute + endBatch), server(bound + pgDone + readyI)},
		fmt.Sprintf("request %d…", len(parse+describe+flush)), "answer 10…", fmt.Sprintf("…request %d", len(bind+execute+endBatch)), "…answer 25")
}

func TestWhatPostgresSaysOfItselfIsNoAnswer(t *testing.T) {
	notices := pg('A', "1234a\x00b\x00") + pg('N', "SNOTICE\x00\x00") + pg('S', "a\x00b\x00")
	reply := pgFail + readyI
	pgAsked(t, []turn{client(simple("")), server(notices + reply + notices), client(simple("")), server(reply)},
		"request 6", "server 36", answer(reply), "server 36", "request 6", answer(reply))
	leave := pg('E', "SFATAL\x00VFATAL\x00C57P01\x00Mno\x00\x00")
	pgAsked(t, []turn{client(simple("")), server(reply + leave)}, "request 6", answer(reply), fmt.Sprintf("server %d", len(leave)))
}

func TestAPostgresClientLeavesWithoutAnAnswer(t *testing.T) {
	pgAsked(t, []turn{client(simple("") + pg('X', ""))}, "request 6", "request 5 silent")
}

func TestAPostgresClientCopiesIn(t *testing.T) {
	in, data, done := pg('G', "\x00\x00\x01\x00\x00"), pg('d', "1\n")+pg('d', "2\n"), pg('c', "")
	reply := pg('C', "COPY 2\x00") + readyI
	sql := simple("COPY a FROM STDIN")
	prepared := parse + bind + execute
	for name, story := range map[string]struct {
		talk []turn
		want []string
	}{
		"in a query": {
			[]turn{client(sql), server(in), client(data + done), server(reply)},
			[]string{request(sql), "answer 10…", "client 19", "…answer 18"},
		},
		"but not really": {
			[]turn{client(sql), server(in), client(data + pg('f', "no\x00")), server(pgFail + readyI)},
			[]string{request(sql), "answer 10…", "client 22", fmt.Sprintf("…answer %d", len(pgFail)+6)},
		},
		"and does not hear that it failed": {
			[]turn{client(sql), server(in + pgFail + readyI), client(data + done)},
			[]string{request(sql), fmt.Sprintf("answer %d", 10+len(pgFail)+6), "client 19"},
		},
		"in a batch, whose first Sync the server ignores": {
			[]turn{client(prepared + endBatch), server(parsed + bound + in), client(data + done + endBatch), server(reply)},
			[]string{request(prepared + endBatch), "answer 20…", "client 24", "…answer 18"},
		},
		"in a batch, with a late first Sync": {
			[]turn{client(prepared), server(parsed + bound + in), client(endBatch + data + done + endBatch), server(reply)},
			[]string{fmt.Sprintf("request %d…", len(prepared)), "answer 20…", "…request 5", "client 24", "…answer 18"},
		},
		"in a batch with one Sync": {
			[]turn{client(prepared + flush), server(parsed + bound + in), client(data + done + endBatch), server(reply)},
			[]string{fmt.Sprintf("request %d…", len(prepared+flush)), "answer 20…", "…request 24", "…answer 18"},
		},
		"in a batch, and asks on": {
			[]turn{client(prepared + endBatch), server(parsed + bound + in), client(data + done + endBatch + endBatch), server(reply + readyI)},
			[]string{request(prepared + endBatch), "answer 20…", "client 24", "request 5", "…answer 18", "answer 6"},
		},
		"in a batch that fails before its Sync": {
			[]turn{client(prepared + endBatch), server(in + pgFail + readyI), client(endBatch), server(readyI)},
			[]string{request(prepared + endBatch), fmt.Sprintf("answer %d", 10+len(pgFail)+6), "request 5", "answer 6"},
		},
		"in a batch that fails while the client waits": {
			[]turn{client(prepared + flush), server(in + pgFail), client(endBatch + endBatch), server(readyI + readyI)},
			[]string{fmt.Sprintf("request %d…", len(prepared+flush)), fmt.Sprintf("answer %d…", 10+len(pgFail)), "…request 5", "request 5", "…answer 6", "answer 6"},
		},
		"in a batch that fails": {
			[]turn{client(prepared + endBatch), server(parsed + bound + in), client(data), server(pgFail), client(done + endBatch), server(readyI)},
			[]string{request(prepared + endBatch), "answer 20…", "client 14", fmt.Sprintf("…answer %d…", len(pgFail)), "client 10", "…answer 6"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			next := []turn{client(batch), server(answered + readyI)}
			pgAsked(t, append(story.talk, next...), append(story.want, request(batch), answer(answered+readyI))...)
		})
	}
}

func TestAPostgresReplicaListensForEver(t *testing.T) {
	start := simple("START_REPLICATION SLOT a LOGICAL 0/0")
	pgAsked(t, []turn{client(start), server(pg('W', "\x00\x00\x00") + pg('d', "wal")), client(pg('d', "status")), server(pg('d', "wal"))},
		request(start), "answer 16…", "client 11", "…answer 8…")
}
