package wire_test

import (
	"slices"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

// EXEC and DISCARD end a WATCH whatever becomes of the transaction. The server has not seen those of a
// refused one, so that its connection must end in their place.
func TestRedisNoWatchIsLeftBehindByARefusedTransaction(t *testing.T) {
	loading := wire.Why{Code: "LOADING"}
	no := `refused "-LOADING Redis is loading the dataset in memory\r\n"`
	for end, want := range map[string]string{
		"EXEC":    `request… joined ` + no + ` close`,
		"RESET":   `request… joined ` + no + ` close`,
		"DISCARD": `request… joined refused "+OK\r\n" close`,
	} {
		understood(t, wire.Redis, []turn{client("WATCH a\r\n"), server("+OK\r\n"), refused("MULTI\r\nGET a\r\nUNWATCH\r\n"+end+"\r\n", loading)},
			"request 9", "answer 5", `request 7 refused "+OK\r\n"`, `request 7 joined refused "+QUEUED\r\n"`, `request 9 joined refused "+QUEUED\r\n"`, want)
	}
	transaction := []string{`request 7 refused "+OK\r\n"`, `request 7 joined refused "+QUEUED\r\n"`, `request 6 joined ` + no}
	for name, before := range map[string]struct {
		talk []turn
		want []string
	}{
		"ended by EXEC": {redisTalk("WATCH a\r\nMULTI\r\nEXEC\r\n", "+OK\r\n+OK\r\n*0\r\n"),
			[]string{"request 9", "request 7", "request 6 joined", "answer 5", "answer 5", "answer 4"}},
		"ended by DISCARD": {redisTalk("WATCH a\r\nMULTI\r\nDISCARD\r\n", "+OK\r\n+OK\r\n+OK\r\n"),
			[]string{"request 9", "request 7", "request 9 joined", "answer 5", "answer 5", "answer 5"}},
		"ended by UNWATCH": {redisTalk("WATCH a\r\nUNWATCH\r\n", "+OK\r\n+OK\r\n"), []string{"request 9", "request 9", "answer 5", "answer 5"}},
		"ended by RESET":   {redisTalk("WATCH a\r\nRESET\r\n", "+OK\r\n+RESET\r\n"), []string{"request 9", "request 7", "answer 5", "answer 8"}},
		"refused":          {[]turn{refused("WATCH a\r\n", loading)}, []string{"request 9 " + no}},
		"of nothing":       {redisTalk("WATCH\r\n", "-ERR wrong number of arguments\r\n"), []string{"request 7", "answer 32"}},
		"in a transaction": {redisTalk("MULTI\r\nWATCH a\r\nDISCARD\r\n", "+OK\r\n-ERR WATCH inside MULTI is not allowed\r\n+OK\r\n"),
			[]string{"request 7", "request 9 joined", "request 9 joined", "answer 5", "answer 40", "answer 5"}},
	} {
		t.Run(name, func(t *testing.T) {
			understood(t, wire.Redis, append(before.talk, refused("MULTI\r\nGET a\r\nEXEC\r\n", loading)), slices.Concat(before.want, transaction)...)
		})
	}
	for _, still := range []string{"UNWATCH\r\n", "RESET\r\n", "EXEC\r\n"} { // refused, and so the keys are still watched
		got := follows(t, wire.Redis, client("WATCH a\r\n"), server("+OK\r\n"), refused(still+"MULTI\r\nEXEC\r\n", loading))
		if last := got[len(got)-1]; last != "request… joined "+no+" close" {
			t.Errorf("%q: then %s", still, last)
		}
	}
}

func TestRedisShowsNoPassword(t *testing.T) {
	understood(t, wire.Redis, redisTalk(bulk("SENTINEL", "SET", "m", "auth-pass", "x"), "+OK\r\n", "ACL GENPASS\r\n", "$2\r\npw\r\n"),
		"request 56 secret=56", "answer 5 secret=5", "request 13 secret=13", "answer 8 secret=8")
	understood(t, wire.Redis, redisTalk("MULTI\r\nACL GENPASS\r\nEXEC\r\nMULTI\r\nEXEC\r\n", "+OK\r\n+QUEUED\r\n*1\r\n$2\r\npw\r\n+OK\r\n*0\r\n"),
		"request 7", "request 13 joined secret=13", "request 6 joined", "request 7", "request 6 joined",
		"answer 5", "answer 9 secret=9", "answer 12 secret=12", "answer 5", "answer 4")
	for _, said := range []string{"AUTH \"pw\"\r\n", "\"AUTH\" pw\r\n", "MONITOR\r\n", "\x16"} {
		talk := wire.Redis.Follow()
		for range 2 {
			if part := talk.Client([]byte(said)); !part.Opaque || !part.Secret {
				t.Errorf("%q: understood %+v", said, part)
			}
		}
		if part := talk.Server([]byte("+OK\r\n")); !part.Opaque || !part.Secret {
			t.Errorf("behind %q: understood %+v", said, part)
		}
	}
}
