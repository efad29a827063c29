package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

// mailed greets, says hello, and then has the conversation in pairs.
func mailed(pairs ...string) []turn {
	return append([]turn{server("220 hi\r\n")}, redisTalk(pairs...)...)
}

func TestSMTPConversations(t *testing.T) {
	for name, c := range map[string]struct {
		talk []turn
		want []string
	}{
		"a mail": {
			mailed("EHLO me\r\n", "250-hi\r\n250-PIPELINING\r\n250 SIZE\r\n", "MAIL FROM:<a>\r\nRCPT TO:<b>\r\nDATA\r\n", "250 ok\r\n250 ok\r\n354 go\r\n",
				"a: b\r\n\r\n..\r\n.x\r\n.\r\nQUIT\r\n", "250 got it\r\n221 bye\r\n"),
			[]string{"server 8", "request 9", "answer 34", "request 15", "request 13", "request 6", "answer 8", "answer 8", "answer 8",
				"request 19 joined", "request 6", "answer 12", "answer 9"},
		},
		"a greeting of several lines": {
			[]turn{server("220-a\r\n220-\r\n220 b\r\n"), client("NOOP\r\n"), server("250\r\n")},
			[]string{"server 20", "request 6", "answer 5"},
		},
		"an empty text": {
			mailed("data\r\n", "354 go\r\n", ".\r\nNOOP\r\n", "250 got it\r\n250 ok\r\n"),
			[]string{"server 8", "request 6", "answer 8", "request 3 joined", "request 6", "answer 12", "answer 8"},
		},
		"dots and line breaks that end no text": {
			mailed("DATA\r\n", "354 go\r\n", "\n.\n\r.\r\n.\n\r\n.\r.\r\r\n.x\r\n\r\n..\r\n\r\n.\r\n", "250 got it\r\n"),
			[]string{"server 8", "request 6", "answer 8", "request 32 joined", "answer 12"},
		},
		"DATA that is not wanted": {
			mailed("DATA\r\n", "503 first RCPT\r\n", "RSET\r\n", "250 ok\r\n"),
			[]string{"server 8", "request 6", "answer 16", "request 6", "answer 8"},
		},
		"a text answered before its end": {
			mailed("DATA\r\n", "354 go\r\n", "a\r\n", "552 too much\r\n", "b\r\n.\r\nQUIT\r\n", "221 bye\r\n"),
			[]string{"server 8", "request 6", "answer 8", "request 3… joined", "answer 14", "…request 6", "request 6", "answer 9"},
		},
		"a password in one line": {
			mailed("AUTH PLAIN AGEAYg==\r\n", "235 ok\r\n", "NOOP\r\n", "250 ok\r\n"),
			[]string{"server 8", "request 21 secret=21", "answer 8", "request 6", "answer 8"},
		},
		"a password in lines of its own": {
			mailed("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n", "dQ==\r\n", "334 UGFzc3dvcmQ6\r\n", "cA==\r\n", "535 no\r\n", "DATA\r\n", "503 no\r\n"),
			[]string{"server 8", "request 12 secret=12", "answer 18", "request 6 joined secret=6", "answer 18",
				"request 6 joined secret=6", "answer 8", "request 6", "answer 8"},
		},
		"chunks": {
			mailed("BDAT 3\r\n\r\nxBDAT 0\r\nNOOP\r\nbdat 2 last\r\n..NOOP\r\nBDAT 1 LAST\r\nx", "250 a\r\n250 b\r\n250 c\r\n250 d\r\n250 e\r\n250 f\r\n"),
			[]string{"server 8", "request 11", "request 8 joined", "request 6 joined", "request 15 joined", "request 6", "request 14",
				"answer 7", "answer 7", "answer 7", "answer 7", "answer 7", "answer 7"},
		},
		"chunks given up": {
			mailed("BDAT 1\r\nxRSET\r\nBDAT 1\r\nxEHLO a\r\nBDAT 1\r\ny"),
			[]string{"server 8", "request 9", "request 6", "request 9", "request 8", "request 9"},
		},
		"no chunks": {
			mailed("BDAT\r\nBDAT x\r\nBDAT 1 FIRST\r\nBDAT 99999999999999999999\r\n"),
			[]string{"server 8", "request 6", "request 8", "request 14", "request 27"},
		},
		"an empty line, a bare line feed, and an unknown command": {
			mailed("\r\nNOOP\nWHATEVERITIS x\r\n", "500 what?\r\n250 ok\r\n500 what?\r\n"),
			[]string{"server 8", "request 2", "request 5", "request 16 secret=16", "answer 11", "answer 8", "answer 11"},
		},
		"a password behind a tab": {
			mailed("AUTH\tPLAIN AGEAYg==\r\n", "235 ok\r\n"),
			[]string{"server 8", "request 21 secret=21", "answer 8"},
		},
		"what is said before the greeting": {
			[]turn{client("EHLO a\r\nBDAT 3\r\nxyzNO"), server("220-hi\r\n220 hi\r\n250-a\r\n"), client("OP\r\nMAIL FROM:<a>\r\n"), server("250 b\r\n250 c\r\n250 d\r\n250 e\r\n"),
				client("NOOP\r\n"), server("250 f\r\n")},
			[]string{"client 19", "server 23…", "client 21", "server 28", "request 6", "answer 7"},
		},
		"the text of a mail that was begun before the greeting": {
			[]turn{client("DATA\r\n"), server("220 hi\r\n354 go\r\n"), client("x\r\n.\r\n"), server("250 ok\r\n")},
			[]string{"client 6", "server 16", "request 6 joined", "answer 8"},
		},
		"TLS": {
			mailed("STARTTLS\r\n", "220 go\r\n", "\x16\x03"),
			[]string{"server 8", "request 10", "answer 8", "client opaque"},
		},
		"TLS that the server begins": {
			mailed("STARTTLS\r\n", "220 go\r\n220 hi\r\n"),
			[]string{"server 8", "request 10", "answer 8", "server opaque"},
		},
		"no TLS": {
			mailed("STARTTLS\r\n", "454 no\r\n", "NOOP\r\n", "250 ok\r\n"),
			[]string{"server 8", "request 10", "answer 8", "request 6", "answer 8"},
		},
	} {
		t.Run(name, func(t *testing.T) { understood(t, wire.SMTP, c.talk, c.want...) })
	}
}

func TestSMTPWhatIsNotUnderstoodIsOpaque(t *testing.T) {
	for _, said := range []string{"\x16\x03\x01", "LHLO a\r\n", "turn\r\n", "MAIL FROM:<a> SIZE=1 prdr\r\n", "PROXY TCP4 a b\r\n",
		strings.Repeat("x", wire.MaxHead)} {
		understood(t, wire.SMTP, mailed(said), "server 8", "client opaque")
	}
	for _, said := range []string{"HTTP/1.1 200 OK\r\n", "25x", "250+\r\n", "25\r\n", "-ERR\r\n", "250" + strings.Repeat(" ", wire.MaxHead)} {
		understood(t, wire.SMTP, mailed("NOOP\r\n", said), "server 8", "request 6", "server opaque")
	}
	understood(t, wire.SMTP, mailed("NOOP\r\n", "250-a\r\nx\r\n"), "server 8", "request 6", "answer 7…", "server opaque")
	understood(t, wire.SMTP, []turn{server("220 hi\r\n421 too slow\r\n")}, "server 8", "server opaque")
	// What is said before the answer that decides how to read it.
	understood(t, wire.SMTP, mailed("DATA\r\nQUIT\r\n"), "server 8", "request 6", "client opaque")
}

func TestSMTPRefuses(t *testing.T) {
	busy := wire.Why{}
	understood(t, wire.SMTP, []turn{
		server("220 hi\r\n"), refused("EHLO a\r\n", busy), refused("MAIL FROM:<a>\r\n", wire.Why{Code: "552", Message: "full\r\n250 not"}),
		client("MAIL FROM:<a>\r\n"), refused("DATA\r\nNOOP\r\n", busy), client("NOOP\r\n"), server("250 ok\r\n250 ok\r\n"),
	},
		"server 8", `request 8 refused "451 Requested action aborted: local error in processing\r\n"`,
		`request 15 refused "552 5.2.2 full 250 not\r\n"`, "request 15",
		`request 6 refused "451 4.3.0 Requested action aborted: local error in processing\r\n"`,
		`request 6 refused "451 4.3.0 Requested action aborted: local error in processing\r\n"`,
		"request 6", "answer 8", "answer 8")
	// A server that has said 354 gets the text, and one that has had a chunk gets the others.
	understood(t, wire.SMTP, []turn{
		server("220 hi\r\n"), client("DATA\r\n"), server("354 go\r\n"), refused("x\r\n.\r\n", busy),
		client("BDAT 1\r\nx"), refused("BDAT 1 LAST\r\nx", busy), server("250 a\r\n250 b\r\n250 c\r\n"),
		refused("BDAT 1\r\nx", wire.Why{Code: "500"}), client("BDAT 1 LAST\r\nxNOOP\r\n"), server("250 ok\r\n"),
	},
		"server 8", "request 6", "answer 8", "request 6 joined", "request 9", "request 14 joined", "answer 7", "answer 7", "answer 7",
		`request 9 refused "500 5.3.0 Requested action aborted: local error in processing\r\n"`,
		`request 14 joined refused "451 4.3.0 Requested action aborted: local error in processing\r\n"`, "request 6", "answer 8")
	understood(t, wire.SMTP, []turn{server("220 hi\r\n"), refused("NOOP\r\n", wire.Why{Code: "421"}), client("NOOP\r\n")},
		"server 8", `request… refused "421 4.3.2 Service not available, closing transmission channel\r\n" close`)
	// After a refused STARTTLS or AUTH the client is where it was.
	understood(t, wire.SMTP, []turn{
		server("220 hi\r\n"), refused("STARTTLS\r\nAUTH LOGIN\r\n", wire.Why{Code: "454"}), client("NOOP\r\n"), server("250 ok\r\n"),
	},
		"server 8", `request 10 refused "454 4.7.0 Temporary authentication failure\r\n"`,
		`request 12 secret=12 refused "454 4.7.0 Temporary authentication failure\r\n"`, "request 6", "answer 8")
}

// A refusal would stand in front of the greeting, or of the answers to what was said before it.
func TestSMTPRefusesNothingBeforeTheGreeting(t *testing.T) {
	understood(t, wire.SMTP, []turn{
		refused("EHLO a\r\n", wire.Why{}), server("220 hi\r\n"), refused("NOOP\r\n", wire.Why{}), server("250 a\r\n250 b\r\n"),
		refused("NOOP\r\n", wire.Why{}),
	}, "client 8", "server 8", "client 6", "server 14", `request 6 refused "451 4.3.0 Requested action aborted: local error in processing\r\n"`)
}

// Lines of AUTH that do not wait are said whether it is accepted or not.
func TestSMTPShowsNoLineOfAUTH(t *testing.T) {
	no := `refused "454 4.7.0 Temporary authentication failure\r\n"`
	understood(t, wire.SMTP, []turn{server("220 hi\r\n"), refused("AUTH LOGIN\r\nc2VjcmV0cw==\r\n", wire.Why{Code: "454"})},
		"server 8", "request 12 secret=12 "+no, "request 14 secret=14 "+no)
	talk := wire.SMTP.Follow()
	followAll(t, talk.Server, []byte("220 hi\r\n"))
	followAll(t, talk.Client, []byte("AUTH LOGIN\r\n"))
	if part := talk.Client([]byte("c2VjcmV0\r\n")); !part.Opaque || !part.Secret {
		t.Errorf("a line before the answer: %+v", part)
	}
}

func TestSMTPChecksTheCode(t *testing.T) {
	for code, ok := range map[string]bool{"": true, "421": true, "550": true, "250": false, "45": false, "4510": false, "4a1": false, "461": false, "45a": false} {
		if err := wire.SMTP.Check(wire.Why{Code: code}); (err == nil) != ok {
			t.Errorf("code %q: %v", code, err)
		}
	}
}

func FuzzSMTP(f *testing.F) {
	fuzz(f, wire.SMTP,
		mailed("EHLO me\r\n", "250-hi\r\n250 SIZE\r\n", "MAIL FROM:<a>\r\nDATA\r\n", "250 ok\r\n354 go\r\n", "a\r\n..\r\n.\r\nQUIT\r\n", "250 got it\r\n221 bye\r\n"),
		mailed("AUTH LOGIN\r\n", "334 VXNlcm5hbWU6\r\n", "dQ==\r\n", "235 ok\r\n", "STARTTLS\r\n", "220 go\r\n"),
		mailed("BDAT 3\r\n\r\nxBDAT 0\r\nNOOP\r\nbdat 2 last\r\n..NOOP\r\n", "250 a\r\n250 b\r\n250 c\r\n250 d\r\n250 e\r\n"),
	)
}

// BenchmarkSMTP follows short commands, and a text in chunks of 64 KiB.
func BenchmarkSMTP(b *testing.B) {
	b.Run("command", func(b *testing.B) { // and its answer
		talk := wire.SMTP.Follow()
		followAll(b, talk.Server, []byte("220 hi\r\n"))
		command, answer := []byte("RCPT TO:<somebody@example.org>\r\n"), []byte("250 2.1.5 Ok\r\n")
		b.ReportAllocs()
		for b.Loop() {
			followAll(b, talk.Client, command)
			followAll(b, talk.Server, answer)
		}
	})
	b.Run("text", func(b *testing.B) {
		talk := wire.SMTP.Follow()
		followAll(b, talk.Server, []byte("220 hi\r\n"))
		followAll(b, talk.Client, []byte("DATA\r\n"))
		followAll(b, talk.Server, []byte("354 go\r\n"))
		text := bytes.Repeat([]byte(strings.Repeat("x", 74)+"\r\n"), (64<<10)/76)
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		for b.Loop() {
			followAll(b, talk.Client, text)
		}
	})
}
