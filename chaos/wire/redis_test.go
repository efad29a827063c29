package wire_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

// bulk writes a command or an array of strings as RESP does.
func bulk(words ...string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(word), word)
	}
	return b.String()
}

// redisTalk writes a command and what the server says to it.
func redisTalk(pairs ...string) (talk []turn) {
	for i, said := range pairs {
		talk = append(talk, turn{client: i%2 == 0, said: said})
	}
	return talk
}

func TestRedisAnswersOfEachKindAreFollowed(t *testing.T) {
	for name, answer := range map[string]string{
		"status":                   "+OK\r\n",
		"error":                    "-ERR no such key\r\n",
		"number":                   ":-9223372036854775808\r\n",
		"large number":             ":9223372036854775807\r\n",
		"string":                   "$5\r\nhe\r\no\r\n",
		"empty string":             "$0\r\n\r\n",
		"null":                     "$-1\r\n",
		"null array":               "*-1\r\n",
		"empty array":              "*0\r\n",
		"array":                    "*3\r\n:1\r\n$-1\r\n*2\r\n+a\r\n*0\r\n",
		"RESP3 null":               "_\r\n",
		"true":                     "#t\r\n",
		"double":                   ",1.23e-7\r\n",
		"infinity":                 ",-inf\r\n",
		"big number":               "(3492890328409238509324850943850943825024385\r\n",
		"verbatim string":          "=15\r\ntxt:Some string\r\n",
		"error string":             "!21\r\nSYNTAX invalid syntax\r\n",
		"map":                      "%2\r\n+first\r\n:1\r\n+second\r\n%1\r\n+third\r\n_\r\n",
		"set":                      "~3\r\n+a\r\n#f\r\n~0\r\n",
		"attribute":                "|1\r\n+key-popularity\r\n%2\r\n$1\r\na\r\n,0.1923\r\n$1\r\nb\r\n,0.0012\r\n*2\r\n:2039123\r\n:9543892\r\n",
		"attribute inside":         "*3\r\n:1\r\n:2\r\n|1\r\n+ttl\r\n:3600\r\n:3\r\n",
		"streamed string":          "$?\r\n;4\r\nHell\r\n;5\r\no wor\r\n;1\r\nd\r\n;0\r\n",
		"streamed array":           "*?\r\n:1\r\n*2\r\n:2\r\n:3\r\n*?\r\n.\r\n.\r\n",
		"streamed map in an array": "*2\r\n%?\r\n+a\r\n:1\r\n$?\r\n;1\r\nb\r\n;0\r\n~?\r\n.\r\n.\r\n+end\r\n",
		"deep array":               strings.Repeat("*1\r\n", 100_000) + ":1\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			understood(t, wire.Redis, redisTalk(bulk("GET", "a")+bulk("GET", "b"), answer+"+next\r\n"),
				"request 20", "request 20", fmt.Sprintf("answer %d", len(answer)), "answer 7")
		})
	}
}

func TestRedisWhatIsNoAnswerIsOpaque(t *testing.T) {
	for _, answer := range []string{
		"HTTP/1.1 200 OK\r\n", "*x\r\n", "$-2\r\n", "$5\nhello\r\n", ".\r\n", ";1\r\na\r\n", "|?\r\n", ":99999999999999999999\r\n",
		"*9999999999999999999\r\n", "%1152921504606846976\r\n", "*1152921504606846976\r\n",
	} {
		understood(t, wire.Redis, redisTalk(bulk("PING"), answer), "request 14", "server opaque")
	}
	for _, answer := range []string{"*1\r\n>1\r\n+x\r\n", "*?\r\n*1\r\n.\r\n", "$?\r\n+x\r\n", "*1\r\n;1\r\nx\r\n",
		strings.Repeat("*?\r\n", 1000), "|1\r\n:1\r\n:1\r\n>1\r\n+x\r\n", "*2\r\n*1152921504606846975\r\n"} {
		got := follows(t, wire.Redis, redisTalk(bulk("PING"), answer)...)
		if got[len(got)-1] != "server opaque" || len(got) != 3 {
			t.Errorf("%.40q: %q, want a part of an answer and no more", answer, got)
		}
	}
	understood(t, wire.Redis, []turn{server("-ERR max number of clients reached\r\n")}, "server opaque")
}

func TestRedisCommands(t *testing.T) {
	for name, c := range map[string]struct {
		talk []turn
		want []string
	}{
		"a value": {
			redisTalk("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$10\r\n0123456789\r\n", "+OK\r\n"),
			[]string{"request 37", "answer 5"},
		},
		"inline": {
			redisTalk("PING\r\n  set k \"a b\" \n\r\nQUIT\r\n", "+PONG\r\n+OK\r\n+OK\r\n"),
			[]string{"request 6", "request 15", "client 2", "request 6", "answer 7", "answer 5", "answer 5"},
		},
		"nothing": {
			redisTalk("*0\r\n*-1\r\n*1\r\n$4\r\nPING\r\n", "+PONG\r\n"),
			[]string{"client 9", "request 14", "answer 7"},
		},
		"a name that no command has": {
			redisTalk("*1\r\n$70000\r\n"+strings.Repeat("x", 70_000)+"\r\n", "-ERR unknown command\r\n"),
			[]string{"request 70014", "answer 22"},
		},
		"passwords": {
			redisTalk(bulk("AUTH", "u", "pw"), "+OK\r\n", bulk("HELLO", "3", "AUTH", "u", "pw"), "%1\r\n+proto\r\n:3\r\n",
				bulk("config", "get", "requirepass"), "%1\r\n$11\r\nrequirepass\r\n$2\r\npw\r\n", "AUTH pw\r\n", "+OK\r\n"),
			[]string{"request 29 secret=29", "answer 5", "request 47 secret=47", "answer 16", "request 43 secret=43",
				"answer 30 secret=30", "request 9 secret=9", "answer 5"},
		},
		"a transaction": {
			redisTalk(bulk("WATCH", "k")+bulk("MULTI")+bulk("INCR", "k")+bulk("EXEC")+bulk("PING"),
				"+OK\r\n+OK\r\n+QUEUED\r\n*1\r\n:1\r\n+PONG\r\n"),
			[]string{"request 22", "request 15", "request 21 joined", "request 14 joined", "request 14",
				"answer 5", "answer 5", "answer 9", "answer 8", "answer 7"},
		},
		"a transaction that is not begun": {
			redisTalk(bulk("MULTI"), "-NOAUTH Authentication required.\r\n", bulk("PING"), "-NOAUTH Authentication required.\r\n"),
			[]string{"request 15", "answer 34", "request 14", "answer 34"},
		},
		"a transaction within another": {
			redisTalk(bulk("MULTI"), "+OK\r\n", bulk("MULTI"), "-ERR MULTI calls can not be nested\r\n", bulk("DISCARD")+bulk("PING"), "+OK\r\n+PONG\r\n"),
			[]string{"request 15", "answer 5", "request 15 joined", "answer 36", "request 17 joined", "request 14", "answer 5", "answer 7"},
		},
		"the error of an earlier MULTI": {
			redisTalk(bulk("MULTI")+bulk("EXEC")+bulk("MULTI"), "-NOAUTH no\r\n-NOAUTH no\r\n", bulk("PING"), "+OK\r\n"),
			[]string{"request 15", "request 14 joined", "request 15", "answer 12", "answer 12", "request 14 joined", "answer 5"},
		},
		"a transaction that RESET ends": {
			redisTalk(bulk("MULTI")+bulk("RESET")+bulk("PING"), "+OK\r\n+RESET\r\n+PONG\r\n"),
			[]string{"request 15", "request 15 joined", "request 14", "answer 5", "answer 8", "answer 7"},
		},
		"without answers": {
			redisTalk(bulk("CLIENT", "REPLY", "OFF")+bulk("SET", "a", "1")+bulk("CLIENT", "REPLY", "SKIP")+bulk("client", "reply", "on")+bulk("PING"),
				"+OK\r\n+PONG\r\n"),
			[]string{"request 36 silent", "request 27 silent", "request 37 silent", "request 35", "request 14", "answer 5", "answer 7"},
		},
		"one without an answer": {
			redisTalk(bulk("CLIENT", "REPLY", "SKIP")+bulk("SET", "a", "1")+bulk("PING"), "+PONG\r\n"),
			[]string{"request 37 silent", "request 27 silent", "request 14", "answer 7"},
		},
		"an empty command is one without an answer": {
			redisTalk("CLIENT REPLY SKIP\r\n\r\nPING\r\n", "+PONG\r\n"),
			[]string{"request 19 silent", "client 2", "request 6", "answer 7"},
		},
		"SKIP means nothing after OFF": {
			redisTalk("CLIENT REPLY OFF\r\nCLIENT REPLY SKIP\r\nPING\r\nPING\r\n"),
			[]string{"request 18 silent", "request 19 silent", "request 6 silent", "request 6 silent"},
		},
		"no such reply": {
			redisTalk(bulk("CLIENT", "REPLY", "LOUD"), "-ERR syntax error\r\n"), []string{"request 37", "answer 19"},
		},
		"a client's name": {
			redisTalk(bulk("CLIENT", "SETNAME", strings.Repeat("n", 50)), "+OK\r\n"), []string{"request 86", "answer 5"},
		},
	} {
		t.Run(name, func(t *testing.T) { understood(t, wire.Redis, c.talk, c.want...) })
	}
}

func TestRedisWhatIsNoCommandIsOpaque(t *testing.T) {
	for _, said := range []string{
		"\x16\x03\x01\x02\x00", "*x\r\n", "*1\r\n+PING\r\n", "*1\r\n$-1\r\n", "*2147483648\r\n", "*3\r\n$6\r\nCLIENT\r\n:1\r\n",
		bulk("MONITOR"), bulk("psync", "?", "-1"), "SYNC\r\n", bulk("REPLCONF", "ACK", "1"), bulk("SCRIPT", "DEBUG", "YES"),
		"SUBSCRIBE \"a b\"\r\n", "\"PING\"\r\n", strings.Repeat("x", wire.MaxHead),
	} {
		understood(t, wire.Redis, []turn{client(said)}, "client opaque")
	}
	for _, then := range []string{bulk("SUBSCRIBE", "a"), bulk("HELLO", "3"), bulk("RESET")} {
		understood(t, wire.Redis, []turn{client(bulk("CLIENT", "REPLY", "OFF") + then)}, "request 36 silent", "client opaque")
	}
	for _, then := range []string{bulk("SUBSCRIBE", "a"), bulk("HELLO", "3"), bulk("CLIENT", "REPLY", "ON")} {
		understood(t, wire.Redis, []turn{client(bulk("MULTI") + then)}, "request 15", "client opaque")
	}
	understood(t, wire.Redis, []turn{client("*2\r\n$3\r\nGET\r\nk\r\n")}, "request 13…", "client opaque")
}

func TestRedisRefuses(t *testing.T) {
	loading := wire.Why{Code: "LOADING"}
	understood(t, wire.Redis, []turn{
		client(bulk("GET", "a")), refused(bulk("GET", "b")+bulk("GET", "c"), loading), client(bulk("GET", "d")), server(":1\r\n:4\r\n"),
		refused("PING\r\n", wire.Why{}), refused("PING\r\n", wire.Why{Code: "MOVED", Message: "1 127.0.0.1:1\r\n+OK"}),
	},
		"request 20", `request 20 refused "-LOADING Redis is loading the dataset in memory\r\n"`,
		`request 20 refused "-LOADING Redis is loading the dataset in memory\r\n"`, "request 20", "answer 4", "answer 4",
		`request 6 refused "-ERR the server cannot answer now\r\n"`, `request 6 refused "-MOVED 1 127.0.0.1:1 +OK\r\n"`)
	// A refused transaction never was, which is said at its end.
	for end, want := range map[string][]string{
		bulk("EXEC"):    {`request 14 joined refused "-LOADING Redis is loading the dataset in memory\r\n"`},
		bulk("RESET"):   {`request 15 joined refused "-LOADING Redis is loading the dataset in memory\r\n"`},
		bulk("DISCARD"): {`request 17 joined refused "+OK\r\n"`},
		bulk("MULTI") + bulk("EXEC"): {`request 15 joined refused "-LOADING Redis is loading the dataset in memory\r\n"`,
			`request 14 joined refused "-LOADING Redis is loading the dataset in memory\r\n"`},
	} {
		understood(t, wire.Redis, []turn{
			refused(bulk("MULTI")+bulk("INCR", "k")+bulk("EXEC", "x")+end, loading), client(bulk("PING")), server("+PONG\r\n"),
			refused(bulk("PING"), loading), client(bulk("MULTI") + bulk("EXEC")), server("+OK\r\n*0\r\n"),
		},
			slices.Concat([]string{`request 15 refused "+OK\r\n"`, `request 21 joined refused "+QUEUED\r\n"`, `request 21 joined refused "+QUEUED\r\n"`},
				want, []string{"request 14", "answer 7", `request 14 refused "-LOADING Redis is loading the dataset in memory\r\n"`,
					"request 15", "request 14 joined", "answer 5", "answer 4"})...)
	}
	// A refused CLIENT REPLY ON leaves it off.
	understood(t, wire.Redis, []turn{
		client("CLIENT REPLY OFF\r\n"), refused("CLIENT REPLY ON\r\n", loading), client("PING\r\n"),
	},
		"request 18 silent", `request 17 refused "-LOADING Redis is loading the dataset in memory\r\n"`, "request 6 silent")
	// A refused HELLO, RESET or SUBSCRIBE has changed nothing.
	understood(t, wire.Redis, []turn{
		client(bulk("SUBSCRIBE", "a")), server("*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n"),
		refused(bulk("RESET")+bulk("SUBSCRIBE", "b")+bulk("HELLO", "3"), loading),
		server(bulk("message", "a", "hi")),
	},
		"request 26", "answer 30", `request 15 refused "-LOADING Redis is loading the dataset in memory\r\n"`,
		`request 26 refused "-LOADING Redis is loading the dataset in memory\r\n"`,
		`request 22 secret=22 refused "-LOADING Redis is loading the dataset in memory\r\n"`, "server 32")
}

func TestRedisChecksTheCode(t *testing.T) {
	for code, ok := range map[string]bool{"": true, "OOM": true, "oom": false, "-ERR": false, "ERR ": false, "ERR\n": false} {
		if err := wire.Redis.Check(wire.Why{Code: code}); (err == nil) != ok {
			t.Errorf("code %q: %v", code, err)
		}
	}
}
