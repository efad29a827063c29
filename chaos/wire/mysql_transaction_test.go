package wire_test

import (
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

// closesOn fails the test unless the last request of a conversation is refused, with Close or without.
func closesOn(t *testing.T, talk []turn, want bool) {
	t.Helper()
	got := follows(t, wire.MySQL, talk...)
	last := got[len(got)-1]
	if !strings.Contains(last, "refused") || strings.HasSuffix(last, " close") != want {
		t.Errorf("understood\n%s\nwant closed %t", lines(got), want)
	}
}

// A client that hears that its transaction is over must be right: the connection goes with it, unless what
// is refused is known not to end one.
func TestARefusedMySQLTransactionIsRolledBack(t *testing.T) {
	const several, attributes = 1 << 16, 1 << 27
	begin := client(query("BEGIN"))
	for name, story := range map[string]struct {
		can  uint64
		code string
		said string
		want bool
	}{
		"SELECT":                         {0, "", query("SELECT 1"), false},
		"INSERT":                         {0, "", query("\n insert into a values (1)"), false},
		"UPDATE":                         {0, "", query("Update a SET b = 1"), false},
		"DELETE":                         {0, "", query("DELETE FROM a"), false},
		"REPLACE":                        {0, "", query("REPLACE a VALUES (1)"), false},
		"WITH":                           {0, "", query("WITH a AS (SELECT 1) SELECT * FROM a"), false},
		"behind a comment":               {0, "", query("/* trace=1; */ -- x\n# y\nSELECT 1"), false},
		"a long one":                     {0, "", query("SELECT '" + strings.Repeat("x", 9000) + "'"), false},
		"an error that takes all":        {0, "1213", query("SELECT 1"), true},
		"COMMIT":                         {0, "", query("  commit"), true},
		"COMMIT behind a comment":        {0, "", query("/* trace */ COMMIT"), true},
		"COMMIT behind a line":           {0, "", query("-- x\nCOMMIT"), true},
		"COMMIT in a comment":            {0, "", query("/*! COMMIT */"), true},
		"the same of MariaDB":            {0, "", query("/*M! COMMIT */"), true},
		"what ends what is in a comment": {0, "", query("/*! CREATE */ /* SELECT"), true},
		"a comment without an end":       {0, "", query("/* SELECT"), true},
		"ROLLBACK":                       {0, "", query("ROLLBACK"), true},
		"SET autocommit":                 {0, "", query("SET autocommit=1"), true},
		"XA COMMIT":                      {0, "", query("XA COMMIT 'a'"), true},
		"DDL":                            {0, "", query("CREATE TABLE a (b INT)"), true},
		"SELECTED":                       {0, "", query("SELECTED"), true},
		"a semicolon alone":              {several, "", query("SELECT 1 ; "), false},
		"a second statement":             {several, "", query("SELECT 1; COMMIT"), true},
		"one that is not understood":     {0, "", query("SELECT 1; COMMIT"), false},
		"one that is not seen":           {several, "", query("SELECT '" + strings.Repeat("x", 9000) + "'; COMMIT"), true},
		"without attributes":             {attributes, "", query("\x00\x01SELECT 1"), false},
		"COMMIT without attributes":      {attributes, "", query("\x00\x01COMMIT"), true},
		"COMMIT with an attribute":       {attributes, "", query("\x01\x01\x00\x01\xfe\x00\x06SELECT\x06SELECTCOMMIT"), true},
		"blanks that are attributes":     {attributes, "", query("\x20\x01SELECT"), true},
		"preparing SELECT":               {0, "", packet(0, "\x16SELECT ?"), false},
		"preparing COMMIT":               {0, "", packet(0, "\x16COMMIT"), true},
		"executing what is not known":    {0, "", packet(0, "\x17\x05\x00\x00\x00\x00\x01\x00\x00\x00"), true},
		"a new session":                  {0, "", packet(0, "\x1f"), true},
		"another user":                   {0, "", packet(0, "\x11a\x00\x00"), true},
	} {
		t.Run(name, func(t *testing.T) {
			no := refused(story.said, wire.Why{Code: story.code})
			can := mysqlPlain | story.can
			closesOn(t, loggedIn(can, begin, server(okBegun), no), story.want)
			closesOn(t, loggedIn(can, begin, no), story.want) // it may have begun
			closesOn(t, loggedIn(can, begin, server(ok), no), false)
		})
	}
	t.Run("a second statement by a later option", func(t *testing.T) {
		option := packet(0, "\x1b\x00\x00")
		closesOn(t, loggedIn(mysqlPlain, client(option), server(eof), begin, server(okBegun), refused(query("SELECT 1; COMMIT"), wire.Why{})), true)
	})
}

func TestAMySQLStatementIsKnownByItsPreparation(t *testing.T) {
	prepared := func(id string) string { return packet(1, "\x00"+id+"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00") }
	of := func(command, id string) string { return packet(0, command+id+"\x00\x00\x00\x00\x01\x00\x00\x00") }
	before := []turn{
		client(packet(0, "\x16/* a */ SELECT 1")), server(prepared("1")), client(packet(0, "\x16COMMIT")), server(prepared("2")),
		client(packet(0, "\x16DELETE FROM a")), server(fail),
	}
	begin := []turn{client(query("BEGIN")), server(okBegun)}
	run := func(id string, before ...turn) []turn {
		return append(loggedIn(mysqlPlain, before...), client(query("BEGIN")), server(okBegun), refused(of("\x17", id), wire.Why{}))
	}
	closesOn(t, run("1", before...), false)
	closesOn(t, run("2", before...), true)
	closesOn(t, run("3", before...), true)
	closesOn(t, run("1", append(before, client(packet(0, "\x19"+"1\x00\x00\x00")))...), true)
	closesOn(t, run("1", append(before, client(packet(0, "\x1f")), server(ok))...), true)
	closesOn(t, run("1", append(before, client(packet(0, "\x16COMMIT")), server(prepared("1")))...), true)

	latest := packet(0, "\x17\xff\xff\xff\xff\x00\x01\x00\x00\x00")
	closesOn(t, loggedIn(mysqlPlain, append(begin, refused(packet(0, "\x16SELECT 1")+latest, wire.Why{}))...), false)
	closesOn(t, loggedIn(mysqlPlain, append(begin, refused(packet(0, "\x16COMMIT")+latest, wire.Why{}))...), true)
}

// The server keeps long data up to an execution, and adds to them what is sent before the next attempt.
func TestARefusedMySQLExecutionDoesNotLeaveItsLongData(t *testing.T) {
	of := func(command, id string) turn { return client(packet(0, command+id+"\x00\x00\x00")) }
	long, run := func(id string) turn { return client(packet(0, "\x18"+id+"\x00\x00\x00\x00\x00data")) }, packet(0, "\x17"+"1\x00\x00\x00\x00\x01\x00\x00\x00")
	latest := packet(0, "\x17\xff\xff\xff\xff\x00\x01\x00\x00\x00")
	ran := []turn{client(run), server(ok)}
	for name, story := range map[string]struct {
		before []turn
		said   string
		want   bool
	}{
		"none":                        {nil, run, false},
		"long data":                   {[]turn{long("1")}, run, true},
		"in pieces":                   {[]turn{long("1"), long("1")}, run, true},
		"of another":                  {[]turn{long("2")}, run, false},
		"of both":                     {[]turn{long("1"), long("2")}, run, true},
		"and of both, after one":      {append([]turn{long("1"), long("2")}, ran...), run, true},
		"after an execution":          {append([]turn{long("1")}, ran...), run, false},
		"and again":                   {append(append([]turn{long("1")}, ran...), long("1")), run, true},
		"after a reset":               {[]turn{long("1"), of("\x1a", "1"), server(ok)}, run, false},
		"after a reset of another":    {[]turn{long("1"), of("\x1a", "2"), server(ok)}, run, true},
		"after it was forgotten":      {[]turn{long("1"), of("\x19", "1")}, run, false},
		"after a new session":         {[]turn{long("1"), client(packet(0, "\x1f")), server(ok)}, run, false},
		"a reset":                     {[]turn{long("1")}, packet(0, "\x1a"+"1\x00\x00\x00"), true},
		"a new session":               {[]turn{long("1")}, packet(0, "\x1f"), true},
		"a query":                     {[]turn{long("1")}, query("DO 1"), false},
		"in bulk":                     {[]turn{long("1")}, strings.Replace(run, "\x17", "\xfa", 1), true},
		"of what was prepared latest": {[]turn{long("1")}, packet(0, "\x16DO ?") + latest, true},
	} {
		t.Run(name, func(t *testing.T) {
			closesOn(t, loggedIn(mysqlPlain, append(story.before, refused(story.said, wire.Why{}))...), story.want)
		})
	}
}

// Such an answer is given while its request goes on.
func TestAMySQLAnswerThatClosesIsNotWrittenToAnyMore(t *testing.T) {
	commit := query("COMMIT" + strings.Repeat(" ", 1<<24))
	commit = packet(0, commit[4:4+1<<24-1]) + packet(1, commit[4+1<<24-1:])
	talk := begun(t, wire.MySQL, loggedIn(mysqlPlain, client(query("BEGIN")), server(okBegun)))
	part := talk.Client([]byte(commit[:9000]))
	answer := talk.Refuse(wire.Why{})
	was := string(answer.Bytes)
	for rest := []byte(commit[part.N:]); len(rest) > 0; rest = rest[part.N:] {
		part = talk.Client(rest)
	}
	if !answer.Close || string(answer.Bytes) != was {
		t.Errorf("%+v, was %q", answer, was)
	}
}
