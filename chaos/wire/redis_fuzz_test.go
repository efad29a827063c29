package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/heeler-go/heeler/chaos/wire"
)

func FuzzRedis(f *testing.F) {
	fuzz(f, wire.Redis,
		redisTalk(bulk("HELLO", "3", "AUTH", "u", "p"), "%1\r\n+proto\r\n:3\r\n", bulk("SUBSCRIBE", "a", "b"),
			confirmed('>', "subscribe", "a", 1)+confirmed('>', "subscribe", "b", 2), bulk("UNSUBSCRIBE"), confirmed('>', "unsubscribe", "a", 1)),
		redisTalk(bulk("PSUBSCRIBE", "a*"), confirmed('*', "psubscribe", "a*", 1)+bulk("pmessage", "a*", "ab", "x"), "RESET\r\n", "+RESET\r\n"),
		redisTalk(bulk("MULTI")+bulk("INCR", "k")+bulk("EXEC"), "+OK\r\n+QUEUED\r\n*1\r\n:1\r\n"),
		redisTalk("CLIENT REPLY SKIP\r\nGET a\r\nCLIENT REPLY OFF\r\nCLIENT REPLY ON\r\n", "+OK\r\n"),
		redisTalk(bulk("GET", "k"), "|1\r\n+a\r\n*?\r\n$?\r\n;1\r\na\r\n;0\r\n%1\r\n_\r\n=3\r\ntxt\r\n.\r\n#t\r\n"),
	)
}

// BenchmarkRedis follows pipelines of small commands and long strings.
func BenchmarkRedis(b *testing.B) {
	get, value := []byte(strings.Repeat(bulk("GET", "key:123"), 100)), []byte(strings.Repeat("$5\r\nhello\r\n", 100))
	b.Run("command", func(b *testing.B) { // and its answer
		talk := wire.Redis.Follow()
		b.ReportAllocs()
		for i := 0; i < b.N; i += 100 {
			followAll(b, talk.Client, get)
			followAll(b, talk.Server, value)
		}
	})
	chunk := bytes.Repeat([]byte("x"), 64<<10)
	b.Run("chunk", func(b *testing.B) {
		talk := wire.Redis.Follow()
		followAll(b, talk.Client, []byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000000000000000000\r\n"))
		b.SetBytes(int64(len(chunk)))
		b.ReportAllocs()
		for b.Loop() {
			followAll(b, talk.Client, chunk)
		}
	})
	b.Run("list", func(b *testing.B) { // 1,000 strings
		talk := wire.Redis.Follow()
		list := []byte("*1000\r\n" + strings.Repeat("$5\r\nhello\r\n", 1000))
		b.SetBytes(int64(len(list)))
		b.ReportAllocs()
		for b.Loop() {
			followAll(b, talk.Client, get[:len(get)/100])
			followAll(b, talk.Server, list)
		}
	})
}

// followAll shows data to one side and fails unless all of it is understood.
func followAll(t testing.TB, look func([]byte) wire.Part, data []byte) {
	for len(data) > 0 {
		part := look(data)
		if part.N == 0 || part.Opaque {
			t.Fatalf("understood %+v of %.60q", part, data)
		}
		data = data[part.N:]
	}
}
