package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

func ExampleProtocol_mysql() {
	talk := wire.MySQL.Follow()
	talk.Server([]byte(greeting(mysqlPlain)))
	talk.Client([]byte(login(mysqlPlain)))
	talk.Server([]byte(ok))

	fmt.Printf("%+v\n", talk.Client([]byte(query("SELECT 1"))))
	fmt.Printf("%q\n", talk.Refuse(wire.Why{Code: "1213"}).Bytes)
	// Output:
	// {N:13 Begin:true End:true ID:0 Silent:false Joined:false Secret:false More:false Opaque:false}
	// "K\x00\x00\x01\xff\xbd\x04#40001Deadlock found when trying to get lock; try restarting transaction"
}

func TestMySQLKnowsItsErrors(t *testing.T) {
	for code, want := range map[string]string{
		"":      "\xff\xb5\x04#HY000Lock wait timeout exceeded; try restarting transaction",
		"1040":  "\xff\x10\x04#08004Too many connections",
		"1317":  "\xff\x25\x05#70100Query execution was interrupted",
		"65534": "\xff\xfe\xff#HY000Unknown error",
	} {
		talk := begun(t, wire.MySQL, loggedIn(mysqlPlain))
		talk.Client([]byte(query("DO 1")))
		answer := talk.Refuse(wire.Why{Code: code})
		if string(answer.Bytes) != packet(1, want) || answer.Close {
			t.Errorf("code %q: %q", code, answer.Bytes)
		}
		if err := wire.MySQL.Check(wire.Why{Code: code}); err != nil {
			t.Error(err)
		}
	}
	for _, code := range []string{"0", "65535", "65536", "-1", "deadlock", "40001x", " 1205"} {
		if err := wire.MySQL.Check(wire.Why{Code: code}); err == nil || !strings.HasPrefix(err.Error(), "wire: mysql's Code \""+code) {
			t.Errorf("code %q: %v", code, err)
		}
	}
}

func TestAMySQLMessageIsOneShortLine(t *testing.T) {
	why := wire.Why{Message: "a\nb\r\nc" + strings.Repeat("d", 1000)}
	want := packet(1, "\xff\xb5\x04#HY000a b c"+strings.Repeat("d", 512-5))
	asked(t, mysqlPlain, []turn{refused(query("DO 1"), why)}, fmt.Sprintf("request 9 refused %q", want))
}

func TestARefusedMySQLRequestIsNeverAnswered(t *testing.T) {
	why := wire.Why{Code: "1317", Message: "no"}
	no := fmt.Sprintf("%q", packet(1, "\xff\x25\x05#70100no"))
	asked(t, mysqlPlain, []turn{
		client(query("DO 1")), refused(query("SELECT"), why), client(query("DO 333")),
		server(ok + fail), refused(packet(0, "\x12log"), why), client(query("DO 1")), server(ok),
	},
		"request 9", "request 11 refused "+no, "request 11", "answer 11", answer(fail),
		"request 8 refused "+no, "request 9", "answer 11")
}
