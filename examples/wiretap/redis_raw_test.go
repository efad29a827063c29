package wiretap_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/heeler-go/heeler/chaos/wire"
	"github.com/heeler-go/heeler/internal/servers"
)

// What no client library does, said by hand to the real server: each ends with an answer that can be
// told from others.
func TestTheRealRedisAnswersAsCounted(t *testing.T) {
	db := servers.Redis(t)
	for _, c := range []struct {
		said             string
		requests, silent int
	}{
		{"PING\r\nping\r\n\r\n*0\r\n*1\r\n$4\r\nPING\r\n", 3, 0},
		{"CLIENT REPLY SKIP\r\nPING\r\nPING\r\n", 1, 2},
		{"CLIENT REPLY SKIP\r\n\r\nPING\r\n", 1, 1},
		{"CLIENT REPLY SKIP\r\nCLIENT REPLY SKIP\r\nPING\r\nPING\r\n", 1, 3},
		{"CLIENT REPLY OFF\r\nPING\r\nGET\r\nCLIENT REPLY SKIP\r\nPING\r\nCLIENT REPLY ON\r\nPING\r\n", 2, 5},
		{"CLIENT REPLY SKIP\r\nCLIENT REPLY ON\r\nPING\r\n", 2, 1},
		{"CLIENT REPLY OFF\r\nMULTI\r\nPING\r\nEXEC\r\nCLIENT REPLY ON\r\n", 1, 4},
		{"CLIENT REPLY SKIP\r\nMULTI\r\nPING\r\nEXEC\r\n", 2, 2},
		{"CLIENT REPLY LOUD\r\nCLIENT REPLY\r\n", 2, 0},
		{"MULTI\r\nMULTI\r\nPING\r\nEXEC x\r\nEXEC\r\nEXEC\r\nMULTI x\r\nPING\r\n", 8, 0},
		{"MULTI\r\nPING\r\nRESET\r\nPING\r\n", 4, 0},
		{"MULTI\r\nWATCH a\r\nDISCARD\r\nPING\r\n", 4, 0},
		{"SUBSCRIBE\r\nSUBSCRIBE a b a\r\nGET x\r\nPING\r\nPING y\r\nUNSUBSCRIBE\r\nUNSUBSCRIBE\r\nUNSUBSCRIBE a b\r\nPING\r\n", 9, 0},
		{"SUBSCRIBE a\r\nPSUBSCRIBE a b\r\nSSUBSCRIBE a b c\r\nUNSUBSCRIBE\r\nPUNSUBSCRIBE\r\nSUNSUBSCRIBE\r\nPUNSUBSCRIBE\r\nSUNSUBSCRIBE\r\n", 8, 0},
		{"SUBSCRIBE a b\r\nRESET\r\nUNSUBSCRIBE\r\nPING\r\n", 4, 0},
		{"HELLO 3\r\nSUBSCRIBE a b\r\nSUBSCRIBE\r\nPUBLISH a x\r\nGET a\r\nUNSUBSCRIBE\r\nUNSUBSCRIBE\r\nPUBLISH a y\r\n", 8, 0},
		{"HELLO 3\r\nSUBSCRIBE a\r\nHELLO 2\r\nPUBLISH a x\r\nUNSUBSCRIBE\r\nHELLO 9\r\n", 6, 0},
		{"HELLO 3\r\nCLIENT TRACKING on\r\nGET k\r\nSET k 1\r\nGET k\r\nMULTI\r\nSET k 2\r\nGET k\r\nSET k 3\r\nEXEC\r\n", 10, 0},
		{"HELLO 3\r\n" + returned("{map={a={double=1.5}}}") + returned("{set={a=true,b=true}}") + returned("{double=-1/0}") +
			returned("{big_number='12345678901234567890'}") + returned("{verbatim_string={format='txt',string='x'}}") +
			returned("{true,false,{},redis.call('hgetall','none')}"), 7, 0},
	} {
		tp := listen(t, wire.Redis, db.Addr)
		conn, err := net.Dial("tcp", tp.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte(c.said + "NOSUCHCOMMAND\r\n")); err != nil {
			t.Fatal(err)
		}
		answers := bufio.NewReader(conn)
		for last := ""; !strings.Contains(last, "NOSUCHCOMMAND"); {
			if last, err = answers.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		requests, silent := tp.counts(c.silent)
		if requests != c.requests+1 || silent != c.silent || tp.opaque > 0 {
			t.Errorf("%q: %d requests, %d without an answer, %d not understood; want %d and %d",
				c.said, requests, silent, tp.opaque, c.requests+1, c.silent)
		}
		time.Sleep(10 * time.Millisecond) // an answer too many would come now
		if tp.mu.Lock(); tp.answers != 0 || tp.opaque != 0 {
			t.Errorf("%q: more answers than requests", c.said)
		}
		tp.mu.Unlock()
		conn.Close()
	}
}

// returned is a script that returns a value of RESP3.
func returned(value string) string {
	return fmt.Sprintf("EVAL \"redis.setresp(3); return %s\" 0\r\n", value)
}
