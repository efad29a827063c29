package wire_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

// confirmed is how a server says that a subscription has begun or ended; kind is '*' for RESP2, '>' for
// RESP3.
func confirmed(kind byte, verb, channel string, number int) string {
	said := bulk(verb, channel)
	return fmt.Sprintf("%c3%s:%d\r\n", kind, said[2:], number)
}

func TestRedisSubscriptions(t *testing.T) {
	for _, version := range []struct {
		kind  byte
		hello []turn
		want  []string
	}{
		{'*', nil, nil},
		{'>', redisTalk(bulk("HELLO", "3"), "%0\r\n"), []string{"request 22 secret=22", "answer 4"}},
	} {
		conf := func(verb, channel string, number int) string { return confirmed(version.kind, verb, channel, number) }
		news := func(words ...string) string {
			return string(version.kind) + bulk(words...)[1:]
		}
		tell := func(name string, talk []turn, want ...string) {
			t.Run(fmt.Sprintf("%s %c", name, version.kind), func(t *testing.T) {
				understood(t, wire.Redis, append(version.hello, talk...), append(version.want, want...)...)
			})
		}
		tell("one answer for several channels", redisTalk(
			bulk("SUBSCRIBE", "a", "b", "c"), conf("subscribe", "a", 1)+conf("subscribe", "b", 2)+conf("subscribe", "c", 3)+news("message", "a", "hi"),
			bulk("UNSUBSCRIBE", "b")+bulk("PING"), conf("unsubscribe", "b", 2)+news("message", "c", "x")+bulk("pong", "")),
			"request 40", "answer 90", "server 32", "request 29", "request 14", "answer 33", "server 31", "answer 20")
		tell("all channels at once", redisTalk(
			bulk("SUBSCRIBE", "a", "b")+bulk("PSUBSCRIBE", "*")+bulk("SSUBSCRIBE", "s"),
			conf("subscribe", "a", 1)+conf("subscribe", "b", 2)+conf("psubscribe", "*", 3)+conf("ssubscribe", "s", 1)+
				news("pmessage", "*", "a", "m")+news("smessage", "s", "m"),
			"UNSUBSCRIBE\r\nPUNSUBSCRIBE\r\nSUNSUBSCRIBE\r\nPING\r\n",
			conf("unsubscribe", "b", 2)+conf("unsubscribe", "a", 1)+conf("punsubscribe", "*", 0)+conf("sunsubscribe", "s", 0)+"+PONG\r\n"),
			"request 33", "request 28", "request 28", "answer 60", "answer 32", "answer 32", "server 71",
			"request 13", "request 14", "request 14", "request 6", "answer 66", "answer 34", "answer 34", "answer 7")
		tell("a channel subscribed twice", redisTalk(
			bulk("SUBSCRIBE", "a", "a"), conf("subscribe", "a", 1)+conf("subscribe", "a", 1),
			"UNSUBSCRIBE\r\nPING\r\n", conf("unsubscribe", "a", 0)+"+PONG\r\n"),
			"request 33", "answer 60", "request 13", "request 6", "answer 33", "answer 7")
		tell("channels after patterns", redisTalk(
			"PSUBSCRIBE p\r\nSUBSCRIBE a b\r\n", conf("psubscribe", "p", 1)+conf("subscribe", "a", 2)+conf("subscribe", "b", 3),
			"UNSUBSCRIBE\r\nPING\r\n", conf("unsubscribe", "a", 2)+conf("unsubscribe", "b", 1)+"+PONG\r\n"),
			"request 14", "request 15", "answer 32", "answer 60", "request 13", "request 6", "answer 66", "answer 7")
		tell("none to end", redisTalk(
			"UNSUBSCRIBE\r\nPING\r\n", string(version.kind)+"3\r\n$11\r\nunsubscribe\r\n$-1\r\n:0\r\n+PONG\r\n"),
			"request 13", "request 6", "answer 31", "answer 7")
		tell("without a channel", redisTalk("SUBSCRIBE\r\n", "-ERR wrong number of arguments\r\n"), "request 11", "answer 32")
		tell("not permitted", redisTalk("SUBSCRIBE a\r\nPING\r\n", "-NOPERM no\r\n+PONG\r\n"),
			"request 13", "request 6", "answer 12", "answer 7")
		tell("a list that looks like a message", redisTalk(
			bulk("LRANGE", "a", "0", "-1"), bulk("message", "a", "b"),
			bulk("SUBSCRIBE", "a")+bulk("UNSUBSCRIBE", "a")+bulk("LRANGE", "a", "0", "-1"),
			conf("subscribe", "a", 1)+conf("unsubscribe", "a", 0)+bulk("message", "a", "b")),
			"request 38", "answer 31", "request 26", "request 29", "request 38", "answer 30", "answer 33", "answer 31")
		tell("RESET ends them", redisTalk(
			bulk("SUBSCRIBE", "a")+bulk("RESET")+bulk("LRANGE", "a", "0", "-1"),
			conf("subscribe", "a", 1)+"+RESET\r\n"+bulk("message", "a", "b")),
			"request 26", "request 15", "request 38", "answer 30", "answer 8", "answer 31")
		tell("messages before the first confirmation of another", redisTalk(
			bulk("SUBSCRIBE", "a")+bulk("SUBSCRIBE", "b"), conf("subscribe", "a", 1)+news("message", "a", "hi")+conf("subscribe", "b", 2)),
			"request 26", "request 26", "answer 30", "server 32", "answer 30")
		tell("a shard that moves away", redisTalk(
			bulk("SSUBSCRIBE", "a", "b"), conf("ssubscribe", "a", 1)+conf("ssubscribe", "b", 2)+conf("sunsubscribe", "a", 1),
			"SUNSUBSCRIBE\r\nPING\r\n", conf("sunsubscribe", "b", 0)+"+PONG\r\n"),
			"request 35", "answer 64", "server 34", "request 14", "request 6", "answer 34", "answer 7")
	}
}

func TestRedisPushesAreOutsideOfAnswers(t *testing.T) {
	invalidate := ">2\r\n$10\r\ninvalidate\r\n*1\r\n$3\r\nfoo\r\n"
	understood(t, wire.Redis, redisTalk(bulk("HELLO", "3"), "%0\r\n"+invalidate, bulk("GET", "k")+bulk("GET", "k"),
		invalidate+"$1\r\na\r\n"+invalidate+invalidate+"$1\r\nb\r\n"),
		"request 22 secret=22", "answer 4", "server 34", "request 20", "request 20", "server 34", "answer 7", "server 68", "answer 7")
	// RESP3 subscribers may ask anything, and lists may look like messages.
	understood(t, wire.Redis, redisTalk(
		bulk("HELLO", "3")+bulk("SUBSCRIBE", "a"), "%0\r\n"+confirmed('>', "subscribe", "a", 1),
		bulk("LRANGE", "a", "0", "-1"), bulk("message", "a", "b"),
		bulk("HELLO", "2"), "*0\r\n"+bulk("message", "a", "b")),
		"request 22 secret=22", "request 26", "answer 4", "answer 30", "request 38", "answer 31",
		"request 22 secret=22", "answer 4", "server 31")
}

func TestRedisAPushThatGoesOnSaysSo(t *testing.T) {
	talk := wire.Redis.Follow()
	push := ">2\r\n$7\r\nmessage\r\n$1000\r\n" + strings.Repeat("x", 1000) + "\r\n"
	first := talk.Server([]byte(push[:500]))
	last := talk.Server([]byte(push[500:]))
	if first != (wire.Part{N: 500, More: true}) || last != (wire.Part{N: len(push) - 500}) {
		t.Errorf("understood %+v and %+v", first, last)
	}
}
